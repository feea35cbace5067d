"""A chat/1 server with FastAPI on uvicorn: one process, one event loop, two tasks a connection."""

import asyncio
import os
import re
import signal
import socket
import sys
from importlib.metadata import version
from typing import Any, NoReturn

import uvicorn
from chat import CLOSE_TIMEOUT_S, PENDING_BYTES_MAX, SERVICE_RESTART, Chat, Connection
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.routing import APIWebSocketRoute
from messages import NAME_RULE, asked_user
from settings import Settings
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MESSAGE_BYTES_MAX = 65_536
DRAIN_S = 2
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

app = FastAPI(openapi_url=None, redirect_slashes=False)
chat = Chat()


@app.api_route("/health", methods=["GET", "HEAD"])
async def health() -> dict[str, Any]:
    pid = os.getpid()
    facts = {"status": "ok", "implementation": "fastapi", "version": version("fastapi")}
    return facts | {"pid": pid, "workers": [pid]}


@app.api_route("/ws", methods=["GET", "HEAD"])
async def no_upgrade(request: Request) -> Response:
    return Response("an upgrade to WebSocket 13", 426, {"Upgrade": "websocket"})


async def talk(websocket: WebSocket) -> None:
    """Serves one client until its connection has ended."""
    user = asked_user(websocket.scope["query_string"])
    if user is None:
        await websocket.send_denial_response(Response(f"user is {NAME_RULE}", 400))
        return
    await websocket.accept()
    connection = Connection(chat, user, websocket.send_text, websocket.close)
    try:
        while True:
            event = await websocket.receive()
            if event["type"] == "websocket.disconnect":
                await connection.finish(event["code"])
                break
            connection.received(event.get("text"))
    except (WebSocketDisconnect, asyncio.CancelledError):
        pass
    finally:
        connection.cut_off()


@app.websocket("/{_:path}")
async def not_here(websocket: WebSocket) -> None:
    await websocket.send_denial_response(Response("not found", 404))


class Admission:
    """What a request must be before FastAPI sees it, whichever path it asks for."""

    def __init__(self, inner: ASGIApp) -> None:
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            names = [name for name, _ in scope["headers"]]
            has_body = b"content-length" in names or b"transfer-encoding" in names
            single = (b"sec-websocket-key", b"sec-websocket-version")
            repeats = any(names.count(name) > 1 for name in single)
            if names.count(b"host") != 1 or repeats or has_body:
                await self.refuse(scope, receive, send)
                return
            scope["path"] = _origin_form(scope["path"])
        await self.inner(scope, receive, send)

    async def refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = Response("one Host, one key and version, no body", 400, {"Connection": "close"})
        if scope["type"] == "websocket":
            await WebSocket(scope, receive, send).send_denial_response(response)
        else:
            await response(scope, receive, send)


class BoundedProtocol(WebSocketsSansIOProtocol):
    """uvicorn's own, which ends a connection at the end of what it reads, whatever is unanswered,
    when it stops also before what waits in the program, and writes pongs for who does not read
    them, however many.
    """

    input_ended = False

    def eof_received(self) -> bool:
        """The program hears of it behind what came before, and may answer that."""
        if not self.input_ended:
            self.input_ended = True
            self.queue.put_nowait({"type": "websocket.disconnect", "code": 1005})
            self.loop.call_later(CLOSE_TIMEOUT_S, self.transport.abort)
        return True

    def shutdown(self) -> None:
        """The program hears of the stop behind what came before, and closes behind what waits."""
        if self.handshake_complete and not self.close_sent:
            self.stop_keepalive()
            self.queue.put_nowait({"type": "websocket.disconnect", "code": SERVICE_RESTART})
        else:
            super().shutdown()

    def handle_ping(self) -> None:
        super().handle_ping()
        if self.transport.get_write_buffer_size() > PENDING_BYTES_MAX:
            self.transport.abort()


def _origin_form(path: str) -> str:
    """Without the scheme and the authority that a proxy is sent."""
    return re.sub(r"^[a-z][a-z\d+.-]*://[^/]*", "", path, flags=re.IGNORECASE)


def config(settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        Admission(app),
        backlog=settings.backlog,
        loop="uvloop",
        http="httptools",
        ws=BoundedProtocol,
        ws_max_size=MESSAGE_BYTES_MAX,
        ws_ping_interval=settings.ping_interval_s,
        # Who does not answer a ping is closed with 1011, by uvicorn.
        ws_ping_timeout=settings.idle_timeout_s,
        ws_per_message_deflate=False,
        access_log=False,
        log_config=None,  # uvicorn's own asks the standard streams, which may be closed.
        log_level="error",  # What a handler raised is one.
        timeout_graceful_shutdown=DRAIN_S,
    )


def open_standard_streams() -> None:
    """Where a descriptor of theirs is closed: a socket would get it, and be written errors to."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def bound_socket(settings: Settings) -> socket.socket:
    """A service manager's (sd_listen_fds(3)), which a successor gets, too, or one of the server's
    address: uvicorn's own says in several lines that it can't have it.
    """
    is_ours = os.environ.get("LISTEN_PID") == str(os.getpid())
    if is_ours and os.environ.get("LISTEN_FDS") == "1":
        return socket.socket(fileno=3)
    try:
        where = (settings.host, settings.port)
        family = socket.getaddrinfo(*where, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server(where, family=family, backlog=settings.backlog)
    except OSError as error:
        sys.exit(f"can't listen on {settings.host}:{settings.port}: {error}")


def end(*_: object) -> NoReturn:
    """uvicorn sends itself, once it has drained, the signal that it was sent. One that comes while
    Python ends would kill the process: Python has put the system's own choice back by then.
    """
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    sys.exit(0)


def main() -> None:
    open_standard_streams()
    settings = Settings.from_environment()
    # Before the one that takes any path.
    if settings.variant == "tuned":
        from tuned import Endpoint

        app.router.routes.insert(0, WebSocketRoute("/ws", Endpoint(chat)))
    else:
        app.router.routes.insert(0, APIWebSocketRoute("/ws", talk))
    for number in STOP_SIGNALS:
        signal.signal(number, end)
    uvicorn.Server(config(settings)).run(sockets=[bound_socket(settings)])


if __name__ == "__main__":
    main()

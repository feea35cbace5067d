"""A chat/1 server with socketify, Python's binding of uWebSockets: one process, one event loop."""

import os
import signal
import socket
import sys
import uuid
from collections import defaultdict
from importlib.metadata import version
from urllib.parse import parse_qsl, urlsplit

import orjson
import socketify
from chat import Chat, Connection, is_name
from settings import Settings

# A longer message ends the TCP connection without a close code, so that is left to lengths which
# nobody sends by mistake; Connection.received closes with 1009 from 65,537 bytes on.
PAYLOAD_BYTES_MAX = 1 << 20
# The program's own limit is less (Chat): here what is beyond is left out.
UNWRITTEN_BYTES_MAX = 1 << 26
# Two servers share a port where neither has it: uWebSockets asks for SO_REUSEPORT.
LISTEN_EXCLUSIVE_PORT = 1
DRAIN_S = 3.0


class Server:
    """The HTTP side: who is let in, health, start and stop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.app = socketify.App(lifespan=False)
        self.loop = self.app.loop.loop
        self.chat = Chat(self.app.publish, self.app.num_subscribers, self.loop)
        self.app.ws(
            "/ws",
            {
                "max_payload_length": PAYLOAD_BYTES_MAX,
                "max_backpressure": UNWRITTEN_BYTES_MAX,
                "close_on_backpressure_limit": True,
                "idle_timeout": 0,  # It closes without a code: Connection has a timer of its own.
                "upgrade": self.upgrade,
                "open": opened,
                "message": lambda ws, data, kind: ws.get_user_data().received(data, kind),
                "ping": lambda ws, _: ws.get_user_data().pinged(),
                "pong": lambda ws, _: ws.get_user_data().alive(),
                "close": lambda ws, _code, _reason: ws.get_user_data().closed(),
            },
        )
        self.app.get("/health", self.health)
        # What is no upgrade comes here, too.
        self.app.any("/ws", lambda *asked: refuse(*asked, "426 Upgrade Required"))
        self.app.head("/health", lambda response, _: response.end_without_body())
        self.app.any("/*", lambda *asked: refuse(*asked, "404 Not Found"))

    def run(self) -> None:
        """Serves until SIGTERM or SIGINT."""
        where = {"host": self.settings.host, "port": self.settings.port}
        # socketify raises where nobody can catch it, and the trace would stand before our line.
        sys.unraisablehook = lambda _: None
        options = 0 if self.settings.reuse_port else LISTEN_EXCLUSIVE_PORT
        self.app.listen(where | {"options": options}, lambda _: None)
        sys.unraisablehook = sys.__unraisablehook__
        if not hasattr(self.app, "socket"):
            sys.exit(f"can't listen on {self.settings.host}:{self.settings.port}")
        set_backlog(self.settings.backlog)
        for number in (signal.SIGTERM, signal.SIGINT):
            self.loop.add_signal_handler(number, self.stop)
        self.app.run()

    def stop(self) -> None:
        self.chat.close_all(1012, "Server is going away")
        self.loop.call_later(DRAIN_S, self.app.close)

    def upgrade(self, response, request, context) -> None:
        if not is_upgrade(lines_of(request)):
            refuse(response, request, "400 Bad Request")
            return
        user = asked_user(request.get_full_url())
        if not is_name(user):
            refuse(response, request, "400 Bad Request")
            return
        connection = Connection(self.chat, user, self.loop, self.settings)
        # Neither a subprotocol nor an extension is taken.
        response.upgrade(request.get_header("sec-websocket-key"), "", "", context, connection)

    def health(self, response, request) -> None:
        if len(lines_of(request)["host"]) != 1:
            refuse(response, request, "400 Bad Request")
            return
        pid = os.getpid()
        facts = {"status": "ok", "implementation": "socketify", "version": version("socketify")}
        response.write_header("content-type", "application/json")
        response.end(orjson.dumps(facts | {"pid": pid, "workers": [pid]}))


def set_backlog(backlog: int) -> None:
    """uSockets asks for a queue of 512, and hides its socket: listen(2) may be called again."""
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            sock = socket.socket(fileno=number)
        except OSError:  # No socket.
            continue
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            sock.listen(backlog)
        sock.detach()


def lines_of(request) -> dict[str, list[str]]:
    """All lines of each header field."""
    lines: dict[str, list[str]] = defaultdict(list)
    request.for_each_header(lambda name, value: lines[name].append(value))
    return lines


def is_upgrade(lines: dict[str, list[str]]) -> bool:
    """uWebSockets asks for a key alone, and takes the first of several."""
    single = all(len(lines[name]) == 1 for name in ("host", "sec-websocket-key"))
    return (
        single
        and lines["sec-websocket-version"] == ["13"]
        and has_member(lines["connection"], "upgrade")
        and has_member(lines["upgrade"], "websocket")
        and not lines["content-length"]
        and not lines["transfer-encoding"]
    )


def has_member(lines: list[str], member: str) -> bool:
    return member in (one.strip().lower() for one in ",".join(lines).split(","))


def opened(ws) -> None:
    ws.get_user_data().opened(ws)


def asked_user(url: str | None) -> str | None:
    """The first ``user`` of the query, a random one if there is none, ``None`` if it is no text."""
    try:
        query = parse_qsl(urlsplit(url).query, keep_blank_values=True, errors="strict")
    except (UnicodeDecodeError, ValueError):
        return None
    return dict(reversed(query)).get("user") or str(uuid.uuid4())


def refuse(response, request, status: str) -> None:
    response.write_status(status)
    if request.get_method().lower() == "head":
        response.end_without_body()
    else:
        response.end(status)


if __name__ == "__main__":
    Server(Settings.from_environment()).run()

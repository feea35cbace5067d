"""A chat/1 server with websockets' own asyncio server: one process, one event loop."""

import asyncio
import contextlib
from functools import partial
from http import HTTPStatus

import service
import uvloop
from chat import CLOSE_TIMEOUT_S, GOING_AWAY, MESSAGE_BYTES_MAX, PENDING_BYTES_MAX, Chat, Connection
from messages import NAME_RULE
from settings import Settings
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Frame
from websockets.http11 import Request, Response
from websockets.protocol import State

# Who never finished a request would keep a stop waiting for longer.
DRAIN_S = CLOSE_TIMEOUT_S + 1


class ChatConnection(ServerConnection):
    """The library's connection, which also tells the chat's what it keeps to itself."""

    user: str
    chat: Connection | None = None
    closing: asyncio.Task[None] | None = None
    cut_off: asyncio.TimerHandle | None = None

    def end(self, code: int, reason: str) -> None:
        """Closes without waiting for it."""
        self.closing = self.loop.create_task(self.close(code, reason))
        self.cut_off_later()

    def cut_off_later(self) -> None:
        """The library's own timeout begins only once all that waits for the client is sent, and
        not at all where the client itself closed, ended its side or broke the protocol.
        """
        if self.cut_off is None:
            self.cut_off = self.loop.call_later(CLOSE_TIMEOUT_S, self.transport.abort)

    def eof_received(self) -> None:
        super().eof_received()
        self.cut_off_later()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.cut_off is not None:
            self.cut_off.cancel()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.state is State.CLOSING:
            self.cut_off_later()
        # The library answers all pings, and uvloop may read on for megabytes before `slow` runs.
        if self.transport.get_write_buffer_size() > PENDING_BYTES_MAX:
            self.transport.abort()

    def process_event(self, event: Frame | Request) -> None:
        super().process_event(event)
        if self.chat is not None:
            self.chat.alive()

    def pause_writing(self) -> None:
        super().pause_writing()
        # Later: this comes from within a fan-out, which goes through the members of a room.
        if self.chat is not None:
            self.loop.call_soon(self.chat.slow)


def admit(connection: ChatConnection, request: Request) -> Response | None:
    """The answer to what is no upgrade to chat; ``None`` leaves the upgrade to the library."""
    path, _, query = service.origin_form(request.path).partition("?")
    if service.repeats(request.headers.get_all):
        return connection.respond(HTTPStatus.BAD_REQUEST, "one Host, one key and one version\n")
    if path == "/health":
        response = connection.respond(HTTPStatus.OK, service.health("websockets").decode())
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        return response
    if path != "/ws":
        return connection.respond(HTTPStatus.NOT_FOUND, "not found\n")
    user = service.asked_user(query)
    if user is None:
        return connection.respond(HTTPStatus.BAD_REQUEST, f"user is {NAME_RULE}\n")
    connection.user = user
    choose_websocket(request)
    return None


def choose_websocket(request: Request) -> None:
    """A client may offer several protocols; websockets knows its own where it stands alone."""
    if service.has_member(request.headers.get_all("Upgrade"), "websocket"):
        del request.headers["Upgrade"]
        request.headers["Upgrade"] = "websocket"


async def talk(chat: Chat, connection: ChatConnection) -> None:
    """Serves one client until its connection has ended."""
    connection.chat = Connection(chat, connection.user, connection, connection.end)
    try:
        async for message in connection:
            connection.chat.received(message)
    except ConnectionClosedError:
        pass
    finally:
        connection.chat.end()


async def serve_chat(settings: Settings) -> None:
    chat = Chat(partial(broadcast, text=True), settings)
    server = await serve(
        partial(talk, chat),
        **service.where_to_listen(settings),
        backlog=settings.backlog,
        create_connection=ChatConnection,
        process_request=admit,
        compression=None,
        ping_interval=settings.ping_interval_s,
        ping_timeout=None,  # It closes with 1011: the chat has a timeout of its own.
        close_timeout=CLOSE_TIMEOUT_S,
        max_size=MESSAGE_BYTES_MAX,
        write_limit=PENDING_BYTES_MAX,
    )
    await service.told_to_stop()
    server.close(code=1012, reason=GOING_AWAY)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(server.wait_closed(), DRAIN_S)


if __name__ == "__main__":
    service.run(serve_chat, uvloop.run)

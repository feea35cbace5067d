"""A chat/1 server with picows: one process, one event loop, a listener a connection."""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus

import service
from chat import CLOSE_TIMEOUT_S, GOING_AWAY, MESSAGE_BYTES_MAX, PENDING_BYTES_MAX, Chat, Connection
from messages import NAME_RULE
from picows import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)
from settings import Settings

# picows writes the frame's header into the bytes before the message.
HEADER_BYTES = 14
HANDSHAKE_TIMEOUT_S = 10.0


def send(transports: Iterable[WSTransport], message: bytes) -> None:
    """To each of them the same bytes: the header that is written before them does not differ."""
    frame = bytearray(HEADER_BYTES) + message
    for transport in transports:
        transport.send_reuse_external_bytearray(WSMsgType.TEXT, frame, HEADER_BYTES)


class ChatListener(WSListener):
    """What picows leaves to its user: fragments, control frames, and some rules of RFC 6455."""

    def __init__(self, chat: Chat, user: str) -> None:
        self.chat = chat
        self.user = user
        self.loop = asyncio.get_running_loop()
        self.connection: Connection | None = None
        # Of a message in fragments: what it is, and what came of it so far.
        self.kind: WSMsgType | None = None
        self.payload = bytearray()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        transport.underlying_transport.set_write_buffer_limits(PENDING_BYTES_MAX)
        self.connection = Connection(self.chat, self.user, transport, self.close)
        self.ping_later()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.ping.cancel()
        self.connection.end()

    def ping_later(self) -> None:
        self.ping = self.loop.call_later(self.chat.settings.ping_interval_s, self.send_ping)

    def send_ping(self) -> None:
        self.transport.send_ping()
        self.ping_later()

    def pause_writing(self) -> None:
        # Later: this comes from within a fan-out, which goes through the members of a room.
        self.loop.call_soon(self.connection.slow)

    def resume_writing(self) -> None:
        """Nobody waits for it."""

    def close(self, code: int, reason: str) -> None:
        self.transport.send_close(code, reason)
        self.loop.call_later(CLOSE_TIMEOUT_S, self.transport.disconnect, False)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if transport.is_close_frame_sent:
            if kind == WSMsgType.CLOSE:
                transport.disconnect()
            return
        self.connection.alive()
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            self.connection.close(WSCloseCode.PROTOCOL_ERROR, "a reserved bit is set")
        elif kind == WSMsgType.PING:
            self.answer_ping(frame.get_payload_as_bytes())
        elif kind == WSMsgType.CLOSE:
            self.answer_close(frame.get_payload_as_bytes())
        elif kind != WSMsgType.PONG:
            self.take(kind, frame)

    def answer_ping(self, payload: bytes) -> None:
        """Pongs count as all that waits, also before `slow` runs: much may be read until then."""
        if self.connection.ended:
            return
        self.transport.send_pong(payload)
        if self.transport.underlying_transport.get_write_buffer_size() > PENDING_BYTES_MAX:
            self.connection.end()
            self.transport.disconnect(False)

    def answer_close(self, payload: bytes) -> None:
        code = int.from_bytes(payload[:2], "big") if payload else WSCloseCode.OK
        if is_close_code(code):
            self.connection.close(code, "")
        else:
            self.connection.close(WSCloseCode.PROTOCOL_ERROR, "no such close code")
        self.transport.disconnect()

    def take(self, kind: WSMsgType, frame: WSFrame) -> None:
        """A data frame: a message, or a part of one."""
        if (kind == WSMsgType.CONTINUATION) != (self.kind is not None):
            self.connection.close(WSCloseCode.PROTOCOL_ERROR, "fragments are out of order")
        elif frame.fin and self.kind is None:
            self.received(kind, frame.get_payload_as_bytes())
        else:
            self.take_fragment(kind, frame)

    def take_fragment(self, kind: WSMsgType, frame: WSFrame) -> None:
        if self.kind is None:
            self.kind = kind
        self.payload += frame.get_payload_as_memoryview()
        if len(self.payload) > MESSAGE_BYTES_MAX:
            self.connection.close(WSCloseCode.MESSAGE_TOO_BIG, "Message too big")
        elif frame.fin:
            kind, payload = self.kind, bytes(self.payload)
            self.kind = None
            self.payload.clear()
            self.received(kind, payload)

    def received(self, kind: WSMsgType, payload: bytes) -> None:
        """A whole message. picows does not look into its text."""
        try:
            message = payload.decode() if kind == WSMsgType.TEXT else payload
        except UnicodeDecodeError:
            self.connection.close(WSCloseCode.INVALID_TEXT, "text is not UTF-8")
        else:
            self.connection.received(message)


def is_close_code(code: int) -> bool:
    """RFC 6455 (7.4): picows takes some that nobody may send."""
    return (1000 <= code < 1015 and code not in {1004, 1005, 1006}) or 3000 <= code < 5000


class Server:
    """Who is let in, and how everybody is let go."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.chat = Chat(send, settings)
        self.stopping = False

    async def run(self) -> None:
        """Serves until SIGTERM or SIGINT."""
        server = await ws_create_server(
            self.admit,
            **service.where_to_listen(self.settings),
            backlog=self.settings.backlog,
            websocket_handshake_timeout=HANDSHAKE_TIMEOUT_S,
            enable_auto_pong=False,  # It hides pings, which are signs of life.
            max_frame_size=MESSAGE_BYTES_MAX,
        )
        await service.told_to_stop()
        server.close()
        self.stopping = True
        await self.close_all()

    async def close_all(self) -> None:
        connections = list(self.chat.connections)
        # All closes before any departure: nothing goes out after a close, so nobody is told of it.
        for connection in connections:
            connection.transport.send_close(WSCloseCode.SERVICE_RESTART, GOING_AWAY)
        for connection in connections:
            connection.close(WSCloseCode.SERVICE_RESTART, GOING_AWAY)
        await asyncio.gather(*(each.transport.wait_disconnected() for each in connections))

    def admit(
        self, request: WSUpgradeRequest
    ) -> ChatListener | WSUpgradeResponseWithListener | None:
        """Who listens to this client, or the answer that it gets; ``None`` is 404."""
        target = service.origin_form(request.path.decode("ascii", "surrogateescape"))
        path, _, query = target.partition("?")
        if service.repeats(lambda name: request.headers.getall(name, [])):
            return refuse(HTTPStatus.BAD_REQUEST, "one Host, one key and one version")
        if path == "/health":
            return healthy()
        return self.admit_client(request, query) if path == "/ws" else None

    def admit_client(
        self, request: WSUpgradeRequest, query: str
    ) -> ChatListener | WSUpgradeResponseWithListener:
        if self.stopping:
            return refuse(HTTPStatus.SERVICE_UNAVAILABLE, GOING_AWAY)
        user = service.asked_user(query)
        if user is None:
            return refuse(HTTPStatus.BAD_REQUEST, f"user is {NAME_RULE}")
        if request.headers.get("Sec-WebSocket-Version") != "13":  # picows takes 7 and 8, too.
            return refuse(HTTPStatus.UPGRADE_REQUIRED, "the version is 13")
        choose_websocket(request)
        return ChatListener(self.chat, user)


def choose_websocket(request: WSUpgradeRequest) -> None:
    """picows takes lists of one member alone; Firefox sends ``Connection: keep-alive, Upgrade``."""
    for name, member in (("Connection", "upgrade"), ("Upgrade", "websocket")):
        if service.has_member(request.headers.getall(name, []), member):
            request.headers[name] = member


def refuse(status: HTTPStatus, text: str) -> WSUpgradeResponseWithListener:
    response = WSUpgradeResponse.create_error_response(status, text.encode())
    return WSUpgradeResponseWithListener(response, None)


def healthy() -> WSUpgradeResponseWithListener:
    headers = {"Content-Type": "application/json"}
    response = WSUpgradeResponse.create_ok_response(service.health("picows"), headers)
    return WSUpgradeResponseWithListener(response, None)


if __name__ == "__main__":
    service.run(lambda settings: Server(settings).run())

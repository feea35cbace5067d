"""A chat/1 client over a bare socket: it can say anything, and notices all that comes back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections import deque
from dataclasses import dataclass, field

from . import frames, messages
from .frames import Frame, Opcode
from .handshake import (
    Address,
    NothingCame,
    Response,
    accept_value,
    open_socket,
    read_response,
    receive_some,
    send_all,
    upgrade_request,
)
from .messages import Message
from .transports import TRANSPORTS, Refused, Transport, WebSocket


@dataclass(frozen=True)
class End:
    """How a connection ended. ``code`` is None if TCP ended without a close frame."""

    code: int | None
    reason: str = ""


MALFORMED = End(1003, "Malformed message")


@dataclass(eq=False)
class Client:
    """One connection. ``user`` is the name that `welcome` gave."""

    sock: socket.socket
    user: str = ""
    pings: list[bytes] = field(default_factory=list)
    answers_pings: bool = True
    transport: Transport = field(default_factory=WebSocket)
    _parser: frames.Parser = field(default_factory=frames.Parser)
    _pongs: deque[bytes] = field(default_factory=deque)
    _text: bytearray | None = None
    _parts: deque[bytes] = field(default_factory=deque)

    # -- opening and ending

    @classmethod
    async def connect(
        cls,
        address: Address,
        user: str | None = None,
        *,
        target: str | None = None,
        headers: dict[str, str | None] | None = None,
        pipelined: bytes = b"",
        slowly: bool = False,
        receive_buffer: int | None = None,
    ) -> Client:
        """``target`` replaces path and query; ``pipelined`` goes out together with the request."""
        sock = await open_socket(address, receive_buffer=receive_buffer)
        client = cls(sock, transport=TRANSPORTS[address.transport]())
        try:
            path = client.transport.upgrade_target(user, target)
            fields = client.transport.upgrade_fields() | (headers or {})
            request = upgrade_request(path, headers=fields)
            await (client.send_slowly if slowly else client.send_bytes)(request + pipelined)
            await client._let_in()
        except BaseException:
            sock.close()
            raise
        assert user is None or client.user == user, f"welcome names {client.user!r}, not {user!r}"
        return client

    async def _let_in(self) -> None:
        response = await read_response(self.sock)
        if response.status != 101:
            raise Refused(response.status)
        accepted = response.headers.get("sec-websocket-accept")
        assert accepted == accept_value(), f"the key is not accepted with {accepted}"
        for declined in ("sec-websocket-extensions", "sec-websocket-protocol"):
            assert declined not in response.headers, f"{declined} was not declined"
        await self.welcomed(response)

    async def welcomed(self, response: Response) -> None:
        """Reads the first message behind a 101."""
        self._parser.feed(response.rest)
        if (greeting := self.transport.greeting()) is not None:
            await self.send_frame(Opcode.TEXT, greeting)
        welcome = await self.receive()
        assert welcome["type"] == "welcome", f"the first message is {welcome}"
        self.user = welcome["user"]

    def abort(self) -> None:
        """Ends the TCP connection with a reset, as a crash or a dead network would."""
        if self.sock.fileno() >= 0:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.close()

    def hang_up(self) -> None:
        """Ends the TCP connection in order, but without a close frame."""
        self.sock.close()

    async def close(self, code: int | None = 1000) -> End:
        await self.send_frame(Opcode.CLOSE, frames.close_payload(code))
        return await self.end(ignore_messages=True)

    # -- sending

    async def send_bytes(self, data: bytes) -> None:
        """A server that has had enough may reset meanwhile: what it said is still there to read."""
        with contextlib.suppress(ConnectionError):
            await send_all(self.sock, data)

    async def send_slowly(self, data: bytes) -> None:
        """One byte for each TCP segment (TCP_NODELAY is set)."""
        for value in data:
            await self.send_bytes(bytes([value]))
            await asyncio.sleep(0)

    async def send_frame(self, opcode: int, payload: bytes = b"", *, fin: bool = True) -> None:
        await self.send_bytes(frames.encode(opcode, payload, fin=fin))

    async def send_text(self, text: str | bytes) -> None:
        payload = text.encode() if isinstance(text, str) else text
        await self.send_frame(Opcode.TEXT, self.transport.encode(payload))

    async def send(self, **message: object) -> None:
        await self.send_text(json.dumps(message, ensure_ascii=False))

    async def send_at_once(self, *requests: Message) -> None:
        """All of them in one write, a frame each."""
        await self.send_bytes(self.encoded(*requests))

    def encoded(self, *requests: Message) -> bytes:
        """The frames of a write that has all of them."""
        texts = [json.dumps(request, ensure_ascii=False).encode() for request in requests]
        return b"".join(frames.encode(Opcode.TEXT, self.transport.encode(t)) for t in texts)

    # -- receiving

    async def receive_frame(self) -> Frame | None:
        """The next frame as it came; None at the end of the connection."""
        while (frame := self._parser.next_frame()) is None:
            data = await receive_some(self.sock)
            if not data:
                return None
            self._parser.feed(data)
        return frame

    async def receive_payload(self) -> bytes | End:
        """The next text message's bytes, or the end. Pings are answered; pongs wait for `pong`."""
        while True:
            while self._parts:
                if (message := await self._taken(self._parts.popleft())) is not None:
                    return message
            if (frame := await self.receive_frame()) is None:
                return End(None)
            match frame.opcode:
                case Opcode.PING:
                    self.pings.append(frame.payload)
                    if self.answers_pings:
                        await self.send_frame(Opcode.PONG, frame.payload)
                case Opcode.PONG:
                    self._pongs.append(frame.payload)
                case Opcode.CLOSE:
                    return await self._closed(frame.payload)
                case _:
                    if (text := self._assemble(frame)) is not None:
                        self._parts.extend(self.transport.split(text))

    async def _taken(self, text: bytes) -> bytes | None:
        """The message in a part of a text, if there is one; what the transport asks is answered."""
        received = self.transport.receive(text)
        if received.is_ping:
            self.pings.append(text)
        if received.reply is not None and (self.answers_pings or not received.is_ping):
            await self.send_frame(Opcode.TEXT, received.reply)
        return received.message

    def _assemble(self, frame: Frame) -> bytes | None:
        assert frame.opcode != Opcode.BINARY, "servers send text only"
        assert (frame.opcode == Opcode.TEXT) == (self._text is None), "a bad continuation"
        self._text = (self._text or bytearray()) + frame.payload
        if not frame.fin:
            return None
        text, self._text = bytes(self._text), None
        return text

    async def _closed(self, payload: bytes) -> End:
        """Answers a close and waits for the end of TCP, which is the server's to bring."""
        assert len(payload) != 1, "a close frame's code has two bytes"
        await self.send_frame(Opcode.CLOSE, payload[:2])
        while data := await receive_some(self.sock):
            self._parser.feed(data)
        assert self._parser.next_frame() is None, "a frame came after the close"
        self.sock.close()
        code = int.from_bytes(payload[:2], "big") if payload else 1005
        return End(code, payload[2:].decode("utf-8"))

    async def receive_or_end(self) -> Message | End:
        payload = await self.receive_payload()
        return payload if isinstance(payload, End) else messages.parse(payload)

    async def receive(self) -> Message:
        return messages.parse(await self.receive_raw())

    async def receive_raw(self) -> bytes:
        """A message unparsed, for tests that count thousands."""
        payload = await self.receive_payload()
        assert isinstance(payload, bytes), f"a message was due, but the connection ended: {payload}"
        return payload

    async def end(self, *, ignore_messages: bool = False) -> End:
        while not isinstance(payload := await self.receive_payload(), End):
            assert ignore_messages, f"the end was due, but a message came: {payload!r}"
        return payload

    async def pong(self) -> bytes:
        """The next pong's payload. No message may come before it."""
        while not self._pongs:
            frame = await self.receive_frame()
            assert frame is not None, "a pong was due, but the connection ended"
            if frame.opcode == Opcode.PING:
                await self.send_frame(Opcode.PONG, frame.payload)
                continue
            assert frame.opcode == Opcode.PONG, f"a pong was due, not {frame}"
            self._pongs.append(frame.payload)
        return self._pongs.popleft()

    # -- the usual exchanges

    async def fence(self) -> None:
        """Proves that nothing is waiting: the next message is the answer to a heartbeat."""
        await self.send(type="heartbeat")
        try:
            message = await self.receive()
        except NothingCame as error:
            raise NothingCame(f"a heartbeat's answer was due, but {error}") from error
        assert message["type"] == "heartbeat", f"nothing was due, but this came: {message}"

    async def join(self, room: str) -> None:
        await self.send(type="join", room=room)
        message = await self.receive()
        expected = {"type": "user_joined", "room": room, "user": self.user}
        assert message | expected == message, f"own user_joined was due, not {message}"

    async def expect(self, **expected: object) -> Message:
        """The next message, which must have these fields with these values."""
        try:
            message = await self.receive()
        except NothingCame as error:
            raise NothingCame(f"{expected} was due, but {error}") from error
        assert message | expected == message, f"{expected} was due, not {message}"
        return message

    async def served_or_ended(self, *codes: int | None) -> None:
        """For choices of the protocol: a heartbeat is answered, or the end has one of the codes."""
        outcome = await self.receive_or_end()
        if isinstance(outcome, End):
            assert outcome.code in codes, f"ended with {outcome}"
        else:
            assert outcome["type"] == "heartbeat", f"not served: {outcome}"

    async def expect_error(self, code: str) -> None:
        await self.expect(type="error", code=code)

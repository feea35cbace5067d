"""Rooms, users and connections. Rooms and users are topics of uWebSockets, which does the fan-out:
what is published in one turn of its loop goes out together.
"""

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any

import orjson
from faults import commit_fault
from settings import Settings
from socketify import OpCode, WebSocket

ROOMS_MAX = 64
NAME_BYTES_MAX = 64
MESSAGE_BYTES_MAX = 65_536
PENDING_BYTES_MAX = 1 << 20
# By then what waits is looked at: so much later, or once so much more may wait.
LOOK_AFTER_S = 0.1
UNSEEN_BYTES_MAX = PENDING_BYTES_MAX // 8
PONG_BYTES_MAX = 127
READ_FIRST_S = 0.1
NAME_RULE = "1 to 64 bytes of UTF-8 without control characters"
_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,64}")


def is_name(value: Any) -> bool:
    """Whether it is a name of a user or a room."""
    return (
        isinstance(value, str)
        and _NAME.fullmatch(value) is not None
        and len(value.encode()) <= NAME_BYTES_MAX
    )


def parse(data: str | bytes, kind: OpCode) -> Any:
    """Strict JSON in a text. Raises ``ValueError`` for anything else."""
    if kind != OpCode.TEXT:
        raise ValueError("a binary message is no request")
    return orjson.loads(data)


def encode(kind: str, **fields: Any) -> bytes:
    return orjson.dumps({"type": kind, **fields})


def stamped(kind: str, **fields: Any) -> bytes:
    """With the time of now, in milliseconds since 1970."""
    return encode(kind, **fields, timestamp=time.time_ns() // 1_000_000)


def is_too_long(text: str) -> bool:
    """Whether it has more than ``MESSAGE_BYTES_MAX`` bytes of UTF-8, of which a character has at
    most four: few texts need to be encoded to know.
    """
    return len(text) > MESSAGE_BYTES_MAX // 4 and len(text.encode()) > MESSAGE_BYTES_MAX


class Chat:
    """Who is connected, and the topics by which they are reached."""

    def __init__(
        self,
        publish: Callable[..., bool],
        members: Callable[[str], int],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._publish = publish
        self._members = members
        self._loop = loop
        self._look: asyncio.Handle | None = None
        self._unseen_bytes = 0
        self.connections: set[Connection] = set()

    def publish(self, room: str, message: bytes) -> None:
        self._publish(f"room {room}", message, OpCode.TEXT)
        self.wrote(len(message))

    def direct(self, user: str, message: bytes) -> bool:
        """Whether anybody by that name is connected."""
        if not self._members(f"user {user}"):
            return False
        self._publish(f"user {user}", message, OpCode.TEXT)
        self.wrote(len(message))
        return True

    def wrote(self, size: int) -> None:
        """So many bytes more may wait for a connection: who lags too far is looked for soon."""
        self._unseen_bytes += size
        if self._unseen_bytes > UNSEEN_BYTES_MAX:
            if self._look is not None:
                self._look.cancel()
            # Behind this turn of uWebSockets' loop, which writes what was published in it.
            self._look = self._loop.call_soon(self._let_go)
            self._unseen_bytes = 0
        elif self._look is None:
            self._look = self._loop.call_later(LOOK_AFTER_S, self._let_go)

    def _let_go(self) -> None:
        """Ends slow consumers. uWebSockets' own limit ends the reading alone: who goes on sending
        stays, without what was left out.
        """
        self._look = None
        self._unseen_bytes = 0
        for connection in list(self.connections):
            connection.end_if_slow()

    def close_all(self, code: int, reason: str) -> None:
        for connection in list(self.connections):
            connection.close(code, reason)


class Connection:
    """One client, from its upgrade to its end."""

    def __init__(
        self, chat: Chat, user: str, loop: asyncio.AbstractEventLoop, settings: Settings
    ) -> None:
        self.chat = chat
        self.user = user
        self.loop = loop
        self.settings = settings
        self.rooms: set[str] = set()
        self.ws: WebSocket | None = None

    def opened(self, ws: WebSocket) -> None:
        self.ws = ws
        self.chat.connections.add(self)
        ws.subscribe(f"user {self.user}")
        self.last_sign_s = self.loop.time()
        self.ping = self.loop.call_later(self.settings.ping_interval_s, self._ping)
        self.idle = self.loop.call_later(self.settings.idle_timeout_s, self._check_idle)
        self.send(encode("welcome", user=self.user))

    def closed(self) -> None:
        """However it ended. uWebSockets has ended the subscriptions."""
        self.ws = None
        self.ping.cancel()
        self.idle.cancel()
        self.chat.connections.discard(self)
        for room in self.rooms:
            self.chat.publish(room, stamped("user_left", room=room, user=self.user))

    def alive(self) -> None:
        self.last_sign_s = self.loop.time()

    def pinged(self) -> None:
        """uWebSockets has sent the pong."""
        self.alive()
        self.chat.wrote(PONG_BYTES_MAX)

    def send(self, message: bytes) -> None:
        self.ws.send(message, OpCode.TEXT)
        self.chat.wrote(len(message))

    def end_if_slow(self) -> None:
        """Without a close frame, which would wait behind all that waits."""
        if self.ws is not None and self.ws.get_buffered_amount() > PENDING_BYTES_MAX:
            self.ws.close()

    def close(self, code: int, reason: str) -> None:
        if self.ws is not None:
            self.ws.end(code, reason)

    def received(self, data: str | bytes, kind: OpCode) -> None:
        self.alive()
        if is_too_long(data) if kind == OpCode.TEXT else len(data) > MESSAGE_BYTES_MAX:
            self.close(1009, "Message too big")
            return
        try:
            request = parse(data, kind)
        except ValueError:
            self.close(1003, "Malformed message")
            return
        self.serve(request if isinstance(request, dict) else {})

    def serve(self, request: dict[str, Any]) -> None:
        match request.get("type"):
            case "heartbeat":
                self.send(stamped("heartbeat"))
            case "join" | "leave" | "message" as kind if is_name(room := request.get("room")):
                self.serve_room(kind, room, request.get("content"))
            case "direct" if is_name(to := request.get("to")) and _is_text(request):
                message = stamped("direct", user=self.user, content=request["content"])
                if not self.chat.direct(to, message):
                    self.refuse("no_such_user", "nobody by that name is connected")
            case "join" | "leave" | "message" | "direct":
                self.refuse("bad_request", f"content is a string; room and to are {NAME_RULE}")
            case str():
                if answer := commit_fault(request):
                    self.send(encode(request["type"], **answer))
            case _:
                self.refuse("bad_request", "a request is an object with a type")

    def serve_room(self, kind: str, room: str, content: Any) -> None:
        if kind == "join":
            self.join(room)
        elif kind == "message" and not isinstance(content, str):
            self.refuse("bad_request", "content is a string")
        elif room not in self.rooms:
            self.refuse("not_joined", "join the room first")
        elif kind == "message":
            message = stamped("message", room=room, user=self.user, content=content)
            self.chat.publish(room, message)
        else:
            self.leave(room)

    def join(self, room: str) -> None:
        message = stamped("user_joined", room=room, user=self.user)
        if room in self.rooms:
            self.send(message)
        elif len(self.rooms) >= ROOMS_MAX:
            self.refuse("too_many_rooms", f"a connection can be in {ROOMS_MAX} rooms")
        else:
            self.rooms.add(room)
            self.ws.subscribe(f"room {room}")
            self.chat.publish(room, message)

    def leave(self, room: str) -> None:
        self.rooms.discard(room)
        self.ws.unsubscribe(f"room {room}")
        self.chat.publish(room, stamped("user_left", room=room, user=self.user))

    def refuse(self, code: str, message: str) -> None:
        self.send(encode("error", code=code, message=message))

    def _ping(self) -> None:
        self.ws.send(b"", OpCode.PING)
        self.ping = self.loop.call_later(self.settings.ping_interval_s, self._ping)

    def _check_idle(self) -> None:
        left_s = self.last_sign_s + self.settings.idle_timeout_s - self.loop.time()
        if left_s > 0:
            self.idle = self.loop.call_later(left_s, self._check_idle)
        else:
            self.idle = self.loop.call_later(READ_FIRST_S, self._close_silent, self.last_sign_s)

    def _close_silent(self, last_sign_s: float) -> None:
        """A process that stood still may hear of its timers before it hears of its sockets: so
        this comes a moment later.
        """
        if self.last_sign_s == last_sign_s:
            self.close(1001, "Heartbeat timeout")
        else:
            self._check_idle()


def _is_text(request: dict[str, Any]) -> bool:
    return isinstance(request.get("content"), str)

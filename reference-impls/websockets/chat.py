"""Rooms, users and connections, whichever library carries their messages.

A *transport* is the library's own object of one connection: the chat keeps it and hands it back
for what is sent, and knows nothing else of it.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from faults import commit_fault
from messages import NAME_RULE, encode, is_name, parse, stamped
from settings import Settings

ROOMS_MAX = 64
MESSAGE_BYTES_MAX = 65_536
READ_FIRST_S = 0.1
PENDING_BYTES_MAX = 1 << 20
# A client that takes no notice of a close is cut off after this time, and a stop waits for it.
CLOSE_TIMEOUT_S = 2.0
GOING_AWAY = "Server is going away"

Transport: TypeAlias = Any
# Sends one text to each of them, at once, and waits for none.
Send: TypeAlias = Callable[[Iterable[Transport], bytes], None]


class Index:
    """Transports by a name. A name that nobody has takes no memory."""

    def __init__(self) -> None:
        self._transports: dict[str, set[Transport]] = {}

    def get(self, name: str) -> Iterable[Transport]:
        return self._transports.get(name, ())

    def add(self, name: str, transport: Transport) -> None:
        self._transports.setdefault(name, set()).add(transport)

    def remove(self, name: str, transport: Transport) -> None:
        transports = self._transports[name]
        transports.remove(transport)
        if not transports:
            del self._transports[name]


class Chat:
    """Who is connected, under which name, and in which rooms."""

    def __init__(self, send: Send, settings: Settings) -> None:
        self.send = send
        self.settings = settings
        self.connections: set[Connection] = set()
        self.users = Index()
        self.rooms = Index()

    def publish(self, room: str, message: bytes) -> None:
        self.send(self.rooms.get(room), message)

    def direct(self, user: str, message: bytes) -> bool:
        """Whether anybody by that name is connected."""
        transports = self.users.get(user)
        self.send(transports, message)
        return bool(transports)


class Connection:
    """One client, from its upgrade to its end: what it may ask for, and what it is told."""

    def __init__(
        self, chat: Chat, user: str, transport: Transport, close: Callable[[int, str], None]
    ) -> None:
        """``close`` sends a close frame, and ends the TCP connection in ``CLOSE_TIMEOUT_S``."""
        self.chat = chat
        self.user = user
        self.transport = transport
        self.rooms: set[str] = set()
        self.ended = False
        self._close = close
        self._loop = asyncio.get_running_loop()
        self._last_sign_s = self._loop.time()
        self._idle = self._loop.call_later(chat.settings.idle_timeout_s, self._check_idle)
        chat.connections.add(self)
        chat.users.add(user, transport)
        self.send(encode("welcome", user=user))

    def alive(self) -> None:
        """A frame came, of whichever kind."""
        self._last_sign_s = self._loop.time()

    def send(self, message: bytes) -> None:
        self.chat.send((self.transport,), message)

    def close(self, code: int, reason: str) -> None:
        """Nothing that still comes is served, and it is in no room any more."""
        if not self.ended:
            self.end()
            self._close(code, reason)

    def slow(self) -> None:
        """More than ``PENDING_BYTES_MAX`` wait for it."""
        self.close(1013, "Slow consumer")

    def end(self) -> None:
        """It has ended, however it did: those left in its rooms hear of it, once."""
        if self.ended:
            return
        self.ended = True
        self._idle.cancel()
        self.chat.connections.remove(self)
        self.chat.users.remove(self.user, self.transport)
        for room in list(self.rooms):
            self.leave(room)

    def received(self, message: str | bytes) -> None:
        """Serves one whole message: text, or bytes if it was a binary one."""
        if self.ended:
            return
        try:
            request = parse(message)
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
            self.chat.rooms.add(room, self.transport)
            self.chat.publish(room, message)

    def leave(self, room: str) -> None:
        self.rooms.remove(room)
        self.chat.rooms.remove(room, self.transport)
        self.chat.publish(room, stamped("user_left", room=room, user=self.user))

    def refuse(self, code: str, message: str) -> None:
        self.send(encode("error", code=code, message=message))

    def _check_idle(self) -> None:
        left_s = self._last_sign_s + self.chat.settings.idle_timeout_s - self._loop.time()
        if left_s > 0:
            self._idle = self._loop.call_later(left_s, self._check_idle)
        else:
            self._idle = self._loop.call_later(READ_FIRST_S, self._close_silent, self._last_sign_s)

    def _close_silent(self, last_sign_s: float) -> None:
        """A process that stood still may hear of its timers before it hears of its sockets: so
        this comes a moment later.
        """
        if self._last_sign_s == last_sign_s:
            self.close(1001, "Heartbeat timeout")
        else:
            self._check_idle()


def _is_text(request: dict[str, Any]) -> bool:
    return isinstance(request.get("content"), str)

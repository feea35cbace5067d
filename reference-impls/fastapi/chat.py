"""Rooms, users and connections. An outbox and a task a connection, so that nobody waits for a
member that does not read.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from faults import commit_fault
from messages import NAME_RULE, encode, is_name, parse, stamped

ROOMS_MAX = 64
PENDING_BYTES_MAX = 1 << 20
# A client that takes no notice of a close is cut off after this time.
CLOSE_TIMEOUT_S = 2.0
# The code by which a connection hears that the server stops.
SERVICE_RESTART = 1012

# Sends one text; waits while more than the transport's limit waits for the client.
Send: TypeAlias = Callable[[str], Awaitable[None]]
Close: TypeAlias = Callable[[int, str], Awaitable[None]]


class Index(dict[str, set["Connection"]]):
    """Connections by a name. A name that nobody has takes no memory."""

    def of(self, name: str) -> set["Connection"]:
        return self.get(name, set())

    def add(self, name: str, connection: "Connection") -> None:
        self.setdefault(name, set()).add(connection)

    def remove(self, name: str, connection: "Connection") -> None:
        self[name].remove(connection)
        if not self[name]:
            del self[name]


class Chat:
    """Who is connected, under which name, and in which rooms."""

    def __init__(self) -> None:
        self.users = Index()
        self.rooms = Index()

    def publish(self, room: str, message: str) -> None:
        for member in self.rooms.of(room):
            member.send(message)


class Connection:
    """One client, from its upgrade to its end: what it may ask for, and what it is told."""

    def __init__(self, chat: Chat, user: str, send: Send, close: Close) -> None:
        self.chat = chat
        self.user = user
        self.rooms: set[str] = set()
        self.ended = False
        self._send = send
        self._close = close
        self._closing: tuple[int, str] | None = None
        self._finishing = False
        self._outbox: deque[str] = deque()
        self._pending_bytes = 0
        self._work = asyncio.Event()
        self._reader = asyncio.current_task()
        self._writer = asyncio.create_task(self._write())
        chat.users.add(user, self)
        self.send(encode("welcome", user=user))

    def send(self, message: str) -> None:
        """Never waits: the writer's task does."""
        if self.ended:
            return
        self._outbox.append(message)
        self._pending_bytes += len(message)  # JSON as Python writes it is ASCII.
        if self._pending_bytes > PENDING_BYTES_MAX:
            self._outbox.clear()
            # Later: this comes from within a fan-out, which goes through the members of a room.
            asyncio.get_running_loop().call_soon(self.close, 1013, "Slow consumer")
        self._work.set()

    async def _write(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while self._outbox:
                message = self._outbox.popleft()
                await self._send(message)
                self._pending_bytes -= len(message)
            if self._closing is not None:
                await self._close(*self._closing)
            if self._closing is not None or self._finishing:
                return

    def close(self, code: int, reason: str) -> None:
        """Nothing that still comes is served, and it is in no room any more."""
        if not self.ended:
            self.end()
            self._closing = (code, reason)
            self._work.set()
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self._reader.cancel)

    def end(self) -> None:
        """It has ended, however it did: those left in its rooms hear of it, once."""
        if self.ended:
            return
        self.ended = True
        self.chat.users.remove(self.user, self)
        for room in list(self.rooms):
            self.leave(room)

    async def finish(self, code: int) -> None:
        """Nothing more comes of the client, for the reason that ``code`` says: what waits for it
        goes out, or its time does. Where the server stops, a close goes out behind that.
        """
        if code == SERVICE_RESTART:
            self.close(code, "Server is going away")
        self.end()
        self._finishing = True
        self._work.set()
        with contextlib.suppress(TimeoutError):
            writing = asyncio.gather(self._writer, return_exceptions=True)
            await asyncio.wait_for(writing, CLOSE_TIMEOUT_S)

    def cut_off(self) -> None:
        """No client any more: what waits for it is nobody's."""
        self.end()
        self._writer.cancel()

    def received(self, text: str | None) -> None:
        """Serves one message; ``None`` if it was no text."""
        if self.ended:
            return
        try:
            request = parse(text) if text is not None else None
        except (ValueError, RecursionError):
            text = None
        if text is None:
            self.close(1003, "Malformed message")
        else:
            self.serve(request if isinstance(request, dict) else {})

    def serve(self, request: dict[str, Any]) -> None:
        match request.get("type"):
            case "heartbeat":
                self.send(stamped("heartbeat"))
            case "join" | "leave" | "message" as kind if is_name(room := request.get("room")):
                self.serve_room(kind, room, request.get("content"))
            case "direct" if is_name(to := request.get("to")) and _is_text(request):
                self.direct(to, request["content"])
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

    def direct(self, to: str, content: str) -> None:
        receivers = self.chat.users.of(to)
        if not receivers:
            self.refuse("no_such_user", "nobody by that name is connected")
        message = stamped("direct", user=self.user, content=content)
        for receiver in receivers:
            receiver.send(message)

    def join(self, room: str) -> None:
        message = stamped("user_joined", room=room, user=self.user)
        if room in self.rooms:
            self.send(message)
        elif len(self.rooms) >= ROOMS_MAX:
            self.refuse("too_many_rooms", f"a connection can be in {ROOMS_MAX} rooms")
        else:
            self.rooms.add(room)
            self.chat.rooms.add(room, self)
            self.chat.publish(room, message)

    def leave(self, room: str) -> None:
        self.rooms.remove(room)
        self.chat.rooms.remove(room, self)
        self.chat.publish(room, stamped("user_left", room=room, user=self.user))

    def refuse(self, code: str, message: str) -> None:
        self.send(encode("error", code=code, message=message))


def _is_text(request: dict[str, Any]) -> bool:
    return isinstance(request.get("content"), str)

"""What chat/1 says of connections, rooms and users, as a model small enough to be read at once.

It knows who is told what, but neither sockets nor time: timestamps and texts for people are left
out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from .messages import Message

Told = dict[int, list[Message]]
"""By seat: the messages that a step brings to it, in the order in which they come about."""

Request = Message | str
"""As it is sent; a text stands for any that is answered with `bad_request`."""


class Model:
    """``users`` names the user of each seat. A seat holds one connection at a time."""

    def __init__(self, users: Sequence[str]) -> None:
        self._users = users
        self._rooms: dict[str, list[int]] = defaultdict(list)
        self.connected: set[int] = set()

    def connect(self, seat: int) -> None:
        self.connected.add(seat)

    def disconnect(self, seat: int) -> Told:
        """R7. Those left hear of it, once for each room that they share."""
        self.connected.remove(seat)
        told: Told = {}
        for room, members in self._rooms.items():
            if seat in members:
                members.remove(seat)
                self._tell(told, members, type="user_left", room=room, user=self._users[seat])
        return told

    def has_user(self, user: str) -> bool:
        return bool(self._seats_of(user))

    def serve(self, seat: int, requests: Iterable[Request]) -> Told:
        """What comes of requests that one connection sends one after another."""
        told: Told = {}
        for request in requests:
            self._serve(told, seat, request)
        return told

    def _serve(self, told: Told, seat: int, request: Request) -> None:
        match request:
            case str():
                self._error(told, seat, "bad_request")
            case {"type": "join", "room": room}:
                self._join(told, seat, room)
            case {"type": "leave", "room": room}:
                self._leave(told, seat, room)
            case {"type": "message", "room": room, "content": content}:
                self._message(told, seat, room, content)
            case {"type": "direct", "to": user, "content": content}:
                self._direct(told, seat, user, content)
            case {"type": "heartbeat"}:
                self._tell(told, [seat], type="heartbeat")

    def _join(self, told: Told, seat: int, room: str) -> None:
        """R1 to R3."""
        members = self._rooms[room]
        hearers = members
        if seat in members:
            hearers = [seat]
        else:
            members.append(seat)
        self._tell(told, hearers, type="user_joined", room=room, user=self._users[seat])

    def _leave(self, told: Told, seat: int, room: str) -> None:
        """R5 and R6."""
        members = self._rooms[room]
        if seat not in members:
            return self._error(told, seat, "not_joined")
        members.remove(seat)
        return self._tell(told, members, type="user_left", room=room, user=self._users[seat])

    def _message(self, told: Told, seat: int, room: str, content: str) -> None:
        """R8 to R11."""
        if seat not in self._rooms[room]:
            return self._error(told, seat, "not_joined")
        message = {"type": "message", "room": room, "user": self._users[seat]}
        return self._tell(told, self._rooms[room], **message, content=content)

    def _direct(self, told: Told, seat: int, user: str, content: str) -> None:
        """D1 and D2."""
        if not (receivers := self._seats_of(user)):
            return self._error(told, seat, "no_such_user")
        return self._tell(told, receivers, type="direct", user=self._users[seat], content=content)

    def _seats_of(self, user: str) -> list[int]:
        return [seat for seat in sorted(self.connected) if self._users[seat] == user]

    def _error(self, told: Told, seat: int, code: str) -> None:
        self._tell(told, [seat], type="error", code=code)

    @staticmethod
    def _tell(told: Told, seats: Iterable[int], **message: object) -> None:
        for seat in seats:
            told.setdefault(seat, []).append(message)

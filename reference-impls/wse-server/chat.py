"""Rooms, users and connections. The library does the fan-out; every request is served here."""

import time
from collections.abc import Callable
from typing import Any

from faults import commit_fault
from messages import NAME_RULE, asked_user, encode, is_name, parse, stamped
from topics import Topics

ROOMS_MAX = 64


class Room:
    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.members = 0


class Connection:
    """One client, from its upgrade to its end."""

    def __init__(self, connection_id: str, user: str, topic: str) -> None:
        self.id = connection_id
        self.user = user
        # Of its own: the library does not keep the order between `send` and what is published.
        self.topic = topic
        self.rooms: dict[str, Room] = {}
        self.last_sign_s = time.monotonic()


class Chat:
    """Who is connected, under which name, and in which rooms."""

    def __init__(self, topics: Topics, close: Callable[[str], None]) -> None:
        self._topics = topics
        self._close = close
        self._connections: dict[str, Connection] = {}
        self._users: dict[str, dict[str, Connection]] = {}
        self._rooms: dict[str, Room] = {}

    def take(self, event: str, connection_id: str, data: Any) -> None:
        """Serves one event of the library's. What comes behind a close is not served."""
        if event == "connect":
            self._connected(connection_id, data)
            return
        connection = self._connections.get(connection_id)
        if connection is None:
            return
        connection.last_sign_s = time.monotonic()
        if event == "msg":
            self._serve(connection, data)
        elif event == "raw":
            self._serve_text(connection, data)
        elif event == "bin":
            self._end(connection, closing=True)
        elif event == "disconnect":
            self._end(connection)

    def close_silent(self, timeout_s: float) -> None:
        """Those of whom nothing came for so long. The library knows them, but lets them be."""
        since_s = time.monotonic() - timeout_s
        for connection in list(self._connections.values()):
            if connection.last_sign_s < since_s:
                self._end(connection, closing=True)

    def _connected(self, connection_id: str, cookies: str) -> None:
        user = asked_user(cookies)
        if user is None:
            refusal = encode("error", code="bad_request", message=f"user is {NAME_RULE}")
            self._topics.send_last(connection_id, refusal)
            self._close(connection_id)
            return
        topic = self._topics.take()
        self._topics.subscribe(topic, connection_id)
        connection = Connection(connection_id, user, topic)
        self._connections[connection_id] = connection
        self._users.setdefault(user, {})[connection_id] = connection
        self._send(connection, encode("welcome", user=user))

    def _end(self, connection: Connection, *, closing: bool = False) -> None:
        """It has ended or, if ``closing``, is told to: those left in its rooms hear of it."""
        del self._connections[connection.id]
        named_alike = self._users[connection.user]
        del named_alike[connection.id]
        if not named_alike:
            del self._users[connection.user]
        for room in list(connection.rooms):
            self._leave(connection, room)
        self._topics.unsubscribe(connection.topic, connection.id)
        self._topics.give_back(connection.topic)
        if closing:
            self._close(connection.id)

    def _serve_text(self, connection: Connection, text: str) -> None:
        """What the library took for no JSON object."""
        try:
            request = parse(text)
        except (ValueError, RecursionError):
            self._end(connection, closing=True)
            return
        self._serve(connection, request if isinstance(request, dict) else {})

    def _serve(self, connection: Connection, request: dict[str, Any]) -> None:
        # The library renames `type` to `t` where there is none.
        match request.get("type", request.get("t")):
            case "heartbeat":
                self._send(connection, stamped("heartbeat"))
            case "join" | "leave" | "message" as kind if is_name(room := request.get("room")):
                self._serve_room(connection, kind, room, request.get("content"))
            case "direct" if is_name(to := request.get("to")) and _is_text(request):
                self._direct(connection, to, request["content"])
            case "join" | "leave" | "message" | "direct":
                self._refuse(
                    connection,
                    "bad_request",
                    f"content is a string; room and to are {NAME_RULE}",
                )
            case str() as kind:
                if answer := commit_fault(request | {"type": kind}):
                    self._send(connection, encode(kind, **answer))
            case _:
                self._refuse(connection, "bad_request", "a request is an object with a type")

    def _serve_room(self, connection: Connection, kind: str, room: str, content: Any) -> None:
        if kind == "join":
            self._join(connection, room)
        elif kind == "message" and not isinstance(content, str):
            self._refuse(connection, "bad_request", "content is a string")
        elif room not in connection.rooms:
            self._refuse(connection, "not_joined", "join the room first")
        elif kind == "message":
            message = stamped("message", room=room, user=connection.user, content=content)
            self._topics.publish(connection.rooms[room].topic, message)
        else:
            self._leave(connection, room)

    def _direct(self, connection: Connection, to: str, content: str) -> None:
        receivers = self._users.get(to)
        if receivers is None:
            self._refuse(connection, "no_such_user", "nobody by that name is connected")
            return
        message = stamped("direct", user=connection.user, content=content)
        for receiver in receivers.values():
            self._send(receiver, message)

    def _join(self, connection: Connection, name: str) -> None:
        message = stamped("user_joined", room=name, user=connection.user)
        if name in connection.rooms:
            self._send(connection, message)
        elif len(connection.rooms) >= ROOMS_MAX:
            self._refuse(connection, "too_many_rooms", f"a connection can be in {ROOMS_MAX} rooms")
        else:
            room = self._rooms.get(name)
            if room is None:
                room = self._rooms[name] = Room(self._topics.take())
            room.members += 1
            connection.rooms[name] = room
            self._topics.subscribe(room.topic, connection.id)
            self._topics.publish(room.topic, message)

    def _leave(self, connection: Connection, name: str) -> None:
        room = connection.rooms.pop(name)
        self._topics.unsubscribe(room.topic, connection.id)
        room.members -= 1
        if room.members:
            message = stamped("user_left", room=name, user=connection.user)
            self._topics.publish(room.topic, message)
        else:
            del self._rooms[name]
            self._topics.give_back(room.topic)

    def _refuse(self, connection: Connection, code: str, message: str) -> None:
        self._send(connection, encode("error", code=code, message=message))

    def _send(self, connection: Connection, message: str) -> None:
        self._topics.publish(connection.topic, message)


def _is_text(request: dict[str, Any]) -> bool:
    return isinstance(request.get("content"), str)

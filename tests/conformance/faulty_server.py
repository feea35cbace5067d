"""A small chat/1 server inside the test's own event loop, honest or with one fault on purpose."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from .handshake import Address
from .messages import Message

ROOMS_MAX = 64
PAYLOAD_MAX = 65_536


class FaultyServer:
    """``fault`` is one of the names that test_suite_catches_faults.py lists; empty: none."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.rooms: dict[str, list[ServerConnection]] = defaultdict(list)
        self.users: dict[str, list[ServerConnection]] = defaultdict(list)
        self.deliveries = itertools.count(1)
        self.held_back: dict[ServerConnection, str] = {}

    # -- sending

    def send(self, receivers: Iterable[ServerConnection], **message: object) -> None:
        if self.fault == "type comes last":
            message["type"] = message.pop("type")
        if message["type"] not in ("welcome", "error"):
            message["timestamp"] = int(time.time() * 1000)
            if self.fault == "timestamps in seconds":
                message["timestamp"] = int(time.time())
        for receiver in list(receivers):
            self.deliver(receiver, json.dumps(message), str(message["type"]))

    def deliver(self, receiver: ServerConnection, text: str, message_type: str) -> None:
        if message_type != "message":
            broadcast([receiver], text)
        elif self.fault == "drops every tenth delivery" and next(self.deliveries) % 10 == 0:
            return
        elif self.fault == "swaps deliveries" and receiver not in self.held_back:
            self.held_back[receiver] = text
        else:
            broadcast([receiver], text)
            if self.fault == "delivers twice":
                broadcast([receiver], text)
            if receiver in self.held_back:
                broadcast([receiver], self.held_back.pop(receiver))

    def error(self, connection: ServerConnection, code: str) -> None:
        self.send([connection], type="error", code=code, message=code)

    # -- connections

    async def handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        query = parse_qs(urlsplit(connection.request.path).query)
        user = query.get("user", [str(uuid.uuid4())])[0]
        self.users[user].append(connection)
        self.send([connection], type="welcome", user=user)
        try:
            async for data in connection:
                if not await self.on_message(connection, user, data):
                    break
        except ConnectionClosed:
            pass
        finally:
            self.on_end(connection, user)

    def on_end(self, connection: ServerConnection, user: str) -> None:
        self.users[user].remove(connection)
        for room in [name for name, members in self.rooms.items() if connection in members]:
            self.rooms[room].remove(connection)
            if self.fault != "forgets user_left on disconnect":
                self.send(self.rooms[room], type="user_left", room=room, user=user)

    async def on_message(self, connection: ServerConnection, user: str, data: str | bytes) -> bool:
        """Whether the connection goes on."""
        try:
            assert isinstance(data, str)
            request = json.loads(data, parse_constant=int)
        except (AssertionError, ValueError):
            if self.fault == "forgives malformed messages":
                return True
            code = 1002 if self.fault == "closes malformed messages with 1002" else 1003
            await connection.close(code, "Malformed message")
            return False
        self.serve(connection, user, request)
        return True

    # -- requests

    def serve(self, connection: ServerConnection, user: str, request: Message) -> None:
        verbs = {"join": self.join, "leave": self.leave, "message": self.message}
        verbs |= {"direct": self.direct, "heartbeat": self.heartbeat}
        if not isinstance(request, dict) or not isinstance(request.get("type"), str):
            return self.error(connection, "bad_request")
        verb = request["type"]
        if verb not in verbs:
            if self.fault == "answers unknown types":
                self.error(connection, "bad_request")
            return None
        needed = {"join": ["room"], "leave": ["room"], "message": ["room", "content"]}
        needed |= {"direct": ["to", "content"], "heartbeat": []}
        for field in needed[verb]:
            is_valid = isinstance(request.get(field), str)
            if not is_valid or (field != "content" and not is_name(request[field])):
                return self.error(connection, "bad_request")
        if self.fault == "trims names" and "room" in request:
            request["room"] = request["room"].strip()
        verbs[verb](connection, user, request)
        return None

    def join(self, connection: ServerConnection, user: str, request: Message) -> None:
        room = request["room"]
        members = self.rooms[room]
        joined = {"type": "user_joined", "room": room, "user": user}
        if connection in members:
            everyone = self.fault == "tells everyone of joining again"
            return self.send(members if everyone else [connection], **joined)
        mine = [name for name, others in self.rooms.items() if connection in others]
        if len(mine) >= ROOMS_MAX and self.fault != "has no limit of rooms":
            return self.error(connection, "too_many_rooms")
        members.append(connection)
        return self.send(members, **joined)

    def leave(self, connection: ServerConnection, user: str, request: Message) -> None:
        room = request["room"]
        members = self.rooms[room]
        if connection not in members:
            return self.error(connection, "not_joined")
        told = [member for member in members if member is not connection]
        members.remove(connection)
        if self.fault == "membership belongs to the user":
            self.rooms[room] = [one for one in members if one not in self.users[user]]
        if self.fault == "tells the leaver":
            told.append(connection)
        return self.send(told, type="user_left", room=room, user=user)

    def message(self, connection: ServerConnection, user: str, request: Message) -> None:
        members = self.rooms[request["room"]]
        if connection not in members:
            return self.error(connection, "not_joined")
        if self.fault == "delivers outside the room":
            members = [one for connections in self.users.values() for one in connections]
        message = {"type": "message", "room": request["room"], "user": user}
        return self.send(members, **message, content=request["content"])

    def direct(self, connection: ServerConnection, user: str, request: Message) -> None:
        receivers = self.users[request["to"]]
        if not receivers:
            return self.error(connection, "no_such_user")
        if self.fault == "direct reaches one connection":
            receivers = receivers[:1]
        return self.send(receivers, type="direct", user=user, content=request["content"])

    def heartbeat(self, connection: ServerConnection, user: str, request: Message) -> None:
        self.send([connection], type="heartbeat")


def is_name(text: str) -> bool:
    controls = any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in text)
    return 1 <= len(text.encode()) <= 64 and not controls


@asynccontextmanager
async def running(fault: str = "") -> AsyncIterator[Address]:
    """Serves on a free port until the block is left."""
    max_size = None if fault == "takes any size" else PAYLOAD_MAX
    server = FaultyServer(fault)
    async with serve(
        server.handle, "127.0.0.1", 0, max_size=max_size, compression=None, close_timeout=1
    ) as listening:
        host, port = next(iter(listening.sockets)).getsockname()
        yield Address(host, port)

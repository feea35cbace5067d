"""What chat/1 says of rooms, users and requests."""

from __future__ import annotations

import itertools
import json
import time
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Protocol

import asked
from fault import has
from wire import TEXT, Violation, frame

ROOMS_MAX = 64
FIELDS = {"join": ["room"], "leave": ["room"], "message": ["room", "content"]}
FIELDS |= {"direct": ["to", "content"], "heartbeat": []}
Request = dict[str, Any]


class Member(Protocol):
    user: str

    def write(self, data: bytes) -> None: ...

    def later(self, data: bytes) -> None: ...

    def keep_if_behind(self, size: int) -> None: ...


def is_name(text: str) -> bool:
    try:
        size = len(text) if has("counts characters of names") else len(text.encode())
    except UnicodeEncodeError:
        return False
    controls = any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in text)
    if controls and not has("takes control characters in names"):
        return False
    return 1 <= size <= (32 if has("takes names of 32 bytes at most") else 64)


def parse(text: str) -> Any:
    """Raises Violation for what is not JSON."""
    if has("takes a byte order mark"):
        text = text.removeprefix("\ufeff")
    try:
        if has("takes NaN"):
            return json.loads(text)
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        code = 1011 if has("closes deep nesting with 1011") else 1003
        raise Violation(code, "Malformed message") from error
    except ValueError as error:
        if has("forgives malformed messages"):
            return {"type": "nothing"}
        code = 1002 if has("closes malformed messages with 1002") else 1003
        raise Violation(code, "Malformed message") from error


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


class Rooms:
    """Who is where, and who is told what."""

    def __init__(self) -> None:
        self.rooms: dict[str, list[Member]] = defaultdict(list)
        self.users: dict[str, list[Member]] = defaultdict(list)
        self._deliveries = itertools.count(1)
        self._held_back: dict[tuple[Member, str, str], bytes] = {}
        self._last: dict[str, bytes] = {}

    # -- telling

    def tell(self, members: Iterable[Member], **message: object) -> None:
        kind = str(message["type"])
        if kind not in ("welcome", "error"):
            now = time.time() if has("timestamps in seconds") else time.time() * 1000
            message["timestamp"] = int(now)
        if has("type comes last"):
            message["type"] = message.pop("type")
        data = frame(TEXT, json.dumps(message).encode())
        for member in list(members):
            if kind in ("message", "direct"):
                self._deliver(member, data, kind, str(message["user"]))
            else:
                member.write(data)

    def _deliver(self, member: Member, data: bytes, kind: str, sender: str) -> None:
        # Of one sender: messages of two that take turns may be swapped and keep their orders.
        place = member, kind, sender
        swaps = has("swaps messages") if kind == "message" else has("swaps direct messages")
        if has("drops every tenth delivery") and next(self._deliveries) % 10 == 0:
            return
        if has("delivers when it has time"):
            member.later(data)
        elif swaps and place not in self._held_back:
            self._held_back[place] = data
        else:
            member.write(data)
            if has("delivers twice"):
                member.write(data)
            if place in self._held_back:
                member.write(self._held_back.pop(place))

    def error(self, member: Member, code: str) -> None:
        self.tell([member], type="error", code=code, message=code)

    # -- coming and going

    def connect(self, member: Member) -> None:
        self.users[member.user].append(member)
        if has("talks before welcome"):
            self.tell([member], type="heartbeat")
        self.tell([member], type="welcome", user=member.user)

    def disconnect(self, member: Member) -> None:
        self.users[member.user].remove(member)
        for room in [name for name, members in self.rooms.items() if member in members]:
            if has("keeps members who are gone"):
                continue
            self.rooms[room].remove(member)
            for _ in range(2 if has("tells of a departure twice") else 1):
                if not has("forgets user_left on disconnect"):
                    self.tell(self.rooms[room], type="user_left", room=room, user=member.user)

    # -- requests

    def serve(self, member: Member, request: Any) -> None:
        if not isinstance(request, dict):
            if has("closes what is no object"):
                raise Violation(1003, "Malformed message")
            self.error(member, "bad_request")
        elif not isinstance(request.get("type"), str):
            if not has("ignores requests without a type"):
                self.error(member, "bad_request")
        elif request["type"] in FIELDS:
            self._refuse_more_than_it_may(request)
            self._serve_known(member, request)
        else:
            if answer := asked.commit(request):
                everybody = [one for members in self.users.values() for one in members]
                told = everybody if has("tells everybody which build it is") else [member]
                self.tell(told, type=request["type"], **answer)
            if has("answers unknown types"):
                self.error(member, "bad_request")

    def _serve_known(self, member: Member, request: Request) -> None:
        if has("checks the state first") and not self._is_in(member, request):
            return self.error(member, "not_joined")
        for field in FIELDS[request["type"]]:
            value = request.get(field)
            if field == "to" and has("asks for any user") and isinstance(value, str):
                continue
            if not isinstance(value, str) or (field != "content" and not is_name(value)):
                if has("closes for a bad field"):
                    raise Violation(1003, "Malformed message")
                return self.error(member, "bad_request")
        if "room" in FIELDS[request["type"]]:
            request["room"] = canonical(request["room"])
        verbs = {"join": self.join, "leave": self.leave, "message": self.message}
        verbs |= {"direct": self.direct, "heartbeat": self.heartbeat}
        return verbs[request["type"]](member, request)

    @staticmethod
    def _refuse_more_than_it_may(request: Request) -> None:
        known = {"type", "room", "content", "to"}
        if has("closes for unknown fields") and not request.keys() <= known:
            raise Violation(1003, "Malformed message")
        if has("takes ten levels at most") and depth(request) > 10:
            raise Violation(1003, "Malformed message")
        huge = [value for value in request.values() if value in (float("inf"), -float("inf"))]
        if has("closes large numbers with 1007") and huge:
            raise Violation(1007)

    def _is_in(self, member: Member, request: Request) -> bool:
        known = isinstance(request.get("room"), str) and request["type"] != "join"
        return not known or member in self.rooms[request["room"]]

    def join(self, member: Member, request: Request) -> None:
        room = request["room"]
        members = self.rooms[room]
        joined = {"type": "user_joined", "room": room, "user": member.user}
        mine = [name for name, others in self.rooms.items() if member in others]
        is_full = len(mine) >= ROOMS_MAX and not has("has no limit of rooms")
        if is_full and (member not in members or has("refuses to join again when full")):
            return self.error(member, "too_many_rooms")
        if member in members:
            if has("joins twice"):
                members.append(member)
            everyone = has("tells everyone of joining again")
            return self.tell(members if everyone else [member], **joined)
        if has("repeats the last message to a newcomer") and room in self._last:
            member.write(self._last[room])
        members.append(member)
        return self.tell(members, **joined)

    def leave(self, member: Member, request: Request) -> None:
        room = request["room"]
        members = self.rooms[room]
        if member not in members:
            if has("leaves rooms it is not in"):
                return None
            return self.error(member, "not_joined")
        told = [one for one in members if one is not member]
        if not has("delivers to who has left"):
            members.remove(member)
        if has("membership belongs to the user"):
            self.rooms[room] = [one for one in members if one.user != member.user]
        if has("tells the leaver"):
            told.append(member)
        if has("keeps 16 KiB of a room that was left unread"):
            member.keep_if_behind(16 * 1024)
        return self.tell(told, type="user_left", room=room, user=member.user)

    def message(self, member: Member, request: Request) -> None:
        members, content = self.rooms[request["room"]], request["content"]
        if member not in members and not has("lets strangers speak"):
            return self.error(member, "not_joined")
        if has("delivers outside the room"):
            members = [one for connections in self.users.values() for one in connections]
        if has("drops empty content") and not content:
            return None
        message = {"type": "message", "room": request["room"], "user": member.user}
        message["content"] = changed(content)
        if has("repeats the last message to a newcomer"):
            text = json.dumps(message | {"timestamp": int(time.time() * 1000)})
            self._last[request["room"]] = frame(TEXT, text.encode())
        return self.tell(members, **message)

    def direct(self, member: Member, request: Request) -> None:
        receivers = self.users[request["to"]]
        if not receivers:
            if has("drops what is for nobody"):
                return None
            return self.error(member, "no_such_user")
        if has("direct reaches one connection"):
            receivers = receivers[:1]
        if has("direct reaches others alone"):
            receivers = [one for one in receivers if one is not member]
        content = request["content"]
        return self.tell(receivers, type="direct", user=member.user, content=content)

    def heartbeat(self, member: Member, request: Request) -> None:
        self.tell([member], type="heartbeat")


def canonical(room: str) -> str:
    if has("trims names"):
        return room.strip()
    if has("folds case"):
        return room.casefold()
    return unicodedata.normalize("NFC", room) if has("normalises names") else room


def changed(content: str) -> str:
    is_whole = not any(0xD800 <= ord(char) < 0xE000 for char in content)
    if has("loses what is beside a surrogate") and not is_whole:
        return "\ufffd"
    if has("ends content at NUL"):
        return content.partition("\0")[0]
    return content

"""How chat/1's messages travel: as WebSocket text, as Socket.IO events in Engine.IO packets, as
WebSocket text beside the pings of wse-server, or as commands and replies of Centrifugo.
"""

from __future__ import annotations

import json
import re
import time
from itertools import count
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qs, quote, urlsplit


class Refused(AssertionError):
    """The upgrade was answered with another status than 101, or by what stands for it later."""

    def __init__(self, status: int, why: str = "") -> None:
        super().__init__(why or f"the upgrade was answered with {status}")
        self.status = status


class Received(NamedTuple):
    """What one text of the server means to the client: a message, something to answer, or both
    empty: the transport's own news.
    """

    message: bytes | None = None
    reply: bytes | None = None
    is_ping: bool = False


class Transport(Protocol):
    """One connection's way. ``target`` names the user where a test wants to say it by itself."""

    def upgrade_target(self, user: str | None, target: str | None) -> str: ...

    def upgrade_fields(self) -> dict[str, str | None]: ...

    def greeting(self) -> bytes | None: ...

    def split(self, text: bytes) -> list[bytes]: ...

    def encode(self, text: bytes) -> bytes: ...

    def receive(self, text: bytes) -> Received: ...


class WebSocket:
    """The text of a message is the message."""

    def upgrade_target(self, user: str | None, target: str | None) -> str:
        if target is None and user is not None:
            return f"/ws?user={quote(user, safe='')}"
        return target or "/ws"

    def upgrade_fields(self) -> dict[str, str | None]:
        return {}

    def greeting(self) -> bytes | None:
        """What the client says as soon as the upgrade is answered."""
        return None

    def split(self, text: bytes) -> list[bytes]:
        """What one text holds."""
        return [text]

    def encode(self, text: bytes) -> bytes:
        return text

    def receive(self, text: bytes) -> Received:
        return Received(message=text)


def _user_of(user: str | None, target: str | None) -> str | None:
    """Whom a target of chat/1 names, where the user travels beside it; ``user`` comes first."""
    if user is not None or target is None:
        return user
    return parse_qs(urlsplit(target).query, keep_blank_values=True).get("user", [None])[0]


_STRING = rb'"(?:[^"\\]|\\.)*"'
_MESSAGE = re.compile(
    rb'\s*\{\s*"type"\s*:\s*(' + _STRING + rb")\s*(?:,\s*(?=\S)|(?=\}))", re.DOTALL
)
_EVENT = re.compile(rb"42\[(" + _STRING + rb"),\{(.*)\}\]", re.DOTALL)


class EngineIo(WebSocket):
    """Socket.IO 4 over Engine.IO 4: ``42["type",{the other fields}]``.

    Texts are rewritten, not parsed and written again, so that numbers, escapes and repeated keys
    stay as a test wrote them.
    """

    def __init__(self) -> None:
        self._auth: dict[str, str] = {}

    def upgrade_target(self, user: str | None, target: str | None) -> str:
        """The user travels in the CONNECT packet: a target of chat/1 is translated."""
        named = _user_of(user, target)
        self._auth = {} if named is None else {"user": named}
        return "/socket.io/?EIO=4&transport=websocket"

    def encode(self, text: bytes) -> bytes:
        return b"42" + _as_event(text)

    def receive(self, text: bytes) -> Received:
        match text[:2]:
            case b"42":
                return Received(message=_as_message(text))
            case b"44":
                raise Refused(400, f"CONNECT was refused: {text.decode()}")
            case b"2":
                return Received(reply=b"3", is_ping=True)
            case b"0{":
                return Received(reply=b"40" + json.dumps(self._auth).encode())
            case b"40" | b"41" | b"1":
                return Received()
        raise AssertionError(f"{text!r} is no packet that a server sends")


def _as_event(text: bytes) -> bytes:
    """``["type",{the other fields}]``. What is no object with a type first, in order or at all,
    can't be an event: it goes out as it is, for the server to refuse.
    """
    found = _MESSAGE.match(text)
    if found is not None:
        return b"[" + found[1] + b",{" + text[found.end() :] + b"]"
    try:
        value: Any = json.loads(text)
        fields = json.dumps({key: field for key, field in value.items() if key != "type"})
        return f"[{json.dumps(value['type'])},{fields}]".encode()
    except (ValueError, AttributeError, KeyError, TypeError):
        return text


def _as_message(text: bytes) -> bytes:
    found = _EVENT.fullmatch(text)
    assert found is not None, f"{text!r} is no event with one object as its argument"
    comma = b"," if found[2].strip() else b""
    return b'{"type":' + found[1] + comma + found[2] + b"}"


class Wse(WebSocket):
    """wse-server 2: the application sees a request's cookies, not its target, so the user is named
    there. It pings by texts of its own, and asks for a text in return: one that the application
    sees, which it hides its own ``{"t":"pong"}`` from.
    """

    PING = b'{"c":"WSE","t":"ping",'
    PONG = b'{"type":"pong"}'

    def __init__(self) -> None:
        self._user: str | None = None
        self._is_let_in = False

    def upgrade_target(self, user: str | None, target: str | None) -> str:
        self._user = _user_of(user, target)
        return "/ws"

    def upgrade_fields(self) -> dict[str, str | None]:
        return {} if self._user is None else {"Cookie": f"user={quote(self._user, safe='')}"}

    def receive(self, text: bytes) -> Received:
        if text.startswith(self.PING):
            return Received(reply=self.PONG, is_ping=True)
        if not self._is_let_in and json.loads(text)["type"] == "error":
            raise Refused(400, f"the user was refused: {text.decode()}")
        self._is_let_in = True
        return Received(message=text)


_CENTRIFUGO_ERRORS = {103: "not_joined", 106: "too_many_rooms", 107: "bad_request"}


class Centrifugo(WebSocket):
    """Centrifugo 6's own JSON protocol: commands and replies have numbers, a text holds a few, one
    a line. A room is a channel in ``rooms``, a user's direct messages come in ``user:#NAME``, which
    the client subscribes to as it connects. Names are the server's, timestamps the client's: there
    are none in a publication.
    """

    PONG = b"{}"
    CONNECT, OWN_CHANNEL = 1, 2
    ROOMS, USER = "rooms:", "user:#"
    ALREADY_SUBSCRIBED = 105

    def __init__(self) -> None:
        self._user: str | None = None
        self._numbers = count(self.OWN_CHANNEL + 1)
        self._asked: dict[int, dict[str, Any]] = {}

    def upgrade_target(self, user: str | None, target: str | None) -> str:
        self._user = _user_of(user, target)
        return "/ws"

    def upgrade_fields(self) -> dict[str, str | None]:
        return {} if self._user is None else {"X-User-Id": self._user}

    def greeting(self) -> bytes:
        own = {"channel": f"{self.USER}{self._user}"}
        commands = [{"id": self.CONNECT, "connect": {}}, {"id": self.OWN_CHANNEL, "subscribe": own}]
        return b"\n".join(json.dumps(command).encode() for command in commands)

    def encode(self, text: bytes) -> bytes:
        """The command for a request. What is none of chat/1's goes out as it is."""
        try:
            request = json.loads(text.decode(), parse_constant=_refuse)
            command = self._command(request)
        except (ValueError, KeyError, TypeError, RecursionError):
            return text
        number = next(self._numbers)
        self._asked[number] = request
        return _short({"id": number} | command)

    def _command(self, request: dict[str, Any]) -> dict[str, Any]:
        match request["type"]:
            case "join":
                return {"subscribe": {"channel": self.ROOMS + request["room"]}}
            case "leave":
                return {"unsubscribe": {"channel": self.ROOMS + request["room"]}}
            case "message":
                return _publish(self.ROOMS + request["room"], request["content"])
            case "direct":
                return _publish(self.USER + request["to"], request["content"])
            case "heartbeat":
                return {"rpc": {"method": "ping"}}
        raise KeyError(request["type"])

    def split(self, text: bytes) -> list[bytes]:
        return text.split(b"\n")

    def receive(self, text: bytes) -> Received:
        if text == self.PONG:
            return Received(reply=self.PONG, is_ping=True)
        reply = json.loads(text)
        said = self._pushed(reply["push"]) if "push" in reply else self._answered(reply)
        if said is None:
            return Received()
        if said["type"] not in ("welcome", "error"):
            said["timestamp"] = time.time_ns() // 1_000_000
        return Received(message=json.dumps(said).encode())

    def _pushed(self, push: dict[str, Any]) -> dict[str, Any]:
        channel: str = push["channel"]
        room = {"room": channel.removeprefix(self.ROOMS)} if channel.startswith(self.ROOMS) else {}
        for event, kind in (("join", "user_joined"), ("leave", "user_left")):
            if event in push:
                return {"type": kind, **room, "user": push[event]["info"]["user"]}
        publication = push["pub"]
        said = {"user": publication["info"]["user"], "content": publication["data"]["content"]}
        return {"type": "message" if room else "direct", **room, **said}

    def _answered(self, reply: dict[str, Any]) -> dict[str, Any] | None:
        number = reply["id"]
        if number in (self.CONNECT, self.OWN_CHANNEL):
            if "error" in reply:
                raise Refused(400, f"the user was refused: {reply}")
            done = number == self.OWN_CHANNEL
            return {"type": "welcome", "user": self._user} if done else None
        request = self._asked.pop(number)
        if "error" not in reply:
            return {"type": "heartbeat"} if request["type"] == "heartbeat" else None
        error = reply["error"]
        if error["code"] == self.ALREADY_SUBSCRIBED:
            return {"type": "user_joined", "room": request["room"], "user": self._user}
        code = _CENTRIFUGO_ERRORS[error["code"]]
        return {"type": "error", "code": code, "message": error["message"]}


def _short(command: dict[str, Any]) -> bytes:
    """Without escapes, so that it is as long as the request was, but for lone surrogates."""
    try:
        return json.dumps(command, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(command).encode()


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _publish(channel: str, content: object) -> dict[str, Any]:
    return {"publish": {"channel": channel, "data": {"content": content}}}


TRANSPORTS: dict[str, type[WebSocket]] = {
    "websocket": WebSocket,
    "engine.io": EngineIo,
    "wse": Wse,
    "centrifugo": Centrifugo,
}

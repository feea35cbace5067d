"""How chat/1's messages travel: as WebSocket text, or as Socket.IO events in Engine.IO packets."""

from __future__ import annotations

import json
import re
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

    def encode(self, text: bytes) -> bytes: ...

    def receive(self, text: bytes) -> Received: ...


class WebSocket:
    """The text of a message is the message."""

    def upgrade_target(self, user: str | None, target: str | None) -> str:
        if target is None and user is not None:
            return f"/ws?user={quote(user, safe='')}"
        return target or "/ws"

    def encode(self, text: bytes) -> bytes:
        return text

    def receive(self, text: bytes) -> Received:
        return Received(message=text)


_STRING = rb'"(?:[^"\\]|\\.)*"'
_MESSAGE = re.compile(
    rb'\s*\{\s*"type"\s*:\s*(' + _STRING + rb")\s*(?:,\s*(?=\S)|(?=\}))", re.DOTALL
)
_EVENT = re.compile(rb"42\[(" + _STRING + rb"),\{(.*)\}\]", re.DOTALL)


class EngineIo:
    """Socket.IO 4 over Engine.IO 4: ``42["type",{the other fields}]``.

    Texts are rewritten, not parsed and written again, so that numbers, escapes and repeated keys
    stay as a test wrote them.
    """

    def __init__(self) -> None:
        self._auth: dict[str, str] = {}

    def upgrade_target(self, user: str | None, target: str | None) -> str:
        """The user travels in the CONNECT packet: a target of chat/1 is translated."""
        if user is None and target is not None:
            query = parse_qs(urlsplit(target).query, keep_blank_values=True)
            user = query.get("user", [None])[0]
        self._auth = {} if user is None else {"user": user}
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


TRANSPORTS: dict[str, type[WebSocket] | type[EngineIo]] = {
    "websocket": WebSocket,
    "engine.io": EngineIo,
}

"""What a client hears of a server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Received:
    """What a server sent.

    Attributes:
        type: ``message``, ``direct``, ``user_joined``, ``user_left``, ``error`` or ``welcome`` (the
            first of every connection, so also after a reconnect).
        room: of ``message``, ``user_joined`` and ``user_left``.
        user: who wrote, joined or left.
        content: of ``message`` and ``direct``; the text of an ``error``.
        timestamp: Unix milliseconds, by the server's clock; 0 where there is none.
        code: of an ``error``.
    """

    type: str
    room: str = ""
    user: str = ""
    content: str = ""
    timestamp: int = 0
    code: str = ""


def read_message(text: str) -> Received:
    """What a server's text frame says; fields that chat/1 does not have are left out. Raises
    ``ValueError``, ``RecursionError`` or ``TypeError`` for what is no message of chat/1."""
    given = json.loads(text)
    if not isinstance(given, dict):
        raise TypeError("a message is an object")
    kind = given.get("type")
    if not isinstance(kind, str):
        raise TypeError("a message has a type, which is a string")
    timestamp = given.get("timestamp", 0)
    if isinstance(timestamp, bool) or not isinstance(timestamp, int):
        raise TypeError("the timestamp of a message is a whole number")
    content = "message" if kind == "error" else "content"
    return Received(
        type=kind,
        room=text_of(given, "room"),
        user=text_of(given, "user"),
        content=text_of(given, content),
        timestamp=timestamp,
        code=text_of(given, "code"),
    )


def text_of(given: dict[str, Any], name: str) -> str:
    """A field that is a string where it is."""
    value = given.get(name, "")
    if not isinstance(value, str):
        raise TypeError(f"{name} of a message is a string")
    return value

"""What is said: names, requests as they come, messages as they go."""

import json
import time
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

NAME_BYTES_MAX = 64
NAME_RULE = "1 to 64 bytes of UTF-8 without control characters"


def is_name(value: Any) -> bool:
    """Whether it is a name of a user or a room."""
    if not isinstance(value, str):
        return False
    if any(character < " " or "\x7f" <= character <= "\x9f" for character in value):
        return False
    try:
        return 0 < len(value.encode()) <= NAME_BYTES_MAX
    except UnicodeEncodeError:  # A lone surrogate, as JSON's escapes can name it.
        return False


def asked_user(query: bytes) -> str | None:
    """The first ``user`` of a URL's query, a random one if there is none, ``None`` if it can't be a
    name.
    """
    try:
        fields = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        return None
    user = dict(reversed(fields)).get("user") or str(uuid4())
    return user if is_name(user) else None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


# Made once: `json.loads` and `json.dumps` make one a call where they are given options.
_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode
_encode = json.JSONEncoder(separators=(",", ":")).encode


def parse(text: str) -> Any:
    """Strict JSON. Raises ``ValueError`` or ``RecursionError`` for anything else."""
    return _decode(text)


def encode(kind: str, **fields: Any) -> str:
    return _encode({"type": kind, **fields})


def stamped(kind: str, **fields: Any) -> str:
    """With the time of now, in milliseconds since 1970."""
    return encode(kind, **fields, timestamp=time.time_ns() // 1_000_000)

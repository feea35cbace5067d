"""What is said: names, requests as they come, messages as they go."""

import re
import time
from typing import Any

import orjson

NAME_BYTES_MAX = 64
NAME_RULE = "1 to 64 bytes of UTF-8 without control characters"
_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,64}")


def is_name(value: Any) -> bool:
    """Whether it is a name of a user or a room."""
    return (
        isinstance(value, str)
        and _NAME.fullmatch(value) is not None
        and len(value.encode()) <= NAME_BYTES_MAX
    )


def parse(message: str | bytes) -> Any:
    """Strict JSON in a text. Raises ``ValueError`` for anything else."""
    if not isinstance(message, str):
        raise ValueError("a binary message is no request")
    return orjson.loads(message)


def encode(kind: str, **fields: Any) -> bytes:
    return orjson.dumps({"type": kind, **fields})


def stamped(kind: str, **fields: Any) -> bytes:
    """With the time of now, in milliseconds since 1970."""
    return encode(kind, **fields, timestamp=time.time_ns() // 1_000_000)

"""Texts and numbers that a program gives, looked at before they go anywhere."""

from __future__ import annotations

import json
import math

from chinwag.errors import ChinwagError

NAME_BYTES_MAX = 64
MESSAGE_BYTES_MAX = 65_536

# The core takes 32 bits of milliseconds; its longest deadline is 49 days.
DEADLINE_MS_MAX = 2**32 - 1

CODES = {"content": "bad_content", "text": "bad_content", "code": "bad_refusal"}


def check_texts(**given: object) -> None:
    """Raises ``TypeError`` naming the argument that is no text, and ``bad_content`` or ``bad_name``
    for one that UTF-8 can't carry: half of a surrogate pair."""
    for name, value in given.items():
        if not isinstance(value, str):
            raise TypeError(f"{name} is a str, not {type(value).__name__}")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ChinwagError(
                f"{name} has half of a surrogate pair at {error.start}: cut texts between "
                "characters",
                CODES.get(name, "bad_name"),
            ) from None


def check_names(**given: str) -> None:
    """Raises ``bad_name`` for what chat/1 does not take for the name of a user or a room."""
    check_texts(**given)
    for name, value in given.items():
        if not 1 <= len(value.encode()) <= NAME_BYTES_MAX or any(map(is_control, value)):
            shown = value if len(value) <= NAME_BYTES_MAX else value[:NAME_BYTES_MAX] + "..."
            raise ChinwagError(
                f"{name} is {shown!r}: give 1 to {NAME_BYTES_MAX} bytes of UTF-8 without control "
                "characters",
                "bad_name",
            )


def is_control(character: str) -> bool:
    """Whether names may not have it."""
    return character < " " or "\x7f" <= character <= "\x9f"


def encode_request(request: dict[str, str]) -> str:
    """The text frame of a request; ``bad_content`` if a server would close the connection for its
    size."""
    text = json.dumps(request, ensure_ascii=False)
    size = len(text.encode())
    if size > MESSAGE_BYTES_MAX:
        raise ChinwagError(
            f"the content makes a message of {size:,} bytes with the JSON around it: give at most "
            f"{MESSAGE_BYTES_MAX:,}",
            "bad_content",
        )
    return text


def check_deadline(deadline_s: float) -> None:
    """Raises ``TypeError`` for what is no number, and ``bad_deadline`` for a negative one or NaN.
    Infinity is a deadline that never comes."""
    if isinstance(deadline_s, bool) or not isinstance(deadline_s, (int, float)):
        raise TypeError(f"the deadline is a number of seconds, not {type(deadline_s).__name__}")
    if math.isnan(deadline_s) or deadline_s < 0:
        raise ChinwagError(
            f"the deadline is {deadline_s}: give seconds from 0 on, or math.inf for none",
            "bad_deadline",
        )


def to_ms(deadline_s: float) -> int:
    """Whole milliseconds, as the core takes them."""
    return int(min(deadline_s * 1000, DEADLINE_MS_MAX))

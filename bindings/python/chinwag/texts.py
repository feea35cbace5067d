"""Texts and numbers that a program gives, looked at before they go anywhere."""

from __future__ import annotations

import json
import math
import numbers
from typing import Any

from chinwag.errors import ChinwagError

NAME_BYTES_MAX = 64
MESSAGE_BYTES_MAX = 65_536
CONTENT_BYTES_MAX = 65_536
CLOSE_CODE_MAX = 2**16 - 1

# The core takes 32 bits of milliseconds; its longest deadline is 49 days.
DEADLINE_MS_MAX = 2**32 - 1

REFUSALS = (
    "forbidden",
    "rate_limited",
    "unavailable",
    "bad_request",
    "not_joined",
    "no_such_user",
    "too_many_rooms",
)

CODES = {"content": "bad_content", "text": "bad_content", "code": "bad_refusal"}


def type_of(value: object) -> str:
    """What an error calls it."""
    return "None" if value is None else type(value).__name__


def check_texts(**given: object) -> None:
    """Raises ``TypeError`` naming the argument that is no text, and ``bad_content`` or ``bad_name``
    for one that UTF-8 can't carry: half of a surrogate pair."""
    for name, value in given.items():
        if not isinstance(value, str):
            raise TypeError(f"{name} is a str, not {type_of(value)}")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ChinwagError(
                f"{name} has half of a surrogate pair at {error.start}: cut texts between "
                "characters",
                CODES.get(name, "bad_name"),
            ) from None


def check_contents(**given: object) -> None:
    """``check_texts``, and ``bad_content`` for what is longer than a server sends."""
    check_texts(**given)
    for name, value in given.items():
        size = len(str(value).encode())
        if size > CONTENT_BYTES_MAX:
            raise ChinwagError(
                f"{name} has {size:,} bytes of UTF-8: give at most {CONTENT_BYTES_MAX:,}",
                "bad_content",
            )


def check_names(**given: object) -> None:
    """Raises ``bad_name`` for what chat/1 does not take for the name of a user or a room."""
    check_texts(**given)
    for name, value in given.items():
        text = str(value)
        if not 1 <= len(text.encode()) <= NAME_BYTES_MAX or any(map(is_control, text)):
            shown = text if len(text) <= NAME_BYTES_MAX else text[:NAME_BYTES_MAX] + "..."
            raise ChinwagError(
                f"{name} is {shown!r}: give 1 to {NAME_BYTES_MAX} bytes of UTF-8 without control "
                "characters",
                "bad_name",
            )


def is_control(character: str) -> bool:
    """Whether names may not have it."""
    return character < " " or "\x7f" <= character <= "\x9f"


def check_refusal(code: object) -> None:
    """Raises ``bad_refusal`` for what is no code of chat/1."""
    check_texts(code=code)
    if code not in REFUSALS:
        raise ChinwagError(
            f"no refusal is called {code!r}: give one of {', '.join(REFUSALS)}", "bad_refusal"
        )


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


def check_whole(name: str, value: Any, least: int, most: int, code: str) -> int:
    """The number as an int. Raises ``TypeError`` for what is no whole number, and ``code`` for one
    that is out of bounds."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} is an int, not {type_of(value)}")
    whole = int(value)
    if not least <= whole <= most:
        shown = str(whole) if whole.bit_length() <= 64 else "far out of bounds"
        raise ChinwagError(f"{name} is {shown}: give one from {least:,} to {most:,}", code)
    return whole


def check_seconds(name: str, value: Any, least: float, most: float, code: str) -> float:
    """The number as a float. Raises ``TypeError`` for what is no number, and ``code`` for NaN and
    for one that is out of bounds."""
    seconds = read_number(name, value)
    if not least <= seconds <= most:  # nor is NaN
        raise ChinwagError(f"{name} is {seconds}: give seconds from {least:g} to {most:,g}", code)
    return seconds


def read_number(name: str, value: Any) -> float:
    """The number as a float, infinite if no float is so large; ``TypeError`` for what is none."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} is a number of seconds, not {type_of(value)}")
    try:
        return float(value)
    except OverflowError:
        return math.inf if value == abs(value) else -math.inf


def check_deadline(value: Any, name: str = "the deadline") -> float:
    """The seconds as a float; infinity is a deadline that never comes. Raises ``TypeError`` for
    what is no number, and ``bad_deadline`` for a negative one or NaN."""
    deadline_s = read_number(name, value)
    if math.isnan(deadline_s) or deadline_s < 0:
        raise ChinwagError(
            f"{name} is {deadline_s}: give seconds from 0 on, or math.inf for none",
            "bad_deadline",
        )
    return deadline_s


def check_close_code(code: Any) -> int:
    """The code as an int. Raises ``TypeError`` for what is none; which codes may be sent is the
    core's to say, as far as they are codes at all: ``bad_close_code``."""
    return check_whole("code", code, 0, CLOSE_CODE_MAX, "bad_close_code")


def to_ms(deadline_s: float) -> int:
    """Whole milliseconds, as the core takes them."""
    return int(min(deadline_s * 1000, DEADLINE_MS_MAX))

"""The options of a server: their names for type checkers, and their values as the core reads
them, which checks both."""

from __future__ import annotations

import numbers
from typing import Any, Literal, TypedDict

from chinwag.errors import ChinwagError
from chinwag.texts import type_of

# The core's numbers have 64 bits.
WHOLE_MAX = 2**64 - 1


class Options(TypedDict, total=False):
    """``chinwagd``'s options by name, the unit in the name; ``chinwagd --help`` says what each does
    and gives its bounds."""

    host: str
    port: int
    workers: int
    allowed_origins: str
    serve_health: bool
    serve_metrics: bool
    ping_interval_ms: int
    idle_timeout_ms: int
    handshake_timeout_ms: int
    stall_timeout_ms: int
    close_timeout_ms: int
    close_total_timeout_ms: int
    pending_bytes_max: int
    slow_consumer: Literal["close", "skip"]
    rooms_per_connection_max: int
    header_bytes_max: int
    http_requests_per_connection_max: int
    connections_max: int
    connections_per_user_max: int
    connections_per_address_max: int
    rooms_max: int
    memory_bytes_max: int
    requests_per_second_max: int
    fanout_bytes_per_second_max: int
    undecided_bytes_max: int
    calls_bytes_max: int
    echo: bool
    echo_bytes_max: int
    read_bytes_per_turn: int
    accepts_per_turn: int
    sends_per_room_turn: int
    turn_us: int
    room_backlog_bytes_max: int
    hold_back_ms: int
    listen_backlog: int


def plain_options(given: dict[str, Any]) -> dict[str, str | int | float | bool]:
    """The options with values that the core can be told. Raises ``TypeError`` for one that is no
    text, number or truth value, and ``bad_option_value`` or ``unknown_option`` for what it could
    not read."""
    plain = {}
    for name, value in given.items():
        check_utf8(name, f"the option {name!r}", "unknown_option")
        plain[name] = plain_value(name, value)
    return plain


def plain_value(name: str, value: object) -> str | int | float | bool:
    """One value, without what subclasses such as enumerations make of it."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        check_utf8(value, name, "bad_option_value")
        return str.__str__(value)
    if isinstance(value, numbers.Integral):
        whole = int(value)
        if abs(whole) > WHOLE_MAX:
            raise ChinwagError(f"{name} is far out of bounds", "bad_option_value")
        return whole
    if isinstance(value, numbers.Real):
        return float(value)
    raise TypeError(f"{name} is a str, an int or a bool, not {type_of(value)}")


def check_utf8(text: str, what: str, code: str) -> None:
    """Raises what UTF-8 can't carry."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ChinwagError(f"{what} has half of a surrogate pair at {error.start}", code) from None

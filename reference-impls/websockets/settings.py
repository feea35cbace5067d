"""Settings, from the environment."""

import os
import sys
from typing import NamedTuple

PORT_MAX = 65_535
BACKLOG_MAX = 65_535
TIMER_MAX_MS = 2**31 - 1
DIGITS_MAX = 20


class Settings(NamedTuple):
    host: str
    port: int
    backlog: int
    ping_interval_s: float
    idle_timeout_s: float

    @classmethod
    def from_environment(cls) -> "Settings":
        return cls(
            host=os.environ.get("CHAT_HOST") or "127.0.0.1",
            port=_number("CHAT_PORT", 4000, PORT_MAX),
            backlog=_number("CHAT_BACKLOG", 4096, BACKLOG_MAX),
            ping_interval_s=_number("CHAT_PING_INTERVAL_MS", 30_000, TIMER_MAX_MS) / 1000,
            idle_timeout_s=_number("CHAT_IDLE_TIMEOUT_MS", 60_000, TIMER_MAX_MS) / 1000,
        )


def _number(name: str, fallback: int, most: int) -> int:
    text = os.environ.get(name, str(fallback))
    # No more digits than there can be: Python refuses to read thousands of them.
    if text.isascii() and text.isdecimal() and len(text) <= DIGITS_MAX and 1 <= int(text) <= most:
        return int(text)
    sys.exit(f"{name} is {text!r}: give a whole number from 1 to {most}")

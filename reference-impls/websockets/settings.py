"""Settings, from the environment."""

import os
import sys
from typing import NamedTuple


class Settings(NamedTuple):
    host: str
    port: int
    ping_interval_s: float
    idle_timeout_s: float

    @classmethod
    def from_environment(cls) -> "Settings":
        return cls(
            host=os.environ.get("CHAT_HOST") or "127.0.0.1",
            port=_number("CHAT_PORT", 4000),
            ping_interval_s=_number("CHAT_PING_INTERVAL_MS", 30_000) / 1000,
            idle_timeout_s=_number("CHAT_IDLE_TIMEOUT_MS", 60_000) / 1000,
        )


def _number(name: str, fallback: int) -> int:
    text = os.environ.get(name) or str(fallback)
    if not text.isdecimal() or int(text) < 1:
        sys.exit(f"{name} is {text!r}: give a whole number above 0")
    return int(text)

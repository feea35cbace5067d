"""Settings, from the environment."""

import os
import sys
from typing import NamedTuple

PORT_MAX = 65_535
BACKLOG_MAX = 65_535


class Settings(NamedTuple):
    host: str
    port: int
    health_host: str
    ping_interval_s: int
    idle_timeout_s: float
    backlog: int

    @classmethod
    def from_environment(cls) -> "Settings":
        ping_interval_s = -(-_number("CHAT_PING_INTERVAL_MS", 30_000) // 1000)
        return cls(
            host=os.environ.get("CHAT_HOST") or "127.0.0.1",
            port=_number("CHAT_PORT", 4000, PORT_MAX),
            health_host=os.environ.get("WSE_HEALTH_HOST") or "127.0.0.9",
            # The library counts in whole seconds: never fewer than were asked for.
            ping_interval_s=ping_interval_s,
            idle_timeout_s=_number("CHAT_IDLE_TIMEOUT_MS", 60_000) / 1000,
            backlog=_number("CHAT_BACKLOG", 4096, BACKLOG_MAX),
        )


def _number(name: str, fallback: int, most: int | None = None) -> int:
    text = os.environ.get(name) or str(fallback)
    number = int(text) if text.isascii() and text.isdecimal() else 0
    if number < 1 or (most is not None and number > most):
        bounds = "above 0" if most is None else f"from 1 to {most}"
        sys.exit(f"{name} is {text!r}: give a whole number {bounds}")
    return number

"""Settings, from the environment."""

import os
import sys
from typing import NamedTuple

PORT_MAX = 65_535
BACKLOG_MAX = 65_535


class Settings(NamedTuple):
    host: str
    port: int
    backlog: int
    reuse_port: bool
    """Another process may listen on the port as well."""
    ping_interval_s: float
    idle_timeout_s: float

    @classmethod
    def from_environment(cls) -> "Settings":
        return cls(
            host=os.environ.get("CHAT_HOST") or "127.0.0.1",
            port=_number("CHAT_PORT", 4000, PORT_MAX),
            backlog=_number("CHAT_BACKLOG", 4096, BACKLOG_MAX),
            reuse_port=os.environ.get("CHAT_REUSE_PORT") == "1",
            ping_interval_s=_number("CHAT_PING_INTERVAL_MS", 30_000) / 1000,
            idle_timeout_s=_number("CHAT_IDLE_TIMEOUT_MS", 60_000) / 1000,
        )


def _number(name: str, fallback: int, most: int | None = None) -> int:
    text = os.environ.get(name) or str(fallback)
    if text.isdecimal() and int(text) >= 1 and (most is None or int(text) <= most):
        return int(text)
    within = "above 0" if most is None else f"from 1 to {most}"
    sys.exit(f"{name} is {text!r}: give a whole number {within}")

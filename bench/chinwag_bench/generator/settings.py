"""What the driver is asked for, and what it answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

Event = dict[str, Any]


class GeneratorSettings(msgspec.Struct, kw_only=True):
    """How to start the generator. It sends to ``port`` on ``host`` and nowhere else, by the
    manifest's ``transport``.
    """

    binary: Path
    profile: Path
    host: str = "127.0.0.1"
    port: int
    transport: str = "websocket"
    connections: int
    """How many are planned; more may be asked for later."""
    room_size: int = 1
    """The profile's. A room's members are never split between two processes."""
    open_files: int | None = None
    """What one process of it may open; ``None``: what this one may."""
    sources: int = 0
    """Loopback addresses that take turns as the connections' source; 0 leaves it to the generator.
    """
    seed: int
    cores: list[int] = []
    log: Path


class HoldRequest(msgspec.Struct, kw_only=True):
    """One steady load: messages a second, then seconds of warm-up, measured hold and drain."""

    rate: float
    warmup_s: float
    hold_s: float
    drain_s: float
    label: str
    hdr: Path | None = None

    @property
    def seconds(self) -> float:
        return self.warmup_s + self.hold_s + self.drain_s

    def command(self) -> Event:
        plain = {key: getattr(self, key) for key in self.__struct_fields__}
        return {"do": "hold"} | plain | {"hdr": str(self.hdr) if self.hdr else None}


class Connected(msgspec.Struct):
    connections: int
    refused: int = 0
    seconds: float = 0.0


class Rejoined(msgspec.Struct):
    """How a storm went: everyone's connection ended at once and came back at once."""

    connections: int
    """That were ended."""
    joined: int
    """In their rooms again."""
    refused: int
    """Not in their rooms again when the time was over, whatever the server answered."""
    reason: str
    """Of the first refusal."""
    total_s: float
    """From the first end until the last one was back or refused."""
    rejoin_ms: dict[str, float]
    """Keys: mean, p50, p99, max. Of who is back, each from its own end."""
    generator_cpu: float
    """Share of one core, 0 to 1 for each generator process."""

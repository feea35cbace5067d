"""The times of a hold, as run profiles write them."""

from __future__ import annotations

import msgspec


class HoldSeconds(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The parts of one hold, in seconds."""

    warmup_s: float
    hold_s: float
    drain_s: float

    @property
    def seconds(self) -> float:
        return self.warmup_s + self.hold_s + self.drain_s

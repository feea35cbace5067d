"""Which rate to hold next, so that the highest rate within each of some p99 is known to a step."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec

from chinwag_bench.metrics.staircase import STEP

_BELOW = 4.0
"""Where no rate is within a limit yet, the lowest divided by this is taken to be."""


class Seen(msgspec.Struct, frozen=True):
    """One hold: what it offered, and the p99 at it; infinite where it was not sustained."""

    deliveries_per_s: float
    p99_ms: float


def next_rate(seen: Sequence[Seen], p99_limits_ms: Sequence[float], floor: float) -> float | None:
    """The geometric middle of the widest gap between the highest rate within a limit and the next
    one above it; ``None`` when none is wider than a step, or when it lies below ``floor``.
    """
    gaps = [gap for limit_ms in p99_limits_ms for gap in _gaps(seen, limit_ms)]
    wide = [(high / low, math.sqrt(low * high)) for low, high in gaps]
    wide = [(ratio, rate) for ratio, rate in wide if ratio > STEP and rate >= floor]
    return max(wide)[1] if wide else None


def _gaps(seen: Sequence[Seen], limit_ms: float) -> Iterator[tuple[float, float]]:
    within = [one.deliveries_per_s for one in seen if one.p99_ms <= limit_ms]
    low = max(within, default=0.0)
    above = [one.deliveries_per_s for one in seen if one.deliveries_per_s > low]
    if above:
        yield low or min(above) / _BELOW, min(above)

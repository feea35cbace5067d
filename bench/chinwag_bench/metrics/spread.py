"""Which rate to hold next, so that the highest rate within each of some p99 is known to a step."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from chinwag_bench.metrics.staircase import FINE, STEP

_BELOW = 4.0
"""Where no rate is within a limit yet, the lowest divided by this is taken to be."""


class Seen(msgspec.Struct, frozen=True):
    """One hold: what it offered, and the p99 at it; infinite where it was not sustained."""

    deliveries_per_s: float
    p99_ms: float
    is_long: bool = True
    """Long enough to show that a limit is kept."""


class _Gap(msgspec.Struct, frozen=True):
    """Of one limit: the highest rate within it, 0 where none is, and the next one above."""

    low: float
    high: float


def next_rate(
    seen: Sequence[Seen],
    p99_limits_ms: Sequence[float],
    floor: float,
    before: Sequence[Seen] = (),
) -> float | None:
    """A rate within the widest gap between the highest rate within a limit and the next one above
    it; ``None`` when no gap is wider than a step, or when the rate lies below ``floor``.

    It is the gap's geometric middle. Where earlier rounds (``before``) know a limit's two sides,
    those are held first: a round of its own is to look on both.
    """
    found = [_within(seen, before, limit_ms) for limit_ms in p99_limits_ms]
    wide = [one for one in found if one is not None and one[0] > STEP and one[1] >= floor]
    return max(wide)[1] if wide else None


def _within(
    seen: Sequence[Seen], before: Sequence[Seen], limit_ms: float
) -> tuple[float, float] | None:
    """How wide the limit's gap is, and the rate to hold next."""
    gap, known = _gap(seen, limit_ms), _gap(before, limit_ms)
    if gap is None:
        return None
    low = gap.low or gap.high / _BELOW
    if known is not None and not gap.low and 0 < known.low < gap.high:
        return gap.high / min(known.low, low), known.low / FINE
    width = gap.high / low
    if known is not None and gap.low * STEP < known.high < gap.high / STEP:
        return width, known.high
    return width, math.sqrt(low * gap.high)


def _gap(seen: Sequence[Seen], limit_ms: float) -> _Gap | None:
    within = [one.deliveries_per_s for one in seen if one.is_long and one.p99_ms <= limit_ms]
    low = max(within, default=0.0)
    # A short hold tells what is too much, never what is not.
    above = [
        one.deliveries_per_s
        for one in seen
        if one.deliveries_per_s > low and (one.is_long or one.p99_ms > limit_ms)
    ]
    return _Gap(low, min(above)) if above else None

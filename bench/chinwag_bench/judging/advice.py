"""Whether a server is enough for a load, from its holds alone.

The rates are those of the matrix's rows for a p99, for any p99: over the rounds, the highest rate
that was kept and the lowest above it that was not. Nothing is known of what lies between. The
page's form looks the same up in the same table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from chinwag_bench.judging.matrix import RatePoint
from chinwag_bench.judging.rate_points import Rung, highest_rate, ladder
from chinwag_bench.judging.searches import breaks

Kind = Literal["enough", "if_it_scales", "not_enough", "unknown"]


@dataclass(frozen=True)
class Known:
    """Of one column: deliveries a second within a p99."""

    carried: float | None
    """``None`` where no rate was."""
    refused: float | None
    """``None`` where nothing above it failed."""
    seen: float
    """The highest that any hold kept, however short, and whatever a longer one said."""


@dataclass(frozen=True)
class Answer:
    kind: Kind
    known: Known
    cores: int | None
    """How many it takes if each further core carries as much as the measured ones; ``None`` where
    nothing was carried."""


def known_within(points: Sequence[RatePoint], p99_ms: float) -> Known:
    """What one column's holds say of a p99."""
    return _known(points, ladder(points), p99_ms)


def _known(points: Sequence[RatePoint], rungs: Sequence[Rung], p99_ms: float) -> Known:
    kept = [one.deliveries_per_s for one in points if one.kept and one.p99_ms[1] <= p99_ms]
    seen = max(kept, default=0.0)
    found = highest_rate(rungs, p99_ms)
    if found is None:
        broken = [one.deliveries_per_s for one in points if breaks(one, p99_ms)]
        return Known(None, min(broken, default=None), seen)
    return Known(found.low, None if math.isinf(found.reach) else found.reach, seen)


def table(points: Sequence[RatePoint]) -> list[tuple[float, Known]]:
    """``known_within`` for every p99: each entry counts from its p99 (ms) up to the next one's."""
    limits = sorted({0.0, *(side for one in points for side in one.p99_ms if math.isfinite(side))})
    rungs = ladder(points)
    found: list[tuple[float, Known]] = []
    for limit_ms in limits:
        known = _known(points, rungs, limit_ms)
        if not found or found[-1][1] != known:
            found.append((limit_ms, known))
    return found


def advise(
    points: Sequence[RatePoint],
    deliveries_per_s: float,
    p99_ms: float,
    *,
    cores: int,
    measured_cores: int = 1,
    one_thread: bool = False,
) -> Answer:
    """Answers for one column's holds. ``cores`` is how many the server may use; ``one_thread`` says
    that further cores are of no use to it.
    """
    known = known_within(points, p99_ms)
    needed = None if known.carried is None else _cores(deliveries_per_s, known, measured_cores)
    if deliveries_per_s <= (known.carried or 0.0) and measured_cores <= cores:
        return Answer("enough", known, needed)
    if not one_thread and needed is not None and needed <= cores:
        return Answer("if_it_scales", known, needed)
    usable = measured_cores if one_thread else cores
    scale = max(1.0, usable / measured_cores)
    refused = math.inf if known.refused is None else known.refused
    if deliveries_per_s >= scale * refused and deliveries_per_s > scale * known.seen:
        return Answer("not_enough", known, needed)
    return Answer("unknown", known, needed)


def _cores(deliveries_per_s: float, known: Known, measured_cores: int) -> int:
    assert known.carried is not None
    return max(1, math.ceil(deliveries_per_s * measured_cores / known.carried))

"""Whether a server is enough for a load, from its holds alone.

A hold that kept the rate within the p99 shows that it can be done; one above it that the server did
not keep shows that it can't; nothing is known of what lies between. The page's form looks the same
up in the same holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from chinwag_bench.judging.matrix import RatePoint
from chinwag_bench.judging.rate_points import breaks, keeps

Kind = Literal["enough", "if_it_scales", "not_enough", "unknown"]


@dataclass(frozen=True)
class Answer:
    """``carried`` and ``refused`` are the holds that it rests on; ``None`` where there is none."""

    kind: Kind
    carried: RatePoint | None
    refused: RatePoint | None
    cores: int | None
    """How many it takes if each further core carries as much as the measured ones; ``None`` where
    nothing was carried."""


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
    carried = _highest([one for one in points if keeps(one, p99_ms)])
    floor = 0.0 if carried is None else carried.deliveries_per_s
    refused = _lowest([o for o in points if breaks(o, p99_ms) and o.deliveries_per_s > floor])
    needed = None if carried is None else _cores(deliveries_per_s, carried, measured_cores)
    if deliveries_per_s <= floor and measured_cores <= cores:
        return Answer("enough", carried, refused, needed)
    if not one_thread and needed is not None and needed <= cores:
        return Answer("if_it_scales", carried, refused, needed)
    usable = measured_cores if one_thread else cores
    if refused is not None:
        limit = refused.deliveries_per_s * max(1.0, usable / measured_cores)
        if deliveries_per_s >= limit:
            return Answer("not_enough", carried, refused, needed)
    return Answer("unknown", carried, refused, needed)


def _cores(deliveries_per_s: float, point: RatePoint, measured_cores: int) -> int:
    return max(1, math.ceil(deliveries_per_s * measured_cores / point.deliveries_per_s))


def _highest(points: Sequence[RatePoint]) -> RatePoint | None:
    return max(points, key=lambda one: one.deliveries_per_s, default=None)


def _lowest(points: Sequence[RatePoint]) -> RatePoint | None:
    return min(points, key=lambda one: one.deliveries_per_s, default=None)

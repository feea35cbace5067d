"""What a server will show on the measured machine at a load that was not measured.

CPU per delivery and p99 lie between those of the holds next below and next above the rate, and as
far beside them as one server is from itself; beyond the highest hold nothing is said. Connections
that do not speak add what they were seen to take.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chinwag_bench.claims.quantity import Quantity, exactly
from chinwag_bench.deciding.facts import Facts
from chinwag_bench.deciding.memory import memory_mb
from chinwag_bench.judging.matrix import RatePoint
from chinwag_bench.judging.row import PER_CONNECTIONS


@dataclass(frozen=True)
class Forecast:
    """``None`` where the holds don't reach so far, or a part was not measured."""

    cores: Quantity | None
    """Busy ones."""
    p99_ms: Quantity | None
    memory_mb: Quantity | None


def forecast(facts: Facts, connections: float, deliveries_per_s: float) -> Forecast:
    """Of one server, on the cores that it was measured on."""
    points = [
        one for one in facts.rate_points if one.kept and not one.only_seen and not one.by_generator
    ]
    cost = _beside(points, deliveries_per_s, lambda one: (one.cpu_us_per_delivery,) * 2)
    cost = _apart(cost, facts.values.apart("common_cpu_per_delivery"))
    p99_ms = _beside(points, deliveries_per_s, lambda one: one.p99_ms)
    return Forecast(
        _cores(facts, cost, connections, deliveries_per_s),
        _apart(p99_ms, facts.values.apart("common_p99")),
        memory_mb(facts, connections),
    )


def _apart(found: Quantity | None, factor: float) -> Quantity | None:
    return None if found is None else Quantity(found.low / factor, found.high * factor)


def _cores(
    facts: Facts, cost_us: Quantity | None, connections: float, deliveries_per_s: float
) -> Quantity | None:
    idle = facts.of("cpu_at_n")
    if cost_us is None or idle is None:
        return None
    measured_on = facts.measured_cores
    silent = idle.sides * exactly(measured_on / 100 * connections / PER_CONNECTIONS)
    busy = cost_us * exactly(deliveries_per_s / 1e6)
    # Some of those who speak cost nothing besides: what silent ones take is at most on top.
    return Quantity(busy.low, busy.high + silent.high)


Sides = tuple[float | None, float | None]


def _beside(
    points: Sequence[RatePoint], rate: float, sides: Callable[[RatePoint], Sides]
) -> Quantity | None:
    """From the lowest to the highest of the holds at the nearest rate on each side, each round's
    own; ``None`` without one on both sides.
    """
    below = [one.deliveries_per_s for one in points if one.deliveries_per_s <= rate]
    above = [one.deliveries_per_s for one in points if one.deliveries_per_s >= rate]
    if not below or not above:
        return None
    low, high = max(below) * (1 - _SAME), min(above) * (1 + _SAME)
    near = [sides(one) for one in points if low <= one.deliveries_per_s <= high]
    lows = [side[0] for side in near if side[0] is not None]
    highs = [side[1] for side in near if side[1] is not None]
    if not lows or not highs or not math.isfinite(max(highs)):
        return None
    return Quantity(min(lows), max(highs))


_SAME = 0.07
"""Rates of different rounds that are so near to each other are one rate."""

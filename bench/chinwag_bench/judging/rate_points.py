"""Delay over rate: every hold of the throughput's load, of all rounds, and what it says of the
highest rate that keeps a given p99.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chinwag_bench.judging.bounds import Bounds, of_latency
from chinwag_bench.judging.evidence import Evidence, kept
from chinwag_bench.judging.generator_limits import generator_limits
from chinwag_bench.judging.matrix import RatePoint
from chinwag_bench.judging.sustained import (
    SustainedLimits,
    find_failure,
    highest_unrefuted,
    limits_of,
    offered_deliveries_per_s,
)
from chinwag_bench.metrics.staircase import STEP
from chinwag_bench.records import Hold, Latency, Run, Step, Throughput

P99_LIMITS_MS = (10.0, 100.0)
"""Besides the one that "sustained" has."""
NEAR = STEP**2
"""A rate is found where the next one that failed is no further above it."""
HIGHER = 1.001
"""Rates of a search lie further apart than that; two holds of one differ by rounding."""
SAME = 1.02
"""Two holds of one rate differ by what their last messages happened to be."""
LONG_ENOUGH_S = 1.0
"""In a shorter hold one moment's delay looks like a growing one."""
BRACKET = 4.0
"""A round whose rates jump further than this over the limit was not looking for it."""


@dataclass(frozen=True)
class Rules:
    """By what a run's holds are judged."""

    limits: SustainedLimits
    generator_cores: int


def rules_of(run: Run) -> Rules:
    """Those of the run's plan, or the defaults."""
    return Rules(limits_of(run.plan), max(1, len(run.plan.get("generator_cores", []))))


def all_points(evidence: Evidence) -> list[RatePoint]:
    """The holds of every column, in the order of columns and rates."""
    found = []
    for column in evidence.run.columns:
        found += sorted(of_column(evidence, column.id), key=lambda one: one.deliveries_per_s)
    return found


def of_column(evidence: Evidence, column: str) -> Iterator[RatePoint]:
    """The holds of one column's kept records, in the order of measuring."""
    rules = rules_of(evidence.run)
    for record in kept(evidence.of("throughput", column)):
        assert isinstance(record, Throughput)
        for step in steps_of(record):
            yield _point(column, record.round, step, rules)
    for point in ("common", "half"):
        for record in kept(evidence.of(point, column)):
            if isinstance(record, Latency) and record.step is not None:
                yield _point(column, record.round, record.step, rules)


def steps_of(record: Throughput) -> list[Step]:
    """All steps of a search but for warm-ups, its result among them once."""
    extra = [record.best] if record.best is not None and record.best not in record.steps else []
    return [step for step in [*record.steps, *extra] if step.kind != "warm-up"]


def _point(column: str, index: int, step: Step, rules: Rules) -> RatePoint:
    hold, failure = step.hold, find_failure(step.hold, rules.limits)
    p99 = of_latency(hold, "p99") or Bounds(0.0, math.inf)
    return RatePoint(
        column=column,
        round=index,
        deliveries_per_s=offered_deliveries_per_s(hold),
        p50_ms=hold.latency_ms.get("p50", 0.0),
        p99_ms=(p99.low, p99.high),
        kept=failure is None,
        by_server=failure is not None
        and failure.kind != "generator"
        and not (failure.perhaps_a_burst and hold.hold_s < LONG_ENOUGH_S)
        and not is_limited(hold, rules),
        messages=hold.sent,
        hold_s=hold.hold_s,
        cpu_us_per_delivery=step.cpu_us_per_delivery,
    )


def is_limited(hold: Hold, rules: Rules) -> bool:
    """Whether the generator held the hold back."""
    return bool(generator_limits(hold, rules.generator_cores))


def keeps(point: RatePoint, limit_ms: float) -> bool:
    """Whether the hold shows that the rate can be had within the limit."""
    return point.kept and point.p99_ms[1] <= limit_ms


def breaks(point: RatePoint, limit_ms: float) -> bool:
    """Whether the hold shows that the server did not keep the limit at this rate."""
    return point.by_server or (point.kept and point.p99_ms[0] > limit_ms)


def is_refuted(point: RatePoint, others: Sequence[RatePoint], limit_ms: float) -> bool:
    """Whether a hold of the same round, as long and at no higher a rate, broke the limit."""
    return any(
        breaks(other, limit_ms)
        and other.round == point.round
        and other.hold_s >= point.hold_s
        and other.deliveries_per_s <= point.deliveries_per_s * SAME
        for other in others
    )


def bracket(points: Sequence[RatePoint], limit_ms: float) -> Bounds | None:
    """The highest rate that was kept within the limit, and the lowest above it that was not.
    ``None`` where none was kept.
    """
    held = [
        one.deliveries_per_s
        for one in points
        if keeps(one, limit_ms) and not is_refuted(one, points, limit_ms)
    ]
    if not held:
        return None
    low = max(held)
    above = [
        one.deliveries_per_s
        for one in points
        if breaks(one, limit_ms) and one.deliveries_per_s > low
    ]
    if not above:
        return Bounds(low, math.inf)
    return _up_to(low, low, min(above))


def highest_rates(points: Sequence[RatePoint], limit_ms: float) -> dict[int, Bounds]:
    """By round, from those rounds that looked on both sides of the limit; where none did, one
    bracket over the holds of all rounds, as round 0.
    """
    by_round: dict[int, list[RatePoint]] = {}
    for point in points:
        by_round.setdefault(point.round, []).append(point)
    found = {}
    for index, own in sorted(by_round.items()):
        between = bracket(own, limit_ms)
        if between is not None and between.high <= BRACKET * between.low:
            found[index] = between
    pooled = None if found else bracket(points, limit_ms)
    return found if pooled is None else {0: pooled}


def result_of(record: Throughput, rules: Rules) -> Step | None:
    """The hold that a search's result rests on: the one that it confirmed, if that was sustained by
    these rules; else the highest rate that a hold kept and no hold as long refuted.
    """

    def is_kept(step: Step) -> bool:
        return find_failure(step.hold, rules.limits) is None

    if record.best is not None and is_kept(record.best):
        return record.best
    return highest_unrefuted(steps_of(record), is_kept, SAME)


def of_search(record: Throughput, rules: Rules) -> Bounds | None:
    """What a search says of the highest sustained rate, in deliveries per second as delivered.

    Its result is the low side. The high side is the lowest rate above it that the server failed at.
    """
    points = [_point(record.column, record.round, step, rules) for step in steps_of(record)]
    result = result_of(record, rules)
    if result is None:
        return None
    low, at = result.hold.deliveries_per_s, offered_deliveries_per_s(result.hold)
    above = [
        one.deliveries_per_s
        for one in points
        if breaks(one, rules.limits.p99_ms_max) and one.deliveries_per_s > at * HIGHER
    ]
    if not above or is_limited(result.hold, rules):
        return Bounds(low, math.inf)
    return _up_to(low, at, min(above))


def _up_to(low: float, at: float, failed_at: float) -> Bounds:
    """``low`` was reached by an offer of ``at``; the next step that failed leaves it as it is."""
    end = max(low, failed_at)
    return Bounds(low, low, end) if failed_at <= at * NEAR else Bounds(low, end)

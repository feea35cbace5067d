"""What a search for the highest rate found, by the rules of its run, and what each of its holds
says of a limit on the delay.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from chinwag_bench.judging.bounds import Bounds, of_latency
from chinwag_bench.judging.matrix import RatePoint
from chinwag_bench.judging.rules import Rules
from chinwag_bench.judging.sustained import offered_deliveries_per_s
from chinwag_bench.metrics.staircase import STEP
from chinwag_bench.records import Searched, Step

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


def steps_of(record: Searched) -> list[Step]:
    """All steps of a search that say something of a rate, its result among them once."""
    return [step for step in [*record.steps, *kept_apart(record)] if is_of_rate(step)]


def is_of_rate(step: Step) -> bool:
    """Not a warm-up, on a cold server; nor the hold that is read whole: of one whose generator has
    several times the work of the others it would be unlike them in its delays.
    """
    return step.kind not in ("warm-up", "whole")


def kept_apart(record: Searched) -> list[Step]:
    """The result of a search where it is none of its steps."""
    return [record.best] if record.best is not None and record.best not in record.steps else []


def point_of(column: str, index: int, step: Step, rules: Rules) -> RatePoint:
    hold, failure = step.hold, rules.failure(step)
    p99 = of_latency(hold, "p99") or Bounds(0.0, math.inf)
    # A generator that is the limit lets a server wait, too: nothing of the delay is surely its own.
    certain_ms = 0.0 if rules.is_limited(step) else p99.low
    return RatePoint(
        column=column,
        round=index,
        deliveries_per_s=offered_deliveries_per_s(hold),
        p50_ms=hold.latency_ms.get("p50", 0.0),
        p99_ms=(certain_ms, p99.high),
        kept=failure is None,
        by_server=failure is not None
        and failure.kind != "generator"
        and not (failure.perhaps_a_burst and hold.hold_s < LONG_ENOUGH_S)
        and not rules.is_limited(step),
        delivered_per_s=min(hold.deliveries_per_s, offered_deliveries_per_s(hold)),
        by_generator=rules.is_limited(step),
        messages=hold.sent,
        hold_s=hold.hold_s,
        cpu_us_per_delivery=step.cpu_us_per_delivery,
    )


def keeps(point: RatePoint, limit_ms: float) -> bool:
    """Whether the hold shows that the rate can be had within the limit. A short one doesn't."""
    is_evidence = point.hold_s >= LONG_ENOUGH_S and not (point.only_seen or point.beyond_result)
    return is_evidence and point.kept and point.p99_ms[1] <= limit_ms


def breaks(point: RatePoint, limit_ms: float) -> bool:
    """Whether the hold shows that the server did not keep the limit at this rate."""
    is_late = point.kept and not point.only_seen and point.p99_ms[0] > limit_ms
    return point.by_server or is_late


def is_refuted(point: RatePoint, others: Sequence[RatePoint], limit_ms: float) -> bool:
    """Whether a hold of the same round, as long and at no higher a rate, broke the limit."""
    return any(
        breaks(other, limit_ms)
        and other.round == point.round
        and other.hold_s >= point.hold_s
        and other.deliveries_per_s <= point.deliveries_per_s * SAME
        for other in others
    )


def highest_unrefuted(steps: Sequence[Step], rules: Rules) -> Step | None:
    """Of one search's steps that were kept, the one of the highest rate that is not refuted;
    ``None`` without one. A hold that the load generator spoilt refutes nothing, nor does a warm-up:
    what a server carries while it is cold it can carry, but not the other way round.
    """
    made = [(point_of("", 0, step, rules), step) for step in steps if step.kind != "whole"]
    points = [point for point, step in made if is_of_rate(step)]
    good = [
        (point.deliveries_per_s, step)
        for point, step in made
        if point.kept and not is_refuted(point, points, rules.limits.p99_ms_max)
    ]
    return max(good, key=lambda pair: pair[0])[1] if good else None


def has_no_result(record: Searched, rules: Rules) -> bool:
    """Whether the hold that was read whole takes away what the others have found: those counted
    most deliveries by length.
    """
    return any(step.kind == "whole" and rules.is_not_whole(step) for step in record.steps)


def result_of(record: Searched, rules: Rules) -> Step | None:
    """The hold that a search's result rests on: the one that it confirmed, if that was sustained by
    these rules; else ``highest_unrefuted`` of its steps. ``None`` where it ``has_no_result``.
    """
    if has_no_result(record, rules):
        return None
    best = record.best
    if best is not None and record.reason is None and rules.failure(best) is None:
        return best
    # With a reason beside it, the stored one is what the search chose without a confirmation, by
    # the rules of its day. Only a warm-up, which is none of ``steps_of``, stands for itself; a hold
    # refutes it as any other step.
    cold = [best] if best is not None and best.kind == "warm-up" else []
    return highest_unrefuted([*steps_of(record), *cold], rules)


def of_search(record: Searched, rules: Rules) -> Bounds | None:
    """What a search says of the highest sustained rate, in deliveries per second as delivered.

    Its result is the low side. The high side is the lowest rate above it that the server failed at.
    """
    result = result_of(record, rules)
    if result is None:
        return None
    low, at = result.hold.deliveries_per_s, offered_deliveries_per_s(result.hold)
    failed = failed_above(record, result, rules)
    if failed is None:
        return Bounds(low, math.inf)
    return up_to(low, at, offered_deliveries_per_s(failed.hold))


def failed_above(record: Searched, result: Step | None, rules: Rules) -> Step | None:
    """Of the steps at a higher rate than the result's that the server failed at, the lowest;
    without a result, of all."""
    failed = [
        step
        for step in _above(record, result)
        if breaks(point_of("", 0, step, rules), rules.limits.p99_ms_max)
    ]
    return min(failed, key=lambda step: offered_deliveries_per_s(step.hold), default=None)


def _above(record: Searched, result: Step | None) -> list[Step]:
    """The steps at a higher rate than the result's; without one all, and what was tried first."""
    if result is None:
        return record.steps
    at = offered_deliveries_per_s(result.hold) * HIGHER
    return [step for step in steps_of(record) if offered_deliveries_per_s(step.hold) > at]


def ended_by(record: Searched, rules: Rules) -> str | None:
    """A word for what ended the search, as ``Limited.limited_by``. What a server met is judged
    anew, as its limits and the generator's are a matter of the rules; "unclear" where a failure
    ended it that shows nothing, such as a burst in a short hold.
    """
    result = result_of(record, rules)
    if record.stopped_by is None and (result is None or not record.steps):
        return record.limited_by
    stop = record.stopped_by or record.limited_by
    if stop == "cap":
        return "cap"
    failed = failed_above(record, result, rules)
    if failed is not None:
        return "time" if stop == "time" else rules.met_by(failed)
    if _is_held_back(record, result, rules):
        return "generator"
    return "time" if stop == "time" else "unclear"


def _is_held_back(record: Searched, result: Step | None, rules: Rules) -> bool:
    """Whether the generator kept the search from a result, or from going above it."""
    if result is not None and rules.is_limited(result):
        return True
    if record.stopped_by is None:
        return record.limited_by == "generator"
    return any(rules.is_held_back(step) for step in _above(record, result))


def up_to(low: float, at: float, failed_at: float) -> Bounds:
    """``low`` was reached by an offer of ``at``; the next step that failed leaves it as it is."""
    end = max(low, failed_at)
    return Bounds(low, low, end) if failed_at <= at * NEAR else Bounds(low, end)

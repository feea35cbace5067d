"""Delay over rate: every hold of the throughput's load, of all rounds, and what it says of the
highest rate that keeps a given p99.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate
from operator import itemgetter

import msgspec

from chinwag_bench.judging.bounds import Bounds, medians
from chinwag_bench.judging.evidence import Evidence
from chinwag_bench.judging.matrix import RatePoint
from chinwag_bench.judging.repeats import kept
from chinwag_bench.judging.searches import (
    SAME,
    breaks,
    has_no_result,
    is_of_rate,
    is_refuted,
    keeps,
    kept_apart,
    point_of,
    result_of,
    steps_of,
    up_to,
)
from chinwag_bench.judging.sustained import offered_deliveries_per_s
from chinwag_bench.records import Paced, Record, Searched, Step

Rung = tuple[float, Bounds]
"""Of a ``ladder``: a limit on p99 in ms, and what is known from it on."""
BRACKET = 4.0
"""A round whose rates jump further than this over the limit did not look near it."""


def all_points(evidence: Evidence) -> list[RatePoint]:
    """The holds of every column, in the order of columns and rates; of warm-ups and of rounds that
    were repeated, those that kept up their rate.
    """
    found = []
    for column in evidence.run.columns:
        points = [*of_column(evidence, column.id), *_seen_besides(evidence, column.id)]
        found += sorted(points, key=lambda one: one.deliveries_per_s)
    return found


def searches_of(load: str) -> str:
    """The source of the searches: under the throughput's load, which is none in particular, or
    under one of the others.
    """
    return "load_throughput" if load else "throughput"


def of_column(evidence: Evidence, column: str, load: str = "") -> Iterator[RatePoint]:
    """The holds of one column's kept records, in the order of measuring; ``load`` as in
    ``searches_of``.
    """
    source = searches_of(load)
    rules = evidence.rules_of(column, source)
    with_result = set()
    for record in kept(evidence.of(source, column, load)):
        assert isinstance(record, Searched)
        result = result_of(record, rules)
        if result is not None:
            with_result.add(record.round)
        most = offered_deliveries_per_s(result.hold) * SAME if result else math.inf
        if has_no_result(record, rules):
            most = 0.0
        carried = result.hold.deliveries_per_s if result else math.inf
        for step in steps_of(record):
            point = point_of(column, record.round, step, rules)
            point.beyond_result = point.deliveries_per_s > most
            if point.kept and not point.beyond_result:
                # Two holds of one rate deliver a little more or less: the confirmed one counts.
                point.delivered_per_s = min(point.carried, carried)
            yield point
    for source in ("load_latency",) if load else ("common", "half"):
        for record in kept(evidence.of(source, column, load)):
            if isinstance(record, Paced) and record.step is not None:
                point = point_of(column, record.round, record.step, rules)
                # Of a round whose search has no result it is no measure of what can be had.
                point.beyond_result = record.round not in with_result
                yield point


def _seen_besides(evidence: Evidence, column: str) -> Iterator[RatePoint]:
    """What was kept while a server was still cold or every delivery was read, or in rounds that
    were disturbed and repeated: all that only makes it slower, so what it carried it can carry.
    What it did not keep says nothing.
    """
    for source in ("throughput", "common", "half"):
        rules = evidence.rules_of(column, source)
        made = evidence.of(source, column)
        used = kept(made)
        for record in made:
            is_used = any(record is one for one in used)
            for step in _steps(record):
                point = point_of(column, record.round, step, rules)
                if point.kept and not (is_used and is_of_rate(step)):
                    yield msgspec.structs.replace(point, only_seen=True)


def _steps(record: Record) -> list[Step]:
    if isinstance(record, Searched):
        return [*record.steps, *kept_apart(record)]
    return [record.step] if isinstance(record, Paced) and record.step is not None else []


def bracket(points: Sequence[RatePoint], limit_ms: float) -> Bounds | None:
    """The highest rate that was kept within the limit, as delivered, and the lowest offer above it
    that was not kept. The low side is 0 where none was kept; ``None`` where nothing is known.
    """
    held = [one for one in points if keeps(one, limit_ms) and not is_refuted(one, points, limit_ms)]
    best = max(held, key=lambda one: one.deliveries_per_s, default=None)
    offered = 0.0 if best is None else best.deliveries_per_s
    above = [
        one.deliveries_per_s
        for one in points
        if breaks(one, limit_ms) and one.deliveries_per_s > offered
    ]
    if best is None:
        return Bounds(0.0, min(above)) if above else None
    if not above:
        return Bounds(best.carried, math.inf)
    return up_to(best.carried, offered, min(above))


def with_low_side(rounds: Collection[Bounds]) -> list[Bounds]:
    """Without those that show no more than what is too much, as far as others are left: they are
    silent about the low side.
    """
    return [one for one in rounds if one.low > 0] or list(rounds)


def over_rounds(rounds: Collection[Bounds]) -> Bounds:
    """The medians of the rounds' sides; of the low one, of ``with_low_side`` alone."""
    both = medians(list(rounds))
    low = medians(with_low_side(rounds)).low
    # Rounds that kept none may say that less is too much already: then the two ends are theirs.
    return Bounds(min(low, both.high), max(low, both.high), max(low, both.reach))


def highest_rates(points: Sequence[RatePoint], limit_ms: float) -> dict[int, Bounds]:
    """By round, what it kept and what was too much; with a low side of 0 those rounds that show
    only what is too much, near to what the others kept. Where nothing was too much, what each round
    kept. Where no round looked on both sides, one bracket over the holds of all rounds, as round 0.

    A round that jumped over the limit has sides that are far apart, and counts like any other: the
    ones that happened to look near their limit may be the best ones.
    """
    by_round: dict[int, list[RatePoint]] = {}
    for point in points:
        by_round.setdefault(point.round, []).append(point)
    brackets = {index: bracket(own, limit_ms) for index, own in sorted(by_round.items())}
    known = {index: one for index, one in brackets.items() if one is not None}
    found = {index: one for index, one in known.items() if looked_near(one)}
    if known and all(math.isinf(one.high) for one in known.values()):
        return known
    if not found:
        pooled = bracket(points, limit_ms)
        return {0: pooled} if pooled is not None and pooled.low > 0 else {}
    near = BRACKET * max(one.low for one in found.values())
    return {index: one for index, one in known.items() if one.low > 0 or one.high <= near}


def ladder(points: Sequence[RatePoint]) -> list[Rung]:
    """The highest rate within every limit on p99, over the rounds: each entry counts from its limit
    (ms) up to the next one's, and below the first nothing is known.

    What is kept within a limit is kept within a looser one, and no limit makes a server faster. The
    figures over the rounds do not see to that by themselves: a round that kept nothing within a
    limit has no part in its median, and one that kept little within a looser one has.
    """
    sides = {side for one in points for side in one.p99_ms if math.isfinite(side)}
    found = [
        (limit_ms, over_rounds(rounds.values()))
        for limit_ms in (0.0, *sorted(sides), math.inf)
        if (rounds := highest_rates(points, limit_ms))
    ]
    lows = accumulate((one.low for _, one in found), max)
    ends = [*accumulate((one.reach for _, one in reversed(found)), min)][::-1]
    most = found[-1][1].low if found else 0.0
    return [
        (limit_ms, _between(one, min(low, most), end))
        for (limit_ms, one), low, end in zip(found, lows, ends, strict=True)
    ]


def highest_rate(rungs: Sequence[Rung], limit_ms: float) -> Bounds | None:
    """What a ``ladder`` says of a limit; ``None`` where no rate was kept within it."""
    index = bisect_right(rungs, limit_ms, key=itemgetter(0))
    return rungs[index - 1][1] if index else None


def _between(one: Bounds, low: float, end: float) -> Bounds:
    """``one`` from ``low`` to ``end``. Where rounds contradict each other, what was kept counts."""
    high = max(low, min(one.high, end))
    return Bounds(low, high, max(high, end))


def looked_near(one: Bounds) -> bool:
    """Whether a round looked on both sides of its limit, near to it."""
    return one.high <= BRACKET * one.low

"""Arithmetic that every record has to keep: counts add up, quotients are the quotients."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from chinwag_bench.judging.sustained import SustainedLimits, find_failure
from chinwag_bench.records import Hold, Paced, Record, Searched, Step
from chinwag_bench.validation.problem import Problem
from chinwag_bench.validation.raw_lines import RawLine

_COUNTS = (
    *("sent", "expected", "delivered", "lost", "duplicated", "reordered", "corrupted"),
    *("outstanding_after_drain", "generator_processes", "parsed"),
)
_RATES = (
    *("offered_messages_per_s", "hold_s", "messages_per_s", "deliveries_per_s"),
    *("generator_cpu", "wire_bytes_per_delivery"),
)
_CARRIED = 0.5, 2.0
"""Of a sustained hold: what arrived within it, over all of it that arrived. Both differ by what was
under way at its two ends, so they are not equal; over 2,151 stored sustained holds the quotient is
0.56 to 1.00. Beyond twice in either direction one of both was not measured. Holds that were not
sustained go from 0.38 to 28: they read what queued up before."""
_ASCENDING = ("p50", "p90", "p99", "p99_9", "max")
_RELATIVE = 1e-6
_TOP_BUCKET = 1.001
"""Percentiles are upper ends of histogram buckets, 0.1 % wide; the maximum is exact."""


def sum_problems(line: RawLine[Record], limits: SustainedLimits) -> Iterator[Problem]:
    """What is wrong with the numbers of one record. ``limits`` are those of its run."""
    for name, step in _steps(line):
        for what in [*_hold_faults(step.hold), *_step_faults(step, limits)]:
            yield line.problem(f"{name}: {what}")
    if isinstance(line.record, Searched):
        yield from map(line.problem, _best_faults(line.record))


def _best_faults(record: Searched) -> Iterator[str]:
    """The best is one of the steps, written once more: no other number may stand in it."""
    if record.best is None:
        return
    if record.best not in record.steps:
        rate, count = record.best.hold.deliveries_per_s, len(record.steps)
        yield f"best, with {rate:,.0f} deliveries/s, is none of the record's {count} steps"
    if record.cpu_us_per_delivery != record.best.cpu_us_per_delivery:
        yield "cpu_us_per_delivery is not that of best"


def _steps(line: RawLine[Record]) -> Iterator[tuple[str, Step]]:
    record = line.record
    if isinstance(record, Searched):
        yield from ((f"steps[{index}]", step) for index, step in enumerate(record.steps))
        if record.best is not None:
            yield "best", record.best
    elif isinstance(record, Paced) and record.step is not None:
        yield "step", record.step


def _hold_faults(hold: Hold) -> Iterator[str]:
    negative = [name for name in _COUNTS if (getattr(hold, name) or 0) < 0]
    if negative:
        yield f"negative counts: {', '.join(negative)}"
    impossible = [name for name in _RATES if not 0 <= getattr(hold, name) < math.inf]
    if impossible or not hold.hold_s:
        yield f"no rate or time can be so: {', '.join(impossible or ['hold_s'])}"
    if hold.delivered > hold.expected:
        yield f"{hold.delivered} delivered, but only {hold.expected} expected"
    elif hold.delivered + hold.lost != hold.expected:
        yield f"{hold.delivered} delivered + {hold.lost} lost is not {hold.expected} expected"
    if abs(hold.messages_per_s * hold.hold_s - hold.sent) > 1:
        yield f"{hold.messages_per_s:g} messages/s for {hold.hold_s:g} s is not {hold.sent} sent"
    yield from _latency_faults(hold.latency_ms)
    little = hold.little
    if little.get("predicted"):
        ratio = little["outstanding_mean"] / little["predicted"]
        if not math.isclose(ratio, little["ratio"], rel_tol=_RELATIVE):
            yield f"Little's ratio is {ratio:.6g} by its own parts, not {little['ratio']:.6g}"


def _latency_faults(latency_ms: dict[str, float]) -> Iterator[str]:
    given = [name for name in _ASCENDING if name in latency_ms]
    for lower, upper in pairwise(given):
        if latency_ms[lower] > latency_ms[upper] * _TOP_BUCKET:
            yield f"{lower} {latency_ms[lower]:g} ms is over {upper} {latency_ms[upper]:g} ms"


def _step_faults(step: Step, limits: SustainedLimits) -> Iterator[str]:
    failure = find_failure(step.hold, limits)
    carried = step.hold.deliveries_per_s * step.hold.hold_s
    low, high = (side * step.hold.delivered for side in _CARRIED)
    if step.sustained and not low <= carried <= high:
        yield (
            f"{step.hold.deliveries_per_s:,.0f} deliveries/s for {step.hold.hold_s:g} s can't be "
            f"of {step.hold.delivered:,} delivered"
        )
    if not 0 <= step.server_cpu_s < math.inf:
        yield f"no CPU time can be so: {step.server_cpu_s:g} s"
    # Whether delay grew is for the rules of the day; what did not arrive never did.
    if step.sustained and failure is not None and failure.kind == "loss":
        yield f"called sustained, but {failure.text}"
    if not step.sustained and not step.why_not:
        yield "not sustained, without a reason"
    if step.cpu_us_per_delivery is not None and step.hold.delivered:
        expected = step.server_cpu_s * 1e6 / step.hold.delivered
        if not math.isclose(expected, step.cpu_us_per_delivery, rel_tol=_RELATIVE):
            yield (
                f"{step.server_cpu_s:g} s of CPU over {step.hold.delivered} deliveries is "
                f"{expected:.6g} us each, not {step.cpu_us_per_delivery:.6g}"
            )

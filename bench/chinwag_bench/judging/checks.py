"""Checks that the numbers can be numbers of one experiment. Each says what it looked at."""

from __future__ import annotations

from collections.abc import Iterator

from chinwag_bench.judging.evidence import Evidence
from chinwag_bench.judging.searches import kept_apart
from chinwag_bench.judging.stats import spread
from chinwag_bench.metrics.latency import Latency
from chinwag_bench.records import Hold, Json, Paced, Searched

LITTLE_TOLERANCE = 0.05
AA_LIMIT = 0.10


def all_checks(evidence: Evidence, aa: Json) -> list[Json]:
    """Every check that applies to what was measured: {name, ok, text}."""
    holds = list(_holds(evidence))
    checks = []
    if holds:
        checks += [_little(holds), _not_more_than_sent(holds), _intact(holds)]
    checks += [_aa_cpu(pair) for pair in aa["pairs"]]
    checks += [_verified(evidence)] if evidence.run.verifications else []
    return checks


def _holds(evidence: Evidence) -> Iterator[tuple[str, bool, Hold]]:
    """Each hold with its name and whether it was sustained."""
    for name in ("throughput", "latency", "broadcast", "load_throughput", "load_latency"):
        for record in evidence.records.get(name, []):
            load = f", {record.load}" if record.load else ""
            place = f"{record.column}, round {record.round}{load}"
            if isinstance(record, Searched):
                for step in [*record.steps, *kept_apart(record)]:
                    yield place, step.sustained, step.hold
            elif isinstance(record, Paced) and record.step is not None:
                point = record.point if isinstance(record, Latency) else name
                yield f"{place}, {point}", record.step.sustained, record.step.hold


def _check(name: str, ok: bool, text: str) -> Json:
    return {"name": name, "ok": ok, "text": text}


def _little(holds: list[tuple[str, bool, Hold]]) -> Json:
    """Little's law is about a steady state, so it is asked of sustained holds."""
    ratios = [
        (_beyond_noise(hold.little), place, hold.little["ratio"])
        for place, sustained, hold in holds
        if sustained and "ratio" in hold.little
    ]
    if not ratios:
        return _check("Little's law", False, "no sustained hold counted outstanding deliveries")
    off, place, ratio = max(ratios)
    failed = sum(one[0] > LITTLE_TOLERANCE for one in ratios)
    return _check(
        "Little's law",
        failed == 0,
        f"outstanding deliveries against rate x mean latency, within 5 % beyond the samples' own "
        f"error: {len(ratios)} holds, {failed} outside; the worst is {ratio:.3f} "
        f"({off:.1%} beyond; {place})",
    )


def _beyond_noise(little: dict[str, float]) -> float:
    """How far the ratio is from 1 beyond the sampled mean's own error: a hold at low load has few
    messages under way, so their mean is known less well than 5 %. Three standard errors, because
    a run asks this of some two hundred holds at once."""
    noise = (
        3 * little.get("standard_error", 0.0) / little["predicted"] if little["predicted"] else 0
    )
    return max(0.0, abs(little["ratio"] - 1) - noise)


def _not_more_than_sent(holds: list[tuple[str, bool, Hold]]) -> Json:
    over = [place for place, _, hold in holds if hold.delivered > hold.expected]
    text = f"{len(holds)} holds, none delivered more than it was sent"
    if over:
        text = f"{len(over)} of {len(holds)} holds delivered more than was sent: {_some(over)}"
    return _check("Delivered at most what was sent", not over, text)


def _intact(holds: list[tuple[str, bool, Hold]]) -> Json:
    faults = ("duplicated", "reordered", "corrupted")
    bad = [place for place, _, hold in holds if any(getattr(hold, name) for name in faults)]
    delivered = sum(hold.delivered for *_, hold in holds)
    read = sum(h.delivered if h.parsed is None else h.parsed for *_, h in holds)
    text = f"{delivered:,} deliveries in {len(holds)} holds, none duplicated or corrupted"
    if read < delivered:
        text += (
            f"; {read:,} of them were read one by one, none out of order, and the others counted "
            "by length"
        )
    else:
        text += ", none out of order"
    if bad:
        sums = {name: sum(getattr(hold, name) for *_, hold in holds) for name in faults}
        totals = ", ".join(f"{count:,} {name}" for name, count in sums.items())
        text = f"{totals} of {delivered:,} deliveries: {_some(bad)}"
    found = _check("Deliveries arrive once, in order, whole", not bad, text)
    return found | ({"share_read": read / delivered} if delivered else {})


def _aa_cpu(pair: Json) -> Json:
    """At one rate for both: at each one's highest, the figure carries the search's step of 15 %."""
    ratios = pair["ratios"].get("common_cpu_per_delivery")
    name = f"Noise of CPU per delivery ({pair['column']} measured twice)"
    if not ratios:
        return _check(name, False, "not measured under both names in one round")
    differs = spread(ratios)
    span = f"{min(ratios):.2f} to {max(ratios):.2f}" if len(ratios) > 1 else f"{ratios[0]:.2f}"
    text = (
        f"at one rate for all: {span} times itself in {len(ratios)} "
        f"round{'s' if len(ratios) > 1 else ''}, the median off by a factor of {1 + differs:.2f}; "
        f"the limit is {1 + AA_LIMIT:.2f}"
    )
    return _check(name, differs <= AA_LIMIT, text)


def _verified(evidence: Evidence) -> Json:
    failed = [v.column for v in evidence.run.verifications if v.failed]
    cases = sum(v.passed for v in evidence.run.verifications)
    text = f"{cases:,} cases passed on {len(evidence.run.verifications)} columns"
    if failed:
        text += f"; failed and therefore not measured: {', '.join(failed)}"
    return _check("Conformance before measuring", not failed, text)


def _some(places: list[str]) -> str:
    shown = list(dict.fromkeys(places))
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    return "; ".join(shown[:3]) + more

"""Throughput: the highest offered rate that a server sustains, found by an ascending staircase."""

from __future__ import annotations

import time
from collections.abc import Sequence

from chinwag_bench.judging.bounds import Bounds, exactly, of_latency
from chinwag_bench.judging.row import Spec, row
from chinwag_bench.judging.rules import Rules
from chinwag_bench.judging.searches import P99_LIMITS_MS, of_search, result_of
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.metrics.cell import Place
from chinwag_bench.metrics.metric import Metric, Visit
from chinwag_bench.metrics.rates import sustained_rates
from chinwag_bench.metrics.search import (
    HINTED_FACTOR,
    SearchSettings,
    describe,
    first_rate,
    report,
    search_on,
)
from chinwag_bench.records import Searched, Step


class Throughput(Searched, kw_only=True, tag="throughput", tag_field="metric"):
    profile: str = "article"


class Settings(SearchSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    load: str
    start_deliveries_per_s: float

    def loads(self) -> set[str]:
        return {self.load}


def measure(
    place: Place,
    load: LoadProfile,
    settings: Settings,
    hint: float | None = None,
    before: Sequence[Step] = (),
) -> Throughput:
    """One column, one round. ``hint`` is what an earlier round of the column sustained, in
    deliveries a second: it only shortens the way up, which then starts below it and goes up by
    less. ``before`` are the steps of those rounds. Raises ``ServerError`` or ``GeneratorError``.
    """
    started_at, started = time.time(), time.monotonic()
    search = search_on(place, load, settings, settings.connections)
    search.run(
        first_rate(place, settings.start_deliveries_per_s, hint),
        HINTED_FACTOR if hint else None,
        before,
    )
    record = Throughput(
        column=place.target.id,
        round=place.round,
        started_at=started_at,
        seconds=time.monotonic() - started,
        status="ok",
        profile=load.name,
        connections=settings.connections,
    )
    return report(search, record)


def _visit(visit: Visit) -> list[Throughput]:
    column = visit.place.target.id
    hint = sustained_rates(visit.records, Throughput).get(column)
    earlier = [one for one in visit.records if isinstance(one, Throughput) and one.column == column]
    before = [step for record in earlier for step in record.steps]
    return [measure(visit.place, visit.load, visit.settings, hint, before)]


def _wire_bytes(record: Throughput, rules: Rules) -> Bounds | None:
    result = result_of(record, rules)
    return None if result is None else exactly(result.hold.wire_bytes_per_delivery)


def _messages(record: Throughput, rules: Rules) -> Bounds | None:
    """The search's rate in messages: its mix makes a fixed number of deliveries of each."""
    found, step = of_search(record, rules), result_of(record, rules)
    if found is None or step is None or not step.hold.deliveries_per_s:
        return None
    each = step.hold.messages_per_s / step.hold.deliveries_per_s
    end = None if found.step_end is None else found.step_end * each
    return Bounds(found.low * each, found.high * each, end)


def _rows() -> list[Spec]:
    deliveries = row(
        "Throughput",
        "throughput_deliveries",
        "Throughput, deliveries",
        "deliveries/s",
        "higher",
        "Highest rate of the load profile that is sustained: delivered in full, p99 at "
        "most 1,000 ms, delay not growing, nothing outstanding 1 s after the end. One message "
        "to a room of 100 is 100 deliveries.",
    )
    messages = row(
        "Throughput",
        "throughput_messages",
        "Throughput, messages",
        "messages/s",
        "higher",
        "The same steps counted in messages sent.",
    )
    p99 = row(
        "Throughput",
        "throughput_p99",
        "p99 at that rate",
        "ms",
        "none",
        "Latency from the planned send time to the read, p99 of the hold that confirmed the "
        "server's highest sustained rate. Rates differ, so it ranks nobody.",
    )
    cpu = row(
        "Throughput",
        "cpu_per_delivery",
        "CPU per delivery, at that rate",
        "us",
        "none",
        "CPU time of the server's processes, user and system, per delivery, in that hold. At a "
        "saturated server's highest rate it is the throughput once more, so it ranks nobody: the "
        "row at one rate for all does.",
    )
    wire = row(
        "Throughput",
        "wire_bytes_per_delivery",
        "Wire bytes per delivery",
        "B",
        "none",
        "Bytes received from the socket per delivery: frame header, JSON and content. It "
        "shows that all servers send the same.",
    )

    def cpu_there(record: Throughput, rules: Rules) -> Bounds | None:
        result = result_of(record, rules)
        return None if result is None else exactly(result.cpu_us_per_delivery)

    def p99_there(record: Throughput, rules: Rules) -> Bounds | None:
        result = result_of(record, rules)
        return None if result is None else of_latency(result.hold, "p99")

    return [
        Spec(deliveries, "throughput", of_search, by_rules=True),
        *_limited_rate_rows(),
        Spec(messages, "throughput", _messages, by_rules=True),
        Spec(p99, "throughput", p99_there, by_rules=True, quantile=0.99),
        Spec(cpu, "throughput", cpu_there, by_rules=True),
        Spec(wire, "throughput", _wire_bytes, by_rules=True),
    ]


def _limited_rate_rows() -> list[Spec]:
    """The rates that a chat can live with: the search itself only asks for 1,000 ms."""
    return [
        Spec(
            row(
                "Throughput",
                f"rate_p99_{limit:.0f}",
                f"Highest rate with p99 <= {limit:.0f} ms",
                "deliveries/s",
                "higher",
                f"From all holds of the throughput's load, of all rounds: the highest rate that "
                f"was delivered in full with a p99 of at most {limit:.0f} ms, and the lowest above "
                "it that was not.",
            ),
            "rate_points",
            lambda _: None,
            p99_limit_ms=limit,
        )
        for limit in P99_LIMITS_MS
    ]


METHOD = """
**Throughput.** The highest sustained rate. A fresh server is warmed up at half of the first rate.
Short holds double the rate to get near, and take it four times after a p99 of 10 ms at most; holds
of 1.5 s ascend to what the one that failed has carried, or else half of the way to it, by 15 % at
least, and then refine between the last that passed and the first that failed to a quarter of a
step; a fresh hold of 2.5 s confirms. Where that fails, the next is a step lower at most. A failure
that one moment's stall explains gets a second chance before it decides. Each round's grid is
shifted by a factor in [1, 1.15) drawn from seed, round and column. Time that runs out makes a
bound, never an end by the server; without a confirmation the highest hold counts that no hold as
long refuted. Time that is left is spent where p99 crosses 10, 100 and 1,000 ms. Where most
deliveries were counted by length, a hold at half of the first rate that is confirmed (at most 1 M
deliveries/s a generator core) is read whole: if it loses, repeats, reorders or changes any, there
is no result. On simulated servers of a known capacity (constant, jittery, pausing) a round is
within 5 % in 38 of 40 runs or more, and within 10 % in all. Published in deliveries per second and
messages per second, never one of them alone.

**p99 over rate.** From every hold of the throughput's load, of all rounds: the highest rate that
was kept within 10 and 100 ms, as delivered, by a hold of a second or more, and the lowest offer
above it that the server did not keep. A hold is refuted by another of its round that is as long,
at no higher a rate; one above the rate that its search confirmed keeps no limit, nor does one of a
round whose search has no result. A hold in which the generator was the limit refutes none. A round
that did not look near the limit, on both sides of it within a factor of 4, counts like the others,
and the cell says how many did look; a round that kept none bears on the high side, and the cell
spans both where that is below what others kept; where nothing was too much, each round's highest
counts; where none looked on both sides, the holds of all rounds are taken together, and the cell
says so. What is known to be kept within a limit is known of each looser one, and no limit makes a
server faster than none: where medians of different rounds say otherwise, the higher one counts, up
to the highest sustained rate. A hold's p99 rests on some thousand messages or more, so it is the
rounds together that tell. "Which one for me?" has the same rates for any p99, and calls nothing
too much that any hold kept, were it short or of a round that was repeated.
"""
METRIC = Metric(
    record=Throughput,
    settings=Settings,
    measure=_visit,
    describe=describe,
    method=METHOD,
    rows=_rows(),
)

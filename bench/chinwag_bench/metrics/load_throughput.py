"""Throughput under loads beside the main one: each has a search of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from chinwag_bench.judging.row import Spec
from chinwag_bench.judging.searches import of_search
from chinwag_bench.metrics.load_rows import (
    Notes,
    connections_of,
    described,
    load_row,
    notes_of,
    settings_of,
)
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
from chinwag_bench.records import Run, Searched

P99_LIMIT_MS = 100.0
"""Of the second rate that is read from the same holds: "sustained" itself allows 1,000 ms."""
_NAME = "load_throughput"


class LoadThroughput(Searched, kw_only=True, tag="load_throughput", tag_field="metric"):
    """Under a load beside the throughput's."""


class Settings(SearchSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``connections`` is the most that a load may have; its profile says how many it asks for."""

    repeats: int
    start_deliveries_per_s: dict[str, float]
    """The loads, and where the first round of each begins."""
    fewer_connections: dict[str, int] = msgspec.field(default_factory=dict)
    """Loads that get fewer: where everyone joins many rooms, a fresh server takes long to join."""

    def rounds(self, of_run: int) -> int:
        return self.repeats

    def loads(self) -> set[str]:
        return set(self.start_deliveries_per_s)

    def each_load(self) -> Sequence[str]:
        return tuple(self.start_deliveries_per_s)


def _visit(visit: Visit) -> list[LoadThroughput]:
    """One column, one load, one round."""
    settings: Settings = visit.settings
    place, load, name = visit.place, visit.load, visit.load_name
    connections = connections_of(load, settings.connections, settings.fewer_connections)
    hint = sustained_rates(visit.records, LoadThroughput, name).get(place.target.id)
    started_at, started = time.time(), time.monotonic()
    search = search_on(place, load, settings, connections)
    start = first_rate(place, settings.start_deliveries_per_s[name], hint)
    search.run(start, HINTED_FACTOR if hint else None)
    record = LoadThroughput(
        column=place.target.id,
        round=place.round,
        started_at=started_at,
        seconds=time.monotonic() - started,
        status="ok",
        load=name,
        connections=connections,
    )
    return [report(search, record)]


def _describe(record: LoadThroughput) -> str:
    return f"{record.load}: {describe(record)}"


def _rows(run: Run) -> list[Spec]:
    settings = settings_of(run, _NAME)
    found = []
    for load in settings.get("start_deliveries_per_s", {}):
        found += _rows_of(run, load, notes_of(settings))
    return found


def _rows_of(run: Run, load: str, notes: Notes) -> list[Spec]:
    what = described(run, load)
    sustained = load_row(
        run,
        load,
        "deliveries",
        "Throughput, deliveries",
        "deliveries/s",
        "higher",
        f"{what} Highest rate that is sustained, by the rules of the throughput: delivered in "
        "full, p99 at most 1,000 ms, delay not growing, nothing outstanding 1 s after the end.",
    )
    within = load_row(
        run,
        load,
        f"rate_p99_{P99_LIMIT_MS:.0f}",
        f"Highest rate with p99 <= {P99_LIMIT_MS:.0f} ms",
        "deliveries/s",
        "higher",
        f"{what} From all of its holds, of all rounds: the highest rate that was delivered in full "
        f"with a p99 of at most {P99_LIMIT_MS:.0f} ms, and the lowest above it that was not.",
    )
    return [
        Spec(sustained, _NAME, of_search, by_rules=True, load=load, notes=notes),
        Spec(within, _NAME, lambda _: None, p99_limit_ms=P99_LIMIT_MS, load=load, notes=notes),
    ]


METHOD = """
**Loads beside the main one.** Each has a search of its own, by the rules of the throughput, and
of its own holds alone the highest rate with p99 <= 100 ms is read: `direct`, `chatty-small`,
`many-rooms`, `hot-room` and `poisson` in `full`, three rounds each; `direct` and `many-rooms`,
which differ most from rooms of 100, in `quick`, in one round with shorter holds, and their cells
say so. In `quick` `many-rooms` has 250 connections, all of them in 20 rooms of 50: of 1,000 a
fresh server would first announce half a million joins. The highest rates of a first round begin
at the profile's own rate, later ones near what the same load gave before. The charts, the
headline and "which one for me?" stay with the main load.
"""
METRIC = Metric(
    record=LoadThroughput,
    settings=Settings,
    measure=_visit,
    describe=_describe,
    rows_of_run=_rows,
    method=METHOD,
)

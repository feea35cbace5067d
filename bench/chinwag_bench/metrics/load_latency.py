"""Delay and CPU under loads beside the main one, at a rate of each that all servers share."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from chinwag_bench.judging.row import Spec, cpu_per_delivery, percentile, plain, rate_reached
from chinwag_bench.judging.sustained import DEFAULTS, SustainedLimits
from chinwag_bench.metrics.cell import bout
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.metrics.load_rows import (
    Notes,
    connections_of,
    described,
    load_row,
    notes_of,
    settings_of,
)
from chinwag_bench.metrics.load_throughput import LoadThroughput
from chinwag_bench.metrics.metric import Metric, MetricSettings, Visit
from chinwag_bench.metrics.rates import common_rate, sustained_rates
from chinwag_bench.records import Paced, Record, Run

_NAME = "load_latency"


class LoadLatency(Paced, kw_only=True, tag="load_latency", tag_field="metric"):
    """Under a load beside the throughput's, at a rate of it that is common to all servers."""

    connections: int = 0
    deliveries_per_s: float = 0.0
    """The rate aimed at; ``step.hold`` has the rate reached."""


class Settings(MetricSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    profiles: tuple[str, ...]
    """The loads. Their throughput is measured before, or they are among ``at_main_rate``."""
    at_main_rate: tuple[str, ...] = ()
    """Those that are held at the common rate of the main load, to stand beside it."""
    repeats: int
    connections: int
    """The most that a load may have; its profile says how many it asks for."""
    fewer_connections: dict[str, int] = msgspec.field(default_factory=dict)
    """Loads that get fewer."""
    setup_s: float
    common_deliveries_per_s_min: float
    hold: HoldSeconds
    sustained: SustainedLimits = DEFAULTS

    @property
    def planned_s(self) -> float:
        return self.setup_s + self.hold.seconds

    def rounds(self, of_run: int) -> int:
        return self.repeats

    def loads(self) -> set[str]:
        return set(self.profiles)

    def each_load(self) -> Sequence[str]:
        return self.profiles


def fix_common_rates(run: Run, records: Sequence[Record], settings: Settings) -> str | None:
    """Once a load: a resumed run keeps the rates that its first holds were taken at."""
    fixed = {}
    for load in settings.profiles:
        if load in run.common_rates_of_loads:
            continue
        main = run.common_rate_deliveries_per_s
        if load in settings.at_main_rate and main is not None:
            fixed[load] = main
            continue
        rates = sustained_rates(records, LoadThroughput, load)
        fixed[load] = common_rate(rates, settings.common_deliveries_per_s_min)
        if not rates:
            run.notes.append(f"no column sustained any rate of {load}: it is held at the lowest")
    run.common_rates_of_loads |= fixed
    listed = ", ".join(f"{load} {rate:,.0f}" for load, rate in fixed.items())
    return f"common rates, deliveries/s: {listed}" if fixed else None


def _visit(visit: Visit) -> list[LoadLatency]:
    """One column, one load, one round."""
    settings: Settings = visit.settings
    place, load, name = visit.place, visit.load, visit.load_name
    connections = connections_of(load, settings.connections, settings.fewer_connections)
    rate = visit.run.common_rates_of_loads[name]
    started_at, started = time.time(), time.monotonic()
    with bout(place, load, connections) as pair:
        step, _ = pair.hold(rate, settings.hold, f"{name}-{rate:.0f}", limits=settings.sustained)
    return [
        LoadLatency(
            column=place.target.id,
            round=place.round,
            started_at=started_at,
            seconds=time.monotonic() - started,
            status="ok",
            load=name,
            connections=connections,
            deliveries_per_s=rate,
            step=step,
        )
    ]


def _describe(record: LoadLatency) -> str:
    if record.step is None:
        return f"{record.load}: nothing measured"
    figures = record.step.hold.latency_ms
    note = "" if record.step.sustained else f", not sustained: {record.step.why_not}"
    rate = f"{record.deliveries_per_s:,.0f} deliveries/s"
    return (
        f"{record.load} at {rate}: p50 {figures['p50']:.2f} ms, p99 {figures['p99']:.2f} ms{note}"
    )


def _rows(run: Run) -> list[Spec]:
    settings = settings_of(run, _NAME)
    found = []
    for load in settings.get("profiles", []):
        found += _rows_of(run, load, load in settings.get("at_main_rate", ()), notes_of(settings))
    return found


def _rows_of(run: Run, load: str, at_main_rate: bool, notes: Notes) -> list[Spec]:
    what = described(run, load)
    at = (
        "the common rate of the main load, which comes at even intervals"
        if at_main_rate
        else "one rate for all, half of the lowest throughput under this load"
    )
    rate = load_row(run, load, "rate", "Rate reached", "deliveries/s", "none", f"{what} At {at}.")
    cpu = load_row(
        run,
        load,
        "cpu_per_delivery",
        "CPU per delivery",
        "us",
        "lower",
        f"{what} CPU time of the server's processes, user and system, per delivery, at {at}.",
    )
    p99 = load_row(
        run,
        load,
        "p99",
        "p99",
        "ms",
        "lower",
        f"{what} Latency from the planned send time to the read (the high side) and from the "
        "actual send to the kernel's receive stamp (the low side), p99 of all deliveries of a "
        f"round, at {at}.",
    )
    found = [
        Spec(rate, _NAME, plain(rate_reached), load=load),
        Spec(cpu, _NAME, cpu_per_delivery, by_rules=True, load=load, notes=notes),
        Spec(p99, _NAME, percentile("p99"), quantile=0.99, load=load, notes=notes),
    ]
    if at_main_rate:
        even = load_row(
            run,
            load,
            "even_p99",
            "p99, even arrivals",
            "ms",
            "none",
            "The main load's p99 at the same rate, once more beside the random arrivals; it is "
            "ranked where it belongs.",
        )
        found.append(Spec(even, "common", percentile("p99"), quantile=0.99))
    return found


METHOD = """
**CPU and p99 under those loads.** One hold of each round at a rate of the load that is common to
all servers: half of the lowest sustained median under it, at least 5,000 deliveries/s, written
down after its searches. `poisson` is the main load at random times: it is held at the main load's
common rate, and the p99 of even arrivals stands beside it. A figure of one round ranks with the
margin of a single round.
"""
METRIC = Metric(
    record=LoadLatency,
    settings=Settings,
    measure=_visit,
    describe=_describe,
    prepare=fix_common_rates,
    rows_of_run=_rows,
    method=METHOD,
)

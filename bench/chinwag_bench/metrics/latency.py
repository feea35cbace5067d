"""Latency from the planned send time, at a rate common to all servers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

from chinwag_bench.judging.matrix import Row
from chinwag_bench.judging.row import Spec, cpu_per_delivery, percentile, plain, rate_reached, row
from chinwag_bench.judging.sustained import DEFAULTS, SustainedLimits
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.metrics.cell import Place, bout
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.metrics.metric import Metric, MetricSettings, Visit
from chinwag_bench.metrics.rates import common_rate, sustained_rates
from chinwag_bench.metrics.throughput import Throughput
from chinwag_bench.records import Paced, Record, Run

COMMON_GROUP = "At one rate for all"
PERCENTILES = {"p50": "p50", "p99": "p99", "p99_9": "p99.9", "max": "max"}
QUANTILES = {"p50": 0.5, "p99": 0.99, "p99_9": 0.999, "max": None}


class Latency(Paced, kw_only=True, tag="latency", tag_field="metric"):
    point: Literal["common", "half"] = "common"
    """Older runs also have holds at half of each column's own rate."""
    deliveries_per_s: float = 0.0
    """The rate aimed at; ``step.hold`` has the rate reached."""
    hdr: str | None = None
    """Path of the V2 histogram log, relative to the result directory."""


class Settings(MetricSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    load: str
    connections: int
    setup_s: float
    common_deliveries_per_s_min: float
    hold: HoldSeconds
    sustained: SustainedLimits = DEFAULTS

    @property
    def planned_s(self) -> float:
        return self.setup_s + self.hold.seconds

    def loads(self) -> set[str]:
        return {self.load}


def measure(place: Place, load: LoadProfile, settings: Settings, rate: float) -> Latency:
    """One column, one round: a hold at the rate, in deliveries a second. A server that does not
    sustain it says so in ``step.why_not``. Raises ``ServerError`` or ``GeneratorError``.
    """
    started_at, started = time.time(), time.monotonic()
    hdr = place.site.folder / "raw" / "hdr" / f"{place.label}-common.hlog"
    hdr.parent.mkdir(parents=True, exist_ok=True)
    with bout(place, load, settings.connections) as pair:
        label = f"common-{rate:.0f}"
        step, _ = pair.hold(rate, settings.hold, label, limits=settings.sustained, hdr=hdr)
    return Latency(
        column=place.target.id,
        round=place.round,
        started_at=started_at,
        seconds=time.monotonic() - started,
        status="ok",
        deliveries_per_s=rate,
        step=step,
        hdr=str(hdr.relative_to(place.site.folder)) if hdr.is_file() else None,
    )


def _visit(visit: Visit) -> list[Latency]:
    rate = visit.run.common_rate_deliveries_per_s
    assert rate is not None, "it is fixed before the first cell"
    return [measure(visit.place, visit.load, visit.settings, rate)]


def fix_common_rate(run: Run, records: Sequence[Record], settings: Settings) -> str | None:
    """Once: a resumed run keeps the rate that its first latencies were taken at."""
    if run.common_rate_deliveries_per_s is not None:
        return None
    rates = sustained_rates(records, Throughput)
    rate = common_rate(rates, settings.common_deliveries_per_s_min)
    run.common_rate_deliveries_per_s = rate
    if not rates:
        run.notes.append("no column sustained any rate: latency is taken at the lowest common rate")
    return f"common rate: {rate:,.0f} deliveries/s"


def _describe(record: Latency) -> str:
    if record.step is None:
        return f"{record.point}: nothing measured"
    figures = record.step.hold.latency_ms
    note = "" if record.step.sustained else f", not sustained: {record.step.why_not}"
    return f"{record.point} rate: p50 {figures['p50']:.2f} ms, p99 {figures['p99']:.2f} ms{note}"


def _cpu_per_delivery_row(what: str) -> Row:
    return row(
        COMMON_GROUP,
        "common_cpu_per_delivery",
        "CPU per delivery",
        "us",
        "lower",
        "CPU time of the server's processes, user and system, per delivery, at " + what + ". "
        "Runtimes that spin while idle pay for it here.",
    )


def _rows() -> list[Spec]:
    what = "one rate for all, fixed after the throughput phase"
    rate = row(COMMON_GROUP, "common_rate", "Rate reached", "deliveries/s", "none", f"At {what}.")
    rows = [
        Spec(rate, "common", plain(rate_reached)),
        Spec(_cpu_per_delivery_row(what), "common", cpu_per_delivery, by_rules=True),
    ]
    for key, name in PERCENTILES.items():
        about = row(
            COMMON_GROUP,
            f"common_{key}",
            name,
            "ms",
            "lower",
            f"Latency from the planned send time to the read (the high side) and from the actual "
            f"send to the kernel's receive stamp (the low side), {name} of all deliveries of a "
            f"round, at {what}.",
        )
        rows.append(Spec(about, "common", percentile(key), quantile=QUANTILES[key]))
    return rows


METHOD = """
**Latency.** p50, p99, p99.9 and maximum at a rate common to all servers (half of the lowest
sustained median, at least 5,000 deliveries/s; written down after all throughput rounds).

**CPU per delivery.** User and system time of the server's process tree during the hold, divided
by deliveries: at the common rate, where servers are compared and A/A is checked, and at each
one's highest (`docs/decisions/0004`).
"""
METRIC = Metric(
    record=Latency,
    settings=Settings,
    measure=_visit,
    describe=_describe,
    prepare=fix_common_rate,
    method=METHOD,
    rows=_rows(),
)

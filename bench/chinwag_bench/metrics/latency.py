"""Latency from the planned send time, at given rates."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

from chinwag_bench.judging.sustained import DEFAULTS, SustainedLimits
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.metrics.cell import Bout, Place, bout
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.metrics.metric import Metric, MetricSettings, Visit
from chinwag_bench.metrics.rates import common_rate, sustained_rates
from chinwag_bench.records import Latency, Raw, Run

Point = Literal["common", "half"]


class Settings(MetricSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    load: str
    connections: int
    setup_s: float
    common_deliveries_per_s_min: float
    hold: HoldSeconds
    sustained: SustainedLimits = DEFAULTS

    @property
    def planned_s(self) -> float:
        """Two points: the common rate and half of the column's own."""
        return self.setup_s + 2 * self.hold.seconds

    def loads(self) -> set[str]:
        return {self.load}


def measure(
    place: Place, load: LoadProfile, settings: Settings, rates: dict[Point, float | None]
) -> list[Latency]:
    """One column, one round: a hold at each point's rate, in deliveries a second, on one server.

    A point without a rate becomes a failed record: its column sustained nothing of which to take
    half. A server that does not sustain the rate says so in ``step.why_not``. Raises
    ``ServerError`` or ``GeneratorError``."""
    records = []
    with bout(place, load, settings.connections) as pair:
        for point, rate in rates.items():
            records.append(
                _no_rate(place, point)
                if rate is None
                else _measure_point(place, pair, settings, point, rate)
            )
    return records


def _measure_point(
    place: Place, pair: Bout, settings: Settings, point: Point, rate: float
) -> Latency:
    started_at, started = time.time(), time.monotonic()
    hdr = place.site.folder / "raw" / "hdr" / f"{place.label}-{point}.hlog"
    hdr.parent.mkdir(parents=True, exist_ok=True)
    label = f"{point}-{rate:.0f}"
    step, _ = pair.hold(rate, settings.hold, label, limits=settings.sustained, hdr=hdr)
    return Latency(
        column=place.target.id,
        round=place.round,
        started_at=started_at,
        seconds=time.monotonic() - started,
        status="ok",
        point=point,
        deliveries_per_s=rate,
        step=step,
        hdr=str(hdr.relative_to(place.site.folder)) if hdr.is_file() else None,
    )


def _no_rate(place: Place, point: Point) -> Latency:
    return Latency(
        column=place.target.id,
        round=place.round,
        started_at=time.time(),
        seconds=0.0,
        status="missing",
        reason="no sustained rate to take half of",
        point=point,
    )


def _visit(visit: Visit) -> list[Latency]:
    own = sustained_rates(visit.records).get(visit.place.target.id)
    rates: dict[Point, float | None] = {
        "common": visit.run.common_rate_deliveries_per_s,
        "half": own / 2 if own else None,
    }
    return measure(visit.place, visit.load, visit.settings, rates)


def fix_common_rate(run: Run, records: Sequence[Raw], settings: Settings) -> str | None:
    """Once: a resumed run keeps the rate that its first latencies were taken at."""
    if run.common_rate_deliveries_per_s is not None:
        return None
    rates = sustained_rates(records)
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


METRIC = Metric(
    record=Latency,
    settings=Settings,
    measure=_visit,
    describe=_describe,
    prepare=fix_common_rate,
)

"""Latency from the planned send time, at given rates."""

from __future__ import annotations

import time

from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.metrics.cell import Bout, Place, bout
from chinwag_bench.records import Latency
from chinwag_bench.runs.profile import LatencySettings, Point


def measure(
    place: Place, load: LoadProfile, settings: LatencySettings, rates: dict[Point, float | None]
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
    place: Place, pair: Bout, settings: LatencySettings, point: Point, rate: float
) -> Latency:
    started_at, started = time.time(), time.monotonic()
    hdr = place.site.folder / "raw" / "hdr" / f"{place.label}-{point}.hlog"
    hdr.parent.mkdir(parents=True, exist_ok=True)
    step, _ = pair.hold(rate, settings.hold, f"{point}-{rate:.0f}", hdr)
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

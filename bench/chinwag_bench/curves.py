"""Latency distributions for the percentile curves: the rounds' histograms, added up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

from chinwag_bench.evidence import Evidence, kept
from chinwag_bench.records import Curve, Latency
from chinwag_bench.stats import median

LOWEST, HIGHEST, DIGITS = 1, 3_600_000_000_000, 3
QUANTILES = [
    *(n / 20 for n in range(19)),
    *(1 - step / 10**power for power in range(2, 8) for step in (5, 2, 1)),
]
SAMPLES_BEYOND = 10
"""A quantile is drawn only while this many deliveries lie beyond it."""
MS_PER_COUNT = (1e-6, 1e-3, 1.0)
"""Histogram logs count ns, us or ms and don't say which; the hold's own maximum tells."""
STATED_AS = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99_9": 0.999, "max": 1.0}


def all_curves(evidence: Evidence) -> list[Curve]:
    """One curve for each column and point that has a latency record with a step."""
    found = []
    for column in evidence.run.columns:
        for point in ("common", "half"):
            records = [r for r in kept(evidence.of(point, column.id)) if isinstance(r, Latency)]
            records = [r for r in records if r.status == "ok" and r.step is not None]
            if records:
                found.append(_curve(records, evidence.directory))
    return found


def _curve(records: Sequence[Latency], directory: Path) -> Curve:
    rates = [r.step.hold.deliveries_per_s for r in records if r.step is not None]
    return Curve(
        column=records[0].column,
        point=records[0].point,
        deliveries_per_s=median(rates),
        points=_histogram_points(records, directory) or _stated_points(records),
    )


def _histogram_points(records: Sequence[Latency], directory: Path) -> list[tuple[float, float]]:
    """Points of the added histograms; empty where a round has none, so that no round is left out.

    Each log is scaled on its own and added with its counts, in microseconds.
    """
    total = HdrHistogram(LOWEST, HIGHEST, DIGITS)
    for record in records:
        path = None if record.hdr is None else directory / record.hdr
        if path is None or not path.is_file() or record.step is None:
            return []
        _add(total, path, record.step.hold.latency_ms.get("max", 0.0))
    count = total.get_total_count()
    wanted = [q for q in QUANTILES if count * (1 - q) >= SAMPLES_BEYOND]
    points = [(q, total.get_value_at_percentile(q * 100) / 1000) for q in wanted]
    return [*points, (1.0, total.get_max_value() / 1000)] if points else []


def _add(total: HdrHistogram, path: Path, maximum_ms: float) -> None:
    one = HdrHistogram(LOWEST, HIGHEST, DIGITS)
    reader = HistogramLogReader(str(path), one)
    reader.add_next_interval_histogram(one)
    while reader.add_next_interval_histogram(one) is not None:
        pass
    reader.close()
    scale = scale_ms(one.get_max_value(), maximum_ms)
    for item in one.get_recorded_iterator():
        value = max(LOWEST, round(item.value_iterated_to * scale * 1000))
        total.record_value(value, item.count_added_in_this_iter_step)


def scale_ms(highest_count: float, maximum_ms: float) -> float:
    """Milliseconds per count: the unit that brings the log's maximum nearest to the hold's."""
    return min(MS_PER_COUNT, key=lambda unit: abs(highest_count * unit - maximum_ms))


def _stated_points(records: Sequence[Latency]) -> list[tuple[float, float]]:
    """Without histograms: the medians of the percentiles that the rounds state."""
    points = []
    for key, quantile in STATED_AS.items():
        values = [
            r.step.hold.latency_ms[key]
            for r in records
            if r.step is not None and key in r.step.hold.latency_ms
        ]
        if values:
            points.append((quantile, median(values)))
    return points

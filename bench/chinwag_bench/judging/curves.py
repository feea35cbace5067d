"""Latency distributions for the percentile curves: the rounds' histograms, added up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

from chinwag_bench.generator.hdr_log import empty_histogram
from chinwag_bench.judging.cells import EPSILON, MESSAGES_BEYOND
from chinwag_bench.judging.evidence import Evidence
from chinwag_bench.judging.matrix import Curve
from chinwag_bench.judging.repeats import kept
from chinwag_bench.judging.stats import median
from chinwag_bench.metrics.latency import Latency

NS_PER_MS = 1e6
QUANTILES = [
    *(n / 20 for n in range(1, 19)),
    *(1 - step / 10**power for power in range(2, 8) for step in (5, 2, 1)),
]
STATED_AS = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99_9": 0.999, "max": 1.0}


def all_curves(evidence: Evidence) -> list[Curve]:
    """One curve at the common rate for each column that has a latency record with a step."""
    found = []
    for column in evidence.run.columns:
        records = [r for r in kept(evidence.of("common", column.id)) if isinstance(r, Latency)]
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
    """Points of the added histograms; empty where a round has none: no round is left out."""
    total = empty_histogram()
    for record in records:
        path = None if record.hdr is None else directory / record.hdr
        if path is None or not path.is_file() or not _add(total, path, record):
            return []
    # Deliveries of one message are one event.
    messages = sum(record.step.hold.sent for record in records if record.step is not None)
    wanted = {q * 100: q for q in QUANTILES if messages * (1 - q) >= MESSAGES_BEYOND - EPSILON}
    found = total.get_percentile_to_value_dict(list(wanted))
    points = [(wanted[percentile], ns / NS_PER_MS) for percentile, ns in found.items()]
    return [*points, (1.0, total.get_max_value() / NS_PER_MS)] if points else []


def read_histogram(path: Path, record: Latency) -> HdrHistogram | None:
    """What the log holds of one record's time; ``None`` where it holds nothing of it. Raises what
    the reader raises for a log that is none.
    """
    histogram = empty_histogram()
    return histogram if _add(histogram, path, record) else None


def _add(total: HdrHistogram, path: Path, record: Latency) -> bool:
    """Adds what the log holds of the record's own time: a repeated round appends to one log."""
    reader = HistogramLogReader(str(path), total)
    found = False
    try:
        while reader.add_next_interval_histogram(
            total, record.started_at, record.started_at + record.seconds, absolute=True
        ):
            found = True
    finally:
        reader.close()
    return found


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

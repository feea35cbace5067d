"""Histogram logs: readable, and the same distribution as the quantiles beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hdrh.histogram import HdrHistogram

from chinwag_bench.generator.hdr_log import HIGHEST_NS
from chinwag_bench.judging.curves import NS_PER_MS, STATED_AS, read_histogram
from chinwag_bench.metrics.latency import Latency
from chinwag_bench.records import Hold, Record
from chinwag_bench.validation.problem import Problem
from chinwag_bench.validation.raw_lines import RawLine

_BUCKET = 0.002
"""Three significant digits: a value stands for those within 0.1 % of it, at both ends."""
_RANKS = 1.5
"""Readers of one histogram may differ by a sample in what they call the n-th percentile."""


def histogram_problems(directory: Path, line: RawLine[Record]) -> Iterator[Problem]:
    """What is wrong with the histogram that a latency record names. Others have none."""
    record = line.record
    if not isinstance(record, Latency) or record.hdr is None or record.step is None:
        return
    path = directory / record.hdr
    if not path.is_file():
        yield line.problem(f"its histogram {record.hdr} does not exist")
        return
    try:
        histogram = read_histogram(path, record)
    except Exception as error:  # The reader lets whatever its decoder meets through.
        yield Problem(record.hdr, None, f"is not a readable histogram log: {error!r}")
        return
    place = f"{line.file}:{line.number}"
    if histogram is None:
        yield Problem(record.hdr, None, f"has no interval within the time of {place}")
        return
    for what in _disagreements(histogram, record.step.hold):
        yield Problem(record.hdr, None, f"{what} ({place})")


def _disagreements(histogram: HdrHistogram, hold: Hold) -> Iterator[str]:
    count = histogram.get_total_count()
    parsed = hold.delivered if hold.parsed is None else hold.parsed
    if count != parsed:
        yield f"holds {count} values where {parsed} were delivered"
        return
    for key, quantile in STATED_AS.items():
        stated = hold.latency_ms.get(key)
        if stated is None or not count:
            continue
        low, high = (
            histogram.get_value_at_percentile(100 * min(1.0, max(0.0, at))) / NS_PER_MS
            for at in (quantile - _RANKS / count, quantile + _RANKS / count)
        )
        if high * NS_PER_MS >= HIGHEST_NS:  # Beyond what it tells apart the maximum is stated.
            high = max(high, hold.latency_ms.get("max", high))
        if not low * (1 - _BUCKET) <= stated <= high * (1 + _BUCKET):
            yield f"its {key} is {low:.4g} to {high:.4g} ms, the record states {stated:.4g}"

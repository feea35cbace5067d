"""Histograms as the generator itself has them, and writes them: intervals of a V2 log."""

from __future__ import annotations

from pathlib import Path

from hdrh.histogram import HdrHistogram

from chinwag_bench.errors import HostError

_HEAD = """#[Histogram log format version 1.3]
#[StartTime: {start_s:.3f} (seconds since epoch)]
#[BaseTime: 0.000 (seconds since epoch)]
#[Values: nanoseconds; Interval_Max: milliseconds]
"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"
"""
_NS_PER_MS = 1e6
_LOWEST_NS, _DIGITS = 1_000, 3
HIGHEST_NS = 60_000_000_000
"""What is longer counts as this."""


def empty_histogram() -> HdrHistogram:
    """Nanoseconds, in the generator's own layout: others of it are added exactly, and fast."""
    return HdrHistogram(_LOWEST_NS, HIGHEST_NS, _DIGITS)


def append_interval(
    path: Path, tag: str, start_s: float, length_s: float, histogram: HdrHistogram
) -> None:
    """Adds one interval; a new log gets its head first. ``start_s`` is since the epoch. Raises
    ``HostError``.
    """
    longest_ms = histogram.get_max_value() / _NS_PER_MS
    encoded = histogram.encode().decode("ascii")
    try:
        with path.open("a", encoding="ascii") as log:
            if log.tell() == 0:
                log.write(_HEAD.format(start_s=start_s))
            log.write(f"Tag={tag},{start_s:.3f},{length_s:.3f},{longest_ms:.3f},{encoded}\n")
    except OSError as error:
        raise HostError(
            f"{path} can't be written: {error.strerror or error}", hint="check folder and space"
        ) from error

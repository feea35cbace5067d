"""A row of the matrix: what it means, which way is better, and how a record gives it a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from chinwag_bench.judging.bounds import Bounds, exactly, of_latency
from chinwag_bench.judging.matrix import Note, Row
from chinwag_bench.judging.rules import Rules
from chinwag_bench.records import Paced

Source = str
"""A metric's name; "common", latency at the common rate; "rate_points"; "effort"; or "none"."""
Better = Literal["higher", "lower", "none"]
MEGABYTE = 1e6
GIGABYTE = 1e9
PER_CONNECTIONS = 10_000


@dataclass(frozen=True)
class Spec:
    """A row, the kind of record it is read from, and how. ``bounds`` answers ``None`` if absent."""

    row: Row
    source: Source
    bounds: Callable[..., Bounds | None]
    """Of a record; of a record and the run's ``Rules`` where ``by_rules`` says so."""
    by_rules: bool = False
    quantile: float | None = None
    """Of messages' delays: too few messages beyond it show nothing."""
    absent: str = "the record has no such value"
    """Why a good record may have none."""
    notes: Callable[[Any], list[Note]] = lambda _: []
    """What a reader must know about one record's value; equal notes are shown once."""
    needs_article: bool = False
    """Shown only where an article gives a figure, because this version doesn't measure it."""
    p99_limit_ms: float | None = None
    """Of a row that is read from all holds of a column."""
    load: str = ""
    """Of a source that has several: the load profile's name."""


def plain(value: Callable[[Any], float | None]) -> Callable[[Any], Bounds | None]:
    """A value that is read exactly."""
    return lambda record: exactly(value(record))


def row(group: str, id_: str, title: str, unit: str, better: Better, /, definition: str) -> Row:
    """Named by its id and under which heading it stands; ``definition`` is what a reader sees."""
    return Row(id=id_, title=title, unit=unit, better=better, definition=definition, group=group)


def percentile(key: str) -> Callable[[Paced], Bounds | None]:
    """A quantile of the record's hold, between its two sides."""

    def bounds(record: Paced) -> Bounds | None:
        return None if record.step is None else of_latency(record.step.hold, key)

    return bounds


def rate_reached(record: Paced) -> float | None:
    """In deliveries a second."""
    return None if record.step is None else record.step.hold.deliveries_per_s


def cpu_per_delivery(record: Paced, rules: Rules) -> Bounds | None:
    """Nothing where the rate is too high: what is not delivered in time costs nothing, yet."""
    step = record.step
    if step is None or rules.failure(step) is not None:
        return None
    return exactly(step.cpu_us_per_delivery)

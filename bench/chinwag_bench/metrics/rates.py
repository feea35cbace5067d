"""The rates that are common to all servers, from what searches found."""

from __future__ import annotations

from collections.abc import Sequence

from chinwag_bench.judging.repeats import kept
from chinwag_bench.judging.stats import median
from chinwag_bench.records import Record, Searched


def sustained_rates(
    records: Sequence[Record], kind: type[Searched], load: str = ""
) -> dict[str, float]:
    """Median sustained deliveries a second of each column, over the record of each of its rounds
    that the judge keeps. ``kind`` is the metric's record, ``load`` one of its loads where it has
    several.
    """
    by_column: dict[str, list[Searched]] = {}
    for record in records:
        if isinstance(record, kind) and record.load == load:
            by_column.setdefault(record.column, []).append(record)
    found = {column: _rates(kept(made)) for column, made in by_column.items()}
    return {column: median(rates) for column, rates in found.items() if rates}


def _rates(records: Sequence[Record]) -> list[float]:
    best = [record.best for record in records if isinstance(record, Searched)]
    return [step.hold.deliveries_per_s for step in best if step is not None]


def common_rate(rates: dict[str, float], at_least: float) -> float:
    """Half of the lowest sustained median, but not under ``at_least`` deliveries a second."""
    return max(at_least, min(rates.values()) / 2) if rates else at_least

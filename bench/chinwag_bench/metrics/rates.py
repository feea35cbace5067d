"""The rates of phase B, from what phase A found."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from chinwag_bench.records import Raw, Throughput


def sustained_rates(records: Sequence[Raw]) -> dict[str, float]:
    """Median sustained deliveries a second of each column, over the last record of each of its
    rounds.
    """
    last: dict[tuple[str, int], float | None] = {}
    for record in records:
        if isinstance(record, Throughput):
            rate = record.best.hold.deliveries_per_s if record.best else None
            last[record.column, record.round] = rate
    by_column: dict[str, list[float]] = {}
    for (column, _), rate in last.items():
        if rate is not None:
            by_column.setdefault(column, []).append(rate)
    return {column: median(rates) for column, rates in by_column.items()}


def common_rate(rates: dict[str, float], at_least: float) -> float:
    """Half of the lowest sustained median, but not under ``at_least`` deliveries a second."""
    return max(at_least, min(rates.values()) / 2) if rates else at_least

"""What the page's "Which one for my team and load?" reckons with: measured cells, nothing else.

The page looks the reader's load up in a server's holds, as ``judging.advice`` does, and multiplies
memory. Where a cell has an interval, the end that promises less is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

from chinwag_bench.claims.load import stated_load
from chinwag_bench.judging import advice as judging_advice
from chinwag_bench.judging.matrix import Cell, Matrix
from chinwag_bench.records import Column, Json
from chinwag_bench.render import text


@dataclass(frozen=True)
class Preset:
    """A load to start from."""

    title: str
    connections: int
    deliveries_per_s: float


@dataclass(frozen=True)
class Measured:
    """Under what the cells were measured; ``None`` where the run doesn't say."""

    server_cores: int
    connections: int | None
    memory_connections: int | None


def presets() -> list[Preset]:
    """Three loads; the last one is what the articles say that they ran."""
    stated = stated_load()
    return [
        Preset("A team's chat", 1_000, 1_000),
        Preset("Busy rooms", 10_000, 50_000),
        Preset("The articles' load", stated.connections, stated.deliveries),
    ]


def measured(matrix: Matrix) -> Measured:
    """The conditions of this run that limit what follows from its cells."""
    plan = matrix.run.plan
    return Measured(
        max(1, len(plan.get("server_cores", []))),
        _connections(plan, "throughput"),
        _connections(plan, "memory"),
    )


def _connections(plan: Json, metric: str) -> int | None:
    """``None`` for a run without the metric, whose settings are absent or null."""
    found = (plan.get("settings", {}).get(metric) or {}).get("connections")
    return None if found is None else int(found)


def candidates(matrix: Matrix) -> list[tuple[Column, Json]]:
    """Each measured column with its facts; a second measurement is no other choice."""
    index = text.Index(matrix)
    columns = [column for column in index.measured_columns() if column.aa_of is None]
    return [(column, facts(index, column)) for column in columns]


def facts(index: text.Index, column: Column) -> Json:
    """What the column's holds say of each p99, as [from this p99 on (ms), carried, refused, seen]
    (deliveries/s; see ``judging.advice``), and MB: of the empty server, and per 10,000 joined
    connections.
    """
    points = [one for one in index.matrix.rate_points if one.column == column.id]
    grown = ("memory_joined", "memory_after_rest")
    joined, rested = (_high(index, row, column.id) for row in grown)
    return {
        "within": [
            [from_ms, known.carried, known.refused, known.seen]
            for from_ms, known in judging_advice.table(points)
        ],
        "one_thread": column.threads == "one",
        "empty_mb": _high(index, "memory_empty", column.id),
        "user_mb": joined if rested is None or joined is None else max(joined, rested),
        "kernel_mb": _high(index, "memory_kernel", column.id),
        "most_connections": _most_connections(index.cell("max_connections", column.id)),
    }


def _high(index: text.Index, row: str, column: str) -> float | None:
    cell = index.cell(row, column)
    if cell is None or cell.value is None:
        return None
    top = cell.interval[1] if cell.interval else None
    return max(0.0, cell.value if top is None else top)


def _most_connections(cell: Cell | None) -> float | None:
    """``None`` where it wasn't measured, or where the measurement ended before the server did."""
    return None if cell is None or cell.is_open else cell.value

"""What the page's "Which one for my team and load?" reckons with: measured cells, nothing else.

The page multiplies and divides these by what the reader types in, and says so. Where a cell has an
interval, the end that promises less is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

from chinwag_bench.judging.arithmetic import stated_load
from chinwag_bench.records import Cell, Column, Json, Matrix
from chinwag_bench.render import text

SUSTAINED_P99_MS = 1000.0
"""What "sustained" promises by its definition; throughput has no latency cell of its own."""
POINTS = {"common": "the common rate", "half": "half of its own rate"}


@dataclass(frozen=True)
class Known:
    """A load that one set-up of server cores was seen to carry."""

    deliveries_per_s: float
    p99_ms: float
    where: str


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
    """Each measured column with its facts; the second name of an A/A is no other choice."""
    index = text.Index(matrix)
    columns = [column for column in index.measured_columns() if column.aa_of is None]
    return [(column, facts(index, column.id)) for column in columns]


def languages(matrix: Matrix) -> list[str]:
    """The languages of the candidates, each once, in the matrix's order."""
    return list(dict.fromkeys(column.language for column, _ in candidates(matrix)))


def facts(index: text.Index, column: str) -> Json:
    """Loads in ascending order, and MB: of the empty server, and per 10,000 joined connections."""
    known = sorted(_known(index, column), key=lambda point: point.deliveries_per_s)
    joined, rested = (_high(index, row, column) for row in ("memory_joined", "memory_after_rest"))
    return {
        "loads": [[p.deliveries_per_s, p.p99_ms, p.where] for p in known],
        "empty_mb": _high(index, "memory_empty", column),
        "user_mb": joined if rested is None or joined is None else max(joined, rested),
        "kernel_mb": _high(index, "memory_kernel", column),
        "most_connections": _most_connections(index.cell("max_connections", column)),
    }


def _known(index: text.Index, column: str) -> list[Known]:
    found = []
    for point, where in POINTS.items():
        rate = index.cell(f"{point}_rate", column)
        p99 = _high(index, f"{point}_p99", column)
        if rate is not None and rate.value is not None and p99 is not None:
            found.append(Known(rate.value, p99, where))
    top = index.cell("throughput_deliveries", column)
    if top is not None and top.value is not None:
        low = top.interval[0] if top.interval else top.value
        found.append(Known(low, SUSTAINED_P99_MS, "its highest sustained rate"))
    return found


def _high(index: text.Index, row: str, column: str) -> float | None:
    cell = index.cell(row, column)
    if cell is None or cell.value is None:
        return None
    return max(0.0, cell.interval[1] if cell.interval else cell.value)


def _most_connections(cell: Cell | None) -> float | None:
    """``None`` where it wasn't measured, or where the measurement ended before the server did."""
    return None if cell is None or cell.lower_bound else cell.value

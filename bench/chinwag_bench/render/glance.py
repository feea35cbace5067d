"""The rows that every short table shows, each with its load in its head."""

from __future__ import annotations

from dataclasses import dataclass

from chinwag_bench.judging.matrix import Matrix
from chinwag_bench.records import Column
from chinwag_bench.render import text
from chinwag_bench.render.numbers import number, short

_LEADING = "throughput_deliveries"


@dataclass(frozen=True)
class Head:
    """A column of the short table: a row of the matrix, and the words over it. ``brief`` are two
    lines for narrow columns.
    """

    row: str
    title: str
    unit: str
    brief: tuple[str, str]


def heads(matrix: Matrix) -> list[Head]:
    """The main rows; those of one rate for all say which."""
    rate = matrix.run.common_rate_deliveries_per_s
    at = f" at {number(rate)}/s" if rate else ""
    at_short = f"at {short(rate)}/s" if rate else ""
    known = {row.id for row in matrix.rows}
    wanted = [
        Head(_LEADING, "deliveries/s", "p99 <= 1,000 ms", ("deliv./s", "p99<=1 s")),
        Head("rate_p99_100", "deliveries/s", "p99 <= 100 ms", ("deliv./s", "<=100 ms")),
        Head("rate_p99_10", "deliveries/s", "p99 <= 10 ms", ("deliv./s", "<=10 ms")),
        Head("common_p99", "p99", f"ms{at}", ("p99 ms", at_short)),
        Head("common_cpu_per_delivery", "CPU a delivery", f"us{at}", ("CPU us", at_short)),
        Head("memory_with_kernel", "memory per 10k", "MB, kernel's too", ("MB per", "10k")),
    ]
    return [head for head in wanted if head.row in known]


def in_order(matrix: Matrix) -> list[Column]:
    """The measured columns but for the second name of an A/A, who delivers most first."""
    index = text.Index(matrix)

    def rate(column: Column) -> float:
        cell = index.cell(_LEADING, column.id)
        return 0.0 if cell is None or cell.value is None else cell.value

    columns = [column for column in index.measured_columns() if column.aa_of is None]
    return sorted(columns, key=rate, reverse=True)

"""What is shown first: the rows of every short table, each with its load in its head, and which
rows and servers the page opens with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from chinwag_bench.judging.matrix import Cell, Matrix, Row
from chinwag_bench.numbers import short
from chinwag_bench.records import Column
from chinwag_bench.render import text

_LEADING = "throughput_deliveries"
SERVERS_SIDE_BY_SIDE = 10
"""As many columns fit beside each other on a page of 1,280 pixels."""
IN_DETAIL = {
    *("throughput_messages", "common_max", "storm_p50", "storm_p99"),
    *("memory_idle", "memory_joined", "memory_after_rest", "memory_kernel"),
    *("cpu_at_n_user", "cpu_at_n_system"),
}
"""Rows that split or repeat what another one says."""
_HOTTEST = 64.0
"""Times behind the best, from which on cells look alike."""


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
    rate, shown = matrix.run.common_rate_deliveries_per_s, text.common_rate(matrix)
    at = f" at {shown}/s" if shown else ""
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
    return [_marked(matrix, head) for head in wanted if head.row in known]


def page_heads(matrix: Matrix) -> list[Head]:
    """Those of the page, which has room for what happens when something goes wrong; there the
    rates within 10 ms stand in the sentences above.
    """
    known = {row.id for row in matrix.rows}
    wanted = [
        Head("kill_unit_all", "recovery", "ms; what was killed below", ("recov.", "ms")),
        Head("hot_upgrade", "upgrade", "% of connections lost", ("upgrade", "% lost")),
        Head("start_first_message", "restart", "ms to a message", ("restart", "ms")),
    ]
    short = [head for head in heads(matrix) if head.row != "rate_p99_10"]
    return [*short, *(_marked(matrix, head) for head in wanted if head.row in known)]


def heat(cell: Cell | None) -> float | None:
    """How far a cell is behind the best of its row, from 0 (the best, or not told apart from it) to
    1 (64 times and more, or behind a best of zero); ``None`` where nobody is ranked.
    """
    if cell is None or cell.tie_with_best is None:
        return None
    if cell.tie_with_best:
        return 0.0
    if cell.behind is None:
        return 1.0
    return min(1.0, max(0.0, math.log(cell.behind.factor) / math.log(_HOTTEST)))


def _marked(matrix: Matrix, head: Head) -> Head:
    """With what all of its values rest on, where that is a single round."""
    if not text.once(matrix, head.row):
        return head
    return replace(head, unit=f"{head.unit}; one round")


def in_order(matrix: Matrix) -> list[Column]:
    """The measured columns but for the second measurement of one, who showed most first."""
    index = text.Index(matrix)

    def rate(column: Column) -> float:
        cell = index.cell(_LEADING, column.id)
        return 0.0 if cell is None or cell.value is None else cell.value

    columns = [column for column in index.measured_columns() if column.aa_of is None]
    return sorted(columns, key=rate, reverse=True)


def all_in_order(matrix: Matrix) -> list[Column]:
    """Those, then the others as the run has them."""
    first = in_order(matrix)
    return [*first, *(column for column in matrix.columns if column not in first)]


def is_first(index: text.Index, row: Row) -> bool:
    """Whether the page opens with the row: it ranks servers, or would if they had been measured to
    their end, and no other one says the same.
    """
    cells = index.matrix.cells
    ranked = any(cell.row == row.id and cell.tie_with_best is not None for cell in cells)
    return (ranked or index.is_open(row.id)) and row.id not in IN_DETAIL


def usual_servers(matrix: Matrix) -> set[str]:
    """The columns that the page opens with: no second measurement; where there is no room for all,
    of each server the variant that showed most, and no optional peers.
    """
    once = [column for column in all_in_order(matrix) if column.aa_of is None]
    if len(once) <= SERVERS_SIDE_BY_SIDE:
        return {column.id for column in once}
    wanted = [column for column in once if not column.peer] or once
    best: dict[str, str] = {}
    for column in wanted:
        best.setdefault(column.server, column.id)
    return set(best.values())

"""The interval bars in the matrix's cells: where a value lies between zero and its row's largest.

One linear scale from zero for each row, so that lengths within a row can be compared by eye.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chinwag_bench.judging.matrix import Cell, Matrix
from chinwag_bench.render.plots import colours, ends, ends_open

LEAST_RATIO = 1.05
"""Where the largest value is less than this times the smallest, equal bars would say nothing."""


@dataclass(frozen=True)
class Strip:
    """A bar and its whisker, in percent of the cell's width; ``low`` is ``None`` without one."""

    value: float
    low: float | None
    high: float | None
    is_open: bool
    """The whisker has no high end."""
    colour: int


def strips(matrix: Matrix) -> dict[tuple[str, str], Strip]:
    """Row and column -> the cell's bar. Rows that can't be compared have none."""
    number = colours(matrix.columns)
    return {
        (cell.row, cell.column): _strip(cell, top, number[cell.column])
        for cells, top in _comparable(matrix)
        for cell in cells
    }


def _comparable(matrix: Matrix) -> Iterator[tuple[list[Cell], float]]:
    """The valued cells of each row, with the largest end among them."""
    by_row: dict[str, list[Cell]] = {}
    for cell in matrix.cells:
        if cell.value is not None:
            by_row.setdefault(cell.row, []).append(cell)
    for cells in by_row.values():
        top = max(max(ends(cell)) for cell in cells)
        values = [cell.value or 0.0 for cell in cells]
        if top > 0 and max(values) > LEAST_RATIO * min(values):
            yield cells, top


def _strip(cell: Cell, top: float, colour: int) -> Strip:
    def at(value: float) -> float:
        return 100 * max(0.0, value) / top

    low, high = ends(cell)
    whisker = cell.interval is not None and low != high
    return Strip(
        at(cell.value or 0.0),
        at(low) if whisker else None,
        at(high) if whisker else None,
        ends_open(cell),
        colour,
    )

"""The README's picture: the main rows as dots on logarithmic axes, one line for each server.

An SVG file of its own, so its colours follow the reader's light or dark mode by themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chinwag_bench.judging.matrix import Cell, Matrix
from chinwag_bench.records import Column
from chinwag_bench.render import palette, text
from chinwag_bench.render.axes import Decades
from chinwag_bench.render.glance import in_order
from chinwag_bench.render.plots import ends
from chinwag_bench.render.templating import ENVIRONMENT

PANELS = {
    "throughput_deliveries": "deliveries/s, p99 up to 1 s",
    "rate_p99_10": "deliveries/s, p99 up to 10 ms",
    "memory_with_kernel": "MB per 10k connections",
}
NAMES_WIDTH = 190
PANEL_WIDTH = 240
VALUE_WIDTH = 90
MARGIN = 14
HEAD_HEIGHT = 74
LINE_HEIGHT = 30


@dataclass(frozen=True)
class Dot:
    """A value at ``x``; ``low`` and ``high`` are the ends of its interval. All in user units.
    ``few``: fewer rounds found it than the run has made.
    """

    x: float
    low: float
    high: float
    label: str
    open_end: bool
    best: bool
    few: bool


@dataclass(frozen=True)
class Panel:
    """One row of the matrix: a dot for each server, ``None`` where there is no value."""

    title: str
    left: float
    ticks: list[tuple[float, str]]
    dots: list[Dot | None]


def draw(matrix: Matrix) -> str:
    """The SVG document. Servers stand in the order of the first panel, the best on top."""
    index = text.Index(matrix)
    columns = in_order(matrix)
    panels = [
        _panel(index, row, title, NAMES_WIDTH + number * PANEL_WIDTH, columns)
        for number, (row, title) in enumerate(PANELS.items())
    ]
    return ENVIRONMENT.get_template("picture.svg").render(
        names=[column.title for column in columns],
        panels=panels,
        width=NAMES_WIDTH + len(PANELS) * PANEL_WIDTH,
        margin=MARGIN,
        label_end=PANEL_WIDTH - MARGIN,
        head=HEAD_HEIGHT,
        line=LINE_HEIGHT,
        light=palette.LIGHT,
        dark=palette.DARK,
    )


def _panel(index: text.Index, row: str, title: str, left: float, columns: list[Column]) -> Panel:
    cells = [index.cell(row, column.id) for column in columns]
    axis = Decades.around([end for cell in cells if cell and cell.value for end in ends(cell)])

    def x(value: float) -> float:
        share = 1 - axis.top(value) / 100
        return round(left + share * (PANEL_WIDTH - VALUE_WIDTH), 1)

    ticks = [(x(10.0**power), _power(power)) for power in range(axis.low, axis.high + 1)]
    if text.once(index.matrix, row):
        title += ", one round"
    return Panel(title, left, ticks, [_dot(cell, x) if cell else None for cell in cells])


def _power(power: int) -> str:
    for size, sign in ((6, "M"), (3, "k")):
        if power >= size:
            return f"{10 ** (power - size)}{sign}"
    return f"{10.0**power:g}"


def _dot(cell: Cell, x: Callable[[float], float]) -> Dot | None:
    if not cell.value:
        return None
    low, high = ends(cell)
    label = text.measured(cell).replace(">= ", "≥ ").replace("<= ", "≤ ").replace(" to ", "-")
    few = bool(text.rounds_of(cell))
    return Dot(x(cell.value), x(low), x(high), label, cell.is_open, bool(cell.tie_with_best), few)

"""The README's picture: the main rows as dots on logarithmic axes, one line for each server.

An SVG file of its own, so its colours follow the reader's light or dark mode by themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from chinwag_bench.judging.matrix import Cell, Matrix
from chinwag_bench.records import Column
from chinwag_bench.render import palette, text
from chinwag_bench.render.axes import Decades
from chinwag_bench.render.glance import in_order
from chinwag_bench.render.plots import ends, ends_open
from chinwag_bench.render.templating import ENVIRONMENT

PANELS = {
    "throughput_deliveries": "deliveries/s, p99 up to 1 s",
    "rate_p99_10": "deliveries/s, p99 up to 10 ms",
    "memory_with_kernel": "MB per 10k connections",
}
PLOT_WIDTH = 120
"""Of a panel, from its first gridline to its last."""
MARGIN = 14
GAP = 24
"""Between a plot and its values: an arrow behind the last gridline ends before it."""
HEAD_HEIGHT = 88
LINE_HEIGHT = 30
# Upper estimates for the widest of the fonts that the picture asks for, at its size of 13.
_DIGIT_WIDTH = 8.3
_SIGN_WIDTH = 11.0
_BETWEEN_WIDTH = 4.7
_BOLD = 1.11
_LETTER_WIDTH = 6.9
_HEAD_LETTER_WIDTH = 7.4


@dataclass(frozen=True)
class Dot:
    """A value at ``x``; ``low`` and ``high`` are the ends of its interval, which has no high one
    where it is an ``open_end``. All in user units.
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
    """One row of the matrix: a dot for each server, ``None`` where there is no value. ``right`` is
    where the values end; ``below`` stands under the title.
    """

    title: str
    below: str
    left: float
    right: float
    ticks: list[tuple[float, str]]
    dots: list[Dot | None]


def draw(matrix: Matrix) -> str:
    """The SVG document. Servers stand in the order of the first panel, the best on top."""
    index = text.Index(matrix)
    columns = in_order(matrix)
    names = [column.title for column in columns]
    panels: list[Panel] = []
    left = 2 * MARGIN + _LETTER_WIDTH * max(map(len, names), default=0)
    for row, title in PANELS.items():
        panels.append(_panel(index, row, title, round(left, 1), columns))
        left = panels[-1].right + 2 * MARGIN
    return ENVIRONMENT.get_template("picture.svg").render(
        names=names,
        panels=panels,
        near=text.near_ceiling(matrix),
        width=round(panels[-1].right + MARGIN),
        margin=MARGIN,
        head=HEAD_HEIGHT,
        line=LINE_HEIGHT,
        light=palette.LIGHT,
        dark=palette.DARK,
    )


def _panel(index: text.Index, row: str, title: str, left: float, columns: list[Column]) -> Panel:
    cells = [index.cell(row, column.id) for column in columns]
    axis = Decades.around([end for cell in cells if cell and cell.value for end in ends(cell)])

    def x(value: float) -> float:
        return round(left + (1 - axis.top(value) / 100) * PLOT_WIDTH, 1)

    ticks = [(x(mark), _power(round(math.log10(mark)))) for mark in axis.marks()]
    dots = [_dot(cell, x, index.mark(cell)) if cell else None for cell in cells]
    values = max((_width(dot) for dot in dots if dot), default=0.0)
    wide = max(PLOT_WIDTH + GAP + values, _HEAD_LETTER_WIDTH * len(title))
    below = "one round" if text.once(index.matrix, row) else ""
    return Panel(title, below, left, round(left + wide, 1), ticks, dots)


def _width(dot: Dot) -> float:
    """What the label takes at most."""
    widths = [
        _DIGIT_WIDTH if sign.isdigit() else _SIGN_WIDTH if sign in "≥≤†" else _BETWEEN_WIDTH
        for sign in dot.label
    ]
    return sum(widths) * (_BOLD if dot.best else 1.0)


def _power(power: int) -> str:
    for size, sign in ((6, "M"), (3, "k")):
        if power >= size:
            return f"{10 ** (power - size)}{sign}"
    return f"{10.0**power:g}"


def _dot(cell: Cell, x: Callable[[float], float], mark: str) -> Dot | None:
    if not cell.value:
        return None
    low, high = ends(cell)
    label = text.measured(cell).replace(">= ", "≥ ").replace("<= ", "≤ ").replace(" to ", "-")
    label += mark
    few = bool(text.rounds_of(cell))
    return Dot(
        x(cell.value), x(low), x(high), label, ends_open(cell), bool(cell.tie_with_best), few
    )

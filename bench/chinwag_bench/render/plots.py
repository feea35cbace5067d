"""The report's charts: geometry in Python, drawn by templates/charts.html as HTML and SVG.

Positions are percentages, so that charts follow the page's width while their text keeps its size.
Colours are CSS variables (Okabe-Ito, told apart by colour-blind readers) that dark mode changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from chinwag_bench.judging.matrix import Cell, Matrix, RatePoint
from chinwag_bench.judging.stats import median
from chinwag_bench.numbers import number
from chinwag_bench.records import Column
from chinwag_bench.render import palette, text
from chinwag_bench.render.axes import Decades, Tick
from chinwag_bench.render.templating import ENVIRONMENT, data_file

LABEL_DISTANCE = 6.5
"""Least distance of two labels at the ends of curves, in percent of the chart's height."""
RIGHT_EDGE = 99.5
"""In percent of the chart's width."""
LAST_QUANTILE = 0.9999
ROUNDED = 1.02
"""What is offered and what is delivered in the same hold differ by its last messages."""
SAME_RATE = 1.07
"""Half of a search's step: rates of two rounds this close are drawn as one point."""


@dataclass(frozen=True)
class Segment:
    """A part of a bar, in percent of the axis."""

    start: float
    width: float
    kind: str
    label: str


@dataclass(frozen=True)
class Bar:
    """One server's bar with its interval; ``low`` and ``high`` are percent of the axis."""

    name: str
    title: str
    colour: int
    again: bool
    value: str
    remark: str
    segments: list[Segment]
    low: float | None = None
    high: float | None = None
    is_open: bool = False
    """The interval has no high end."""


@dataclass(frozen=True)
class Reference:
    """A line of its own name across all bars, at a percentage of the axis."""

    name: str
    value: str
    remark: str
    at: float


@dataclass(frozen=True)
class Known:
    """A value in a row's unit that is no server's."""

    name: str
    value: float
    remark: str


@dataclass(frozen=True)
class BarChart:
    """Bars over one linear axis that starts at zero."""

    title: str
    unit: str
    note: str
    bars: list[Bar]
    legend: list[str] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)


@dataclass(frozen=True)
class Line:
    """A curve: SVG points in a box of 100 x 100, where it ends, and the height of its label."""

    name: str
    colour: int
    dashed: bool
    points: str
    end: tuple[float, float]
    label_at: float
    summary: str
    dots: list[tuple[float, float]] = field(default_factory=list)
    """Where something was measured, for curves of few points."""


@dataclass(frozen=True)
class CurveChart:
    """Curves over two axes; the ticks of the vertical one carry its unit."""

    title: str
    note: str
    x_title: str
    lines: list[Line]
    x_ticks: list[Tick]
    y_ticks: list[Tick]

    @property
    def ends_aligned(self) -> bool:
        """Whether all curves end at the right edge, where labels can stand beside them."""
        return all(line.end[0] >= RIGHT_EDGE for line in self.lines)


def colours(columns: Iterable[Column]) -> dict[str, int]:
    """Column -> number of its colour; all variants of a server share one."""
    servers: dict[str, int] = {}
    return {
        column.id: servers.setdefault(column.server, len(servers) % palette.SERVERS)
        for column in columns
    }


def bars(
    matrix: Matrix, row_id: str, title: str, note: str, known: Sequence[Known] = ()
) -> BarChart:
    """One bar for each server that has a value in the row, the longest scaled to the axis.

    What is ``known`` besides is drawn as lines across the bars.
    """
    index = text.Index(matrix)
    row = index.row(row_id)
    valued = _valued(index, row_id)
    drawn_ends = [max(ends(cell)) for _, cell in valued] + [one.value for one in known]
    top = max(drawn_ends, default=1.0) or 1.0
    found = []
    for column, cell in _sorted(valued, row.better):
        low, high = (100 * end / top for end in ends(cell))
        found.append(
            Bar(
                name=column.id,
                title=column.title,
                colour=colours(matrix.columns)[column.id],
                again=column.aa_of is not None,
                value=text.measured(cell),
                remark=text.interval(cell),
                segments=sides(cell, top),
                low=low if cell.interval else None,
                high=high if cell.interval else None,
                is_open=ends_open(cell),
            )
        )
    lines = [
        Reference(one.name, number(one.value), one.remark, 100 * one.value / top) for one in known
    ]
    return BarChart(title, row.unit, note, found, references=lines)


def _valued(index: text.Index, row_id: str) -> list[tuple[Column, Cell]]:
    found = ((column, index.cell(row_id, column.id)) for column in index.matrix.columns)
    return [(column, cell) for column, cell in found if cell and cell.value is not None]


def ends(cell: Cell) -> tuple[float, float]:
    """The cell's interval; where it has none, its two sides. An open side ends at the other."""
    low, high = cell.interval or (cell.low, cell.high)
    floor = low or 0.0
    top = high if high is not None else max([floor, cell.value or 0.0, *cell.samples])
    return floor, top


def ends_open(cell: Cell) -> bool:
    """Whether nothing says how far up a round may lie: its whisker has no end."""
    return cell.is_open if cell.interval is None else cell.interval[1] is None


def sides(cell: Cell, top: float) -> list[Segment]:
    """Solid up to the low side, light from there to the high one, in percent of the axis."""
    low = max(0.0, 100 * (cell.low or 0.0) / top)
    high = low if cell.high is None else max(low, 100 * cell.high / top)
    solid = Segment(0, low, "solid", "")
    return [solid] if high == low else [solid, Segment(low, high - low, "light", "")]


def _sorted(valued: list[tuple[Column, Cell]], better: str) -> list[tuple[Column, Cell]]:
    return sorted(valued, key=lambda pair: pair[1].value or 0.0, reverse=better == "higher")


def memory_bars(matrix: Matrix, title: str, note: str) -> BarChart:
    """User and kernel memory of joined connections, stacked."""
    index, number_of = text.Index(matrix), colours(matrix.columns)
    stacks = []
    for column, user in _valued(index, "memory_joined"):
        kernel = index.cell("memory_kernel", column.id)
        stacks.append((column, max(0.0, user.value or 0.0), max(0.0, _value_or_zero(kernel))))
    top = max((user + kernel for _, user, kernel in stacks), default=1.0) or 1.0
    found = []
    for column, used, held in sorted(stacks, key=lambda stack: stack[1] + stack[2]):
        split, end = 100 * used / top, 100 * held / top
        found.append(
            Bar(
                name=column.id,
                title=column.title,
                colour=number_of[column.id],
                again=column.aa_of is not None,
                value=number(used + held),
                remark=f"{number(used)} user + {number(held)} kernel",
                segments=[
                    Segment(0, split, "solid", f"user {number(used)} MB"),
                    Segment(split, end, "light", f"kernel {number(held)} MB"),
                ],
            )
        )
    return BarChart(title, "MB", note, found, legend=["user", "kernel"])


def _value_or_zero(cell: Cell | None) -> float:
    return 0.0 if cell is None or cell.value is None else cell.value


def curves(matrix: Matrix, point: str, title: str, note: str) -> CurveChart:
    """The latency distributions at one point, as percentile curves."""
    chosen = [curve for curve in matrix.curves if curve.point == point and curve.points]
    decades = Decades.around([ms for curve in chosen for _, ms in curve.points])
    lines = drawn(
        matrix,
        [
            Series(
                curve.column,
                [(_x(q), decades.top(ms)) for q, ms in curve.points if _is_drawn(q)],
                f"{curve.column} at {number(curve.deliveries_per_s)} deliveries/s",
            )
            for curve in chosen
        ],
    )
    x_ticks = [
        *(Tick(_x(q), name, f"{1 - q:.4g}") for q, name in PERCENTILE_TICKS),
        Tick(100, "max"),
    ]
    return CurveChart(title, note, PERCENTILE_TITLE, lines, x_ticks, decades.ticks())


def delay_over_rate(matrix: Matrix, title: str, note: str) -> CurveChart:
    """p99 over the rate, a line a server: all holds that were delivered in full, of all rounds, up
    to the server's throughput.
    """
    index = text.Index(matrix)
    lines = {column.id: _up_to_throughput(index, column.id) for column in matrix.columns}
    drawn_points = [point for points in lines.values() for point in points]
    across = Decades.fitted([rate for rate, _ in drawn_points])
    up = Decades.fitted([ms for _, ms in drawn_points])
    series = [
        Series(
            column,
            [(100 - across.top(rate), up.top(ms)) for rate, ms in points],
            "{} up to {} deliveries/s at p99 {} ms".format(column, *map(number, points[-1])),
        )
        for column, points in lines.items()
        if points
    ]
    x_ticks = [Tick(100 - across.top(mark), _rate(mark)) for mark in across.marks()]
    lines_drawn = drawn(matrix, series, dotted=True)
    return CurveChart(title, note, "deliveries per second", lines_drawn, x_ticks, up.ticks())


def _up_to_throughput(index: text.Index, column: str) -> list[tuple[float, float]]:
    """Without what single rounds kept beyond the median that the tables have."""
    cell = index.cell("throughput_deliveries", column)
    most = math.inf if cell is None or cell.value is None else cell.value * ROUNDED
    return _median_points(
        [
            one
            for one in index.matrix.rate_points
            if one.column == column and not one.only_seen and one.deliveries_per_s <= most
        ]
    )


def _rate(value: float) -> str:
    for size, sign in ((1e6, " M"), (1e3, " k")):
        if value >= size * (1 - 1e-9):
            return f"{value / size:.3g}{sign}"
    return f"{value:g}"


def _median_points(points: Sequence[RatePoint]) -> list[tuple[float, float]]:
    """(rate, p99), rates within 7 % of each other as one: the median of what they gave."""
    groups: list[list[RatePoint]] = []
    for point in sorted(points, key=lambda one: one.deliveries_per_s):
        if not point.kept:
            continue
        if groups and point.deliveries_per_s <= groups[-1][0].deliveries_per_s * SAME_RATE:
            groups[-1].append(point)
        else:
            groups.append([point])
    return [
        (
            median([one.deliveries_per_s for one in group]),
            median([one.p99_ms[1] for one in group]),
        )
        for group in groups
    ]


PERCENTILE_TICKS = [(0.0, "p0"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9"), (0.9999, "p99.99")]
PERCENTILE_TITLE = "percentile q; below it 1 - q, the share of deliveries that took longer"


def _x(quantile: float) -> float:
    """Logarithmic towards 1: each further nine takes the same width. 1 itself is the right edge."""
    if quantile >= 1:
        return 100.0
    nines = -math.log10(1 - min(quantile, LAST_QUANTILE))
    return 90 * nines / -math.log10(1 - LAST_QUANTILE)


def _is_drawn(quantile: float) -> bool:
    return quantile <= LAST_QUANTILE or quantile >= 1


@dataclass(frozen=True)
class Series:
    """What a curve is made of: points in percent from the left and from the top."""

    column: str
    points: list[tuple[float, float]]
    summary: str


def drawn(matrix: Matrix, series: Sequence[Series], dotted: bool = False) -> list[Line]:
    """The curves with their labels, in the order in which they end: the furthest right first, of
    those that end at the right edge the highest. There, labels stand beside the ends, none over
    another.
    """
    series = sorted(series, key=lambda one: (-round(one.points[-1][0], 1), one.points[-1][1]))
    by_id = {column.id: column for column in matrix.columns}
    number_of = colours(matrix.columns)
    distance = min(LABEL_DISTANCE, 100 / max(1, len(series) - 1))
    labels = spaced([one.points[-1][1] for one in series], distance)
    return [
        Line(
            name=one.column,
            colour=number_of[one.column],
            dashed=_is_dashed(by_id[one.column]),
            points=" ".join(f"{x:.2f},{y:.2f}" for x, y in one.points),
            end=one.points[-1],
            label_at=label_at,
            summary=one.summary,
            dots=one.points if dotted else [],
        )
        for one, label_at in zip(series, labels, strict=True)
    ]


def _is_dashed(column: Column) -> bool:
    return column.aa_of is not None or column.variant != "default"


def spaced(wanted: Sequence[float], distance: float) -> list[float]:
    """Positions near the wanted ones, in their order, at least ``distance`` apart, up to 100."""
    order = sorted(range(len(wanted)), key=lambda place: wanted[place])
    placed: dict[int, float] = {}
    previous = -distance
    for place in order:
        placed[place] = previous = max(wanted[place], previous + distance)
    ceiling = 100.0
    for place in reversed(order):
        placed[place] = ceiling = min(placed[place], ceiling)
        ceiling -= distance
    return [placed[place] for place in range(len(wanted))]


def draw(chart: BarChart | CurveChart) -> Markup:
    """The chart as HTML, to stand in a page that has ``style()``."""
    macros = ENVIRONMENT.get_template("charts.html").module
    name = "bars" if isinstance(chart, BarChart) else "curves"
    return Markup(getattr(macros, name)(chart))


def style() -> Markup:
    """The charts' style sheet as a <style> element, for pages other than the report."""
    return Markup(f"<style>{palette.css()}{data_file('charts.css')}</style>")

"""For a team that has its language: the best server of each, which the page opens with."""

from __future__ import annotations

import math
from dataclasses import dataclass

from chinwag_bench.judging.bounds import Bounds, ratio
from chinwag_bench.judging.matrix import Cell, Matrix
from chinwag_bench.numbers import short
from chinwag_bench.render import text

RATE_ROW = "throughput_deliveries"
PROMPT_ROW = "rate_p99_10"
MEMORY_ROW = "memory_with_kernel"
TUNED = "tuned: its library's advice for broadcast, mostly one copy of a message a room."
LEVEL = "~: not told apart."


@dataclass(frozen=True)
class LanguageBest:
    """The variant that carries most of those written in a language, as printed."""

    language: str
    """Or the name of a server that stands apart from others of its language."""
    column: str
    deliveries_per_s: str
    prompt_deliveries_per_s: str
    """With a p99 of at most 10 ms; empty where it was not measured."""
    prompt_is_level: bool
    """Others may carry as much within that p99, or more."""
    memory_mb: str
    """Of 10,000 connections; empty where it was not measured."""
    remark: str
    """How many times its server's default it carries: "21x its default"; empty of another variant
    than `tuned`, and where the default has no rate. Of a server that stands apart its language.
    """


def best_by_language(matrix: Matrix, own_server: str) -> list[LanguageBest]:
    """Who carries most first, ``own_server`` apart from others of its language; empty where that
    leaves one.
    """
    columns = {column.id: column for column in matrix.columns if column.aa_of is None}
    best: dict[str, Cell] = {}
    valued = [c for c in matrix.cells if c.row == RATE_ROW and c.value is not None]
    for cell in sorted(valued, key=lambda one: one.value or 0.0, reverse=True):
        if column := columns.get(cell.column):
            language = column.title.partition(" · ")[0]
            best.setdefault(own_server if column.server == own_server else language, cell)
    if len(best) < 2:
        return []
    index = text.Index(matrix)
    return [_shown(matrix, index, language, cell) for language, cell in best.items()]


def _is_level(index: text.Index, cell: Cell | None) -> bool:
    """Whether it may be the best, and another one may be, too."""

    def may_lead(one: Cell | None) -> bool:
        return one is not None and (bool(one.tie_with_best) or index.is_undecided(one))

    if cell is None or not may_lead(cell):
        return False
    row = (index.cell(cell.row, column.id) for column in index.measured_columns())
    return any(may_lead(one) for one in row if one is not cell)


def _shown(matrix: Matrix, index: text.Index, language: str, cell: Cell) -> LanguageBest:
    column = next(one for one in matrix.columns if one.id == cell.column)
    memory = index.cell(MEMORY_ROW, cell.column)
    prompt = index.cell(PROMPT_ROW, cell.column)
    return LanguageBest(
        language,
        cell.column,
        f"{_rate(cell)}{index.mark(cell)}",
        "" if prompt is None or prompt.value is None else _rate(prompt),
        _is_level(index, prompt),
        "" if memory is None or memory.value is None else text.measured(memory),
        column.language if language == cell.column else over_default(matrix, cell),
    )


def _rate(cell: Cell) -> str:
    return text.measured_short(cell).replace("-", " to ").replace(">=", ">= ").replace("<=", "<= ")


def is_tuned(one: LanguageBest) -> bool:
    """Whether its column is a `tuned` one."""
    return one.column.endswith(":tuned")


def over_default(matrix: Matrix, cell: Cell) -> str:
    """How many times its server's default a `tuned` column carries, "4.9 to 5.2x its default";
    empty of another column, and where the default has no rate.
    """
    column = next(one for one in matrix.columns if one.id == cell.column)
    default = text.Index(matrix).cell(cell.row, column.server)
    if column.variant != "tuned" or default is None or not default.value:
        return ""
    return f"{_factor(ratio(_sides(cell), _sides(default)))} its default"


def _sides(cell: Cell) -> Bounds:
    assert cell.low is not None
    return Bounds(cell.low, math.inf if cell.high is None else cell.high)


def _factor(apart: Bounds) -> str:
    if math.isinf(apart.high):
        return f">= {short(apart.low)}x"
    if apart.low == 0:
        return f"<= {short(apart.high)}x"
    low, high = short(apart.low), short(apart.high)
    return f"{low}x" if low == high else f"{low} to {high}x"

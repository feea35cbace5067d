"""How numbers and verdicts read, the same in the terminal, in Markdown and in HTML."""

from __future__ import annotations

import math
from collections import Counter
from datetime import datetime, timezone

from chinwag_bench.records import Cell, Claim, Column, Matrix, Published, Row, Verdict

SIGNIFICANT = 3
VERDICT_LABELS = {
    "reproduced": "reproduced",
    "differs": "differs",
    "impossible": "impossible as stated",
    "not_measurable": "not measurable",
}
ENDS = {
    "generator": "the generator",
    "server": "the server",
    "cap": "the plan",
    "time": "the plan's time",
    "latency": "its latency",
    "loss": "a loss",
    "refusal": "a refusal",
    "memory": "the memory",
}
"""What ends a search, by the word in the record."""
VERDICT_SIGNS = {"reproduced": "=", "differs": "≠", "impossible": "✗", "not_measurable": "?"}
CLAIM_LABELS = {**VERDICT_LABELS, "reproduced": "adds up", "differs": "does not add up"}


def number(value: float | None) -> str:
    """Three significant digits, thousands set apart; "-" for none."""
    if value is None or math.isnan(value):
        return "-"
    if value == 0:
        return "0"
    if math.isinf(value):
        return "unbounded"
    digits = SIGNIFICANT - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, digits)
    return f"{rounded:,.{max(0, min(digits, 6))}f}"


def bound(cell: Cell) -> str:
    """The sign before a value of which one side is open."""
    return ">= " if cell.lower_bound else "<= " if cell.upper_bound else ""


def measured(cell: Cell) -> str:
    """The value as printed in a table: ">= 603,000", or "-" where there is none.

    A value without a unit is a count, and exact.
    """
    if cell.value is None:
        return "-"
    return bound(cell) + (number(cell.value) if cell.unit else f"{cell.value:,.0f}")


def interval(cell: Cell) -> str:
    """The ends of the interval, or nothing."""
    if cell.interval is None:
        return ""
    low, high = (number(end) for end in cell.interval)
    return "" if low == high else f"{low} to {high}"


def ended(cell: Cell, row: Row) -> str:
    """What keeps the value from being larger, or what else is in it; empty where neither is known.

    All rows of one record know why it ended, but only a rate or a count was ended by it.
    """
    if cell.upper_bound:
        return "with the generator's lag"
    if not cell.limited_by or row.better != "higher":
        return ""
    return f"ended by {end_in_words(cell.limited_by)}"


def end_in_words(limited_by: str) -> str:
    """``Limited.limited_by`` of one round or of several, as a part of a sentence."""
    return " or ".join(ENDS.get(word, word) for word in limited_by.split(", "))


def quoted(figure: Published) -> str:
    """The published figure as it stands, thousands set apart where it is a number."""
    if isinstance(figure.value, str):
        return figure.value
    return f"{figure.value:,.15g}"


def with_unit(value: str, unit: str) -> str:
    """The value and its unit, if it has one."""
    return f"{value} {unit}" if unit else value


def factor(verdict: Verdict) -> str:
    """ "0.15 x" where measured and published are numbers of one unit."""
    if verdict.factor is None or verdict.factor <= 0:
        return ""
    return f"{number(verdict.factor)} x" if verdict.factor >= 1 else f"{verdict.factor:.2g} x"


def verdict_label(verdict: Verdict) -> str:
    """The verdict in a word or two."""
    return VERDICT_LABELS[verdict.kind]


def claim_label(claim: Claim) -> str:
    """The verdict on a sum: whether it adds up."""
    return CLAIM_LABELS[claim.verdict.kind]


def coverage(matrix: Matrix) -> str:
    """What the intervals are, in words."""
    most = max((cell.rounds for cell in matrix.cells), default=0)
    found = [c.coverage for c in matrix.cells if c.coverage is not None and c.rounds == most]
    if not found:
        return "One round: no intervals; differences up to 10 % count as ties."
    kind = "the range of the rounds" if most < 8 else "a bootstrap of the median"
    return (
        f"Values are medians of {most} rounds; intervals are {kind} and hold the true median with "
        f"{found[0]:.0%} probability. What was measured once has no interval."
    )


def date(seconds: float) -> str:
    """Seconds since the epoch as a date and time in UTC."""
    return datetime.fromtimestamp(seconds, tz=timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def first_line(reason: str | None) -> str:
    """A reason's first line; further lines are evidence, such as the end of a log."""
    return (reason or "").strip().split("\n", 1)[0]


def row_title(row: Row) -> str:
    """The row's name with its unit."""
    return f"{row.title} ({row.unit})" if row.unit else row.title


def machine(matrix: Matrix) -> str:
    """The machine in one line, from whatever of its fingerprint is known."""
    found = matrix.run.machine
    cpu = found.get("cpu")
    name = cpu.get("model") if isinstance(cpu, dict) else cpu
    cores = cpu.get("logical") if isinstance(cpu, dict) else None
    parts = [str(name or "unknown processor")]
    if cores:
        parts.append(f"{cores} cores")
    parts += [str(found[key]) for key in ("system", "kernel") if found.get(key)]
    return ", ".join(parts)


class Index:
    """A matrix's cells by row and column, and its rows by group."""

    def __init__(self, matrix: Matrix) -> None:
        self.matrix = matrix
        self._cells = {(cell.row, cell.column): cell for cell in matrix.cells}
        self._rows = {row.id: row for row in matrix.rows}
        self._titles = Counter(row.title for row in matrix.rows)

    def cell(self, row: str, column: str) -> Cell | None:
        """The cell, or ``None`` where the matrix has no such row."""
        return self._cells.get((row, column))

    def row(self, row: str) -> Row:
        """The row. Raises KeyError for an unknown one."""
        return self._rows[row]

    def is_ambiguous(self, row: str) -> bool:
        """Whether rows of other groups have the same title."""
        return self._titles[self._rows[row].title] > 1

    def why_empty(self, row: str) -> str:
        """The reason that all measured columns share for having no value in the row, if any."""
        cells = [self.cell(row, column.id) for column in self.measured_columns()]
        reasons = {cell.reason if cell and cell.value is None else None for cell in cells}
        return first_line(reasons.pop()) if len(reasons) == 1 else ""

    def groups(self) -> dict[str, list[Row]]:
        """Heading -> rows, in the matrix's order."""
        found: dict[str, list[Row]] = {}
        for row in self.matrix.rows:
            found.setdefault(row.group, []).append(row)
        return found

    def measured_columns(self) -> list[Column]:
        """Columns that ran."""
        return [column for column in self.matrix.columns if column.status == "ok"]

    def unmeasured_columns(self) -> list[Column]:
        """Columns that failed or lack their toolchain; each has its reason."""
        return [column for column in self.matrix.columns if column.status != "ok"]

    def figures(self) -> list[tuple[Cell, Published, Verdict]]:
        """Every published figure with its verdict, in the order of rows."""
        return [
            (cell, figure, figure.verdict)
            for cell in self.matrix.cells
            for figure in cell.published
            if figure.verdict is not None
        ]

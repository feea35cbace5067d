"""How numbers and verdicts read, the same in the terminal, in Markdown and in HTML."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timezone

from chinwag_bench.judging.matrix import Behind, Cell, Matrix, Published, Row, Verdict
from chinwag_bench.machine.run_network import BOTH, CONGESTION_CONTROL, OWN
from chinwag_bench.numbers import number, short
from chinwag_bench.records import Column
from chinwag_bench.render import notes

OPEN_ROW = "open who is best"
"""Of a row in which those that may be the best were stopped before their end."""
NEAR_CEILING = "†"
"""Of a rate near what the load generator was seen to do, or beyond it."""
NOT_TOLD_APART = "not told apart"
"""Of a cell that is neither beaten nor called best, where another one is."""
_ROUNDING = 1e-9
"""2.0 may be stored as a little less."""
KILLED = {"connection": "connection", "worker": "worker", "all": "server"}
"""What a kill of the smallest unit is of."""
UPGRADED = {
    "code": "code replaced",
    "handover": "connections handed over",
    "workers": "workers replaced",
    "socket": "same socket",
    "port": "same port",
    "restart": "stopped first",
}
"""How a server gets its new build."""
_NEVER_S = 253_402_300_800.0
"""The end of the year 9999."""


def measured(cell: Cell) -> str:
    """The value as printed in a table: ">= 603,000" where its high side is open, "0.93 to 2.53"
    where its two sides differ, "8.72 / 382 / 488" where its rounds do; "-" where there is none.

    A value without a unit is a count, and exact.
    """
    return _measured(cell, number if cell.unit else _count)


def measured_short(cell: Cell) -> str:
    """The same for narrow columns: ">=603k", "0.93-2.53", "8.72/382/488"."""
    shown = _measured(cell, short if cell.unit else _count)
    return shown.replace(" / ", "/").replace(" to ", "-").replace("= ", "=")


def _measured(cell: Cell, show: Callable[[float], str]) -> str:
    if cell.value is None or cell.low is None:
        return "-"
    if cell.scattered:
        return " / ".join(show(value) for value in cell.samples)
    if cell.high is None:
        return f">= {show(cell.low)}"
    if show(cell.low) == show(cell.high):
        return show(cell.high)
    if cell.low <= 0:
        return f"<= {show(cell.high)}"
    return f"{show(cell.low)} to {show(cell.high)}"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def bound(cell: Cell) -> str:
    """The sign before a value of which the high side is open."""
    return ">= " if cell.is_open else ""


def interval(cell: Cell) -> str:
    """The ends of the interval, or nothing where it says no more than the value."""
    if cell.interval is None:
        return ""
    low, high = cell.interval
    if high is None:
        return f"rounds: {number(low)} or more"
    shown = f"{number(low)} to {number(high)}"
    return "" if number(low) == number(high) or shown == measured(cell) else f"rounds: {shown}"


def rounds_of(cell: Cell | None) -> str:
    """ "1 of 3 rounds" where a value rests on fewer rounds than the run has made for its row, so
    that it is less certain than it looks; empty elsewhere.
    """
    if cell is None or cell.value is None:
        return ""
    for note in cell.notes:
        if note.code in ("rounds_not_looked", "rounds_without_value"):
            used = note.args["used"]
            return f"{used - note.args['missing']} of {used} rounds"
        if note.code == "pooled":
            return "rounds pooled"
    return ""


def of_what(cell: Cell | None) -> str:
    """What was killed, or how the server was upgraded, where servers are not alike in that:
    "connection", "same socket"; empty elsewhere.
    """
    for note in [] if cell is None or cell.value is None else cell.notes:
        if note.code == "killed":
            return KILLED.get(note.args["unit"], "")
        if note.code == "upgraded_by":
            return UPGRADED.get(note.args["way"], "")
    return ""


def once(matrix: Matrix, row: str) -> bool:
    """Whether all values of a row are of one round by plan, which shows no noise."""
    rounds = {cell.rounds for cell in matrix.cells if cell.row == row and cell.value is not None}
    several = any(cell.rounds > 1 for cell in matrix.cells)
    marked = any(rounds_of(c) or _is_of_kills(c) for c in matrix.cells if c.row == row)
    return rounds == {1} and several and not marked


def _is_of_kills(cell: Cell) -> bool:
    """Whether it is of several kills, though of one round."""
    return any(note.code == "killed" for note in cell.notes)


def ended(cell: Cell, row: Row) -> str:
    """What keeps a rate or a count from being larger; empty where that isn't known."""
    if not cell.limited_by or row.better != "higher":
        return ""
    return f"ended by {notes.ended_by(cell.limited_by)}"


def noise(matrix: Matrix, row: str) -> str:
    """By how much one server that was measured twice differs in a row, "0.88 to 1.29 x"; empty if
    unknown.
    """
    found = matrix.aa["range"].get(row)
    if found is None:
        return ""
    low, high = (f"{end:.2f}" for end in found)
    return f"{low} x" if low == high else f"{low} to {high} x"


def apart(matrix: Matrix, row: str) -> str:
    """By what factor the rounds of two servers have to be apart in a row, "1.16x"; empty where it
    ranks nobody, or in a matrix of a version that did not tell.
    """
    found = matrix.aa.get("apart", {}).get(row)
    return "" if found is None else f"{math.ceil(found * 100 * (1 - _ROUNDING)) / 100:.2f}x"


def times(behind: Behind) -> str:
    """By how much the nearest rounds are apart, "13x", rounded down; ">= 2.7x" where the best was
    stopped before its end.
    """
    return f"{'>= ' if behind.at_least else ''}{rounded_down(behind.factor)}x"


def rounded_down(factor: float) -> str:
    """With as many digits as say by how much it is more than 1: "13", "2.7", "1.09"."""
    digits = 3 if factor < 1.1 else 2
    step = 10.0 ** (math.floor(math.log10(factor)) + 1 - digits)
    return number(math.floor(factor / step * (1 + _ROUNDING)) * step, digits)


def ranks(matrix: Matrix, row: Row) -> bool:
    """Whether anybody is best in the row."""
    return row.better != "none" and row.id not in matrix.aa["unranked"]


def quoted(figure: Published) -> str:
    """The published figure as it stands, thousands set apart where it is a number."""
    if isinstance(figure.value, str):
        return figure.value
    return f"{figure.value:,.15g}"


def factor(verdict: Verdict) -> str:
    """ "0.15 x" where measured and published are numbers of one unit."""
    if verdict.factor is None or verdict.factor <= 0:
        return ""
    return f"{number(verdict.factor)} x" if verdict.factor >= 1 else f"{verdict.factor:.2g} x"


def coverage(matrix: Matrix) -> str:
    """What the values and intervals are, in words."""
    if not any(cell.coverage is not None for cell in matrix.cells):
        return "One round: no intervals; differences up to 10 % count as ties."
    return (
        "Values are medians of the rounds; where two numbers stand, the true value lies between "
        "them. Intervals are the range of the rounds, from eight on a bootstrap of the median. "
        "Each row says how many rounds it has, and how probably an interval of so many holds the "
        "true median."
    )


def rounds(matrix: Matrix, row: str) -> str:
    """ "3 rounds, 75 %": of how many a row's values are medians, and how probably the interval of
    so many holds the true one. Empty for a row without values, or whose values are no medians.
    """
    cells = [cell for cell in matrix.cells if cell.row == row and cell.value is not None]
    most = max((cell.rounds for cell in cells), default=0)
    if most <= 1:
        return "one round" if once(matrix, row) else ""
    found = [cell.coverage for cell in cells if cell.rounds == most and cell.coverage is not None]
    return f"{most} rounds" + (f", {100 * found[0]:.3g} %" if found else "")


def common_rate(matrix: Matrix) -> str:
    """The rate that all servers are compared at, as its row has it, "55,300"; empty where there is
    none.
    """
    reached = [c.value for c in matrix.cells if c.row == "common_rate" and c.value is not None]
    rate = sorted(reached)[len(reached) // 2] if reached else None
    planned = matrix.run.common_rate_deliveries_per_s
    return number(rate if rate is not None else planned) if planned else ""


def near_ceiling(matrix: Matrix) -> str:
    """What ``NEAR_CEILING`` behind a rate means; empty where none is near."""
    if not matrix.near_ceiling:
        return ""
    most = max(matrix.near_ceiling, key=lambda one: one.share)
    return (
        f"{NEAR_CEILING} near what the load generator showed in its calibration, or beyond it "
        f"({most.column}: {most.share:.0%}): it may have held the server back."
    )


def date(seconds: float) -> str:
    """Seconds since the epoch as a date and time in UTC; "-" for what is no time."""
    if not 0 <= seconds < _NEVER_S:
        return "-"
    return datetime.fromtimestamp(seconds, tz=timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def first_line(reason: str | None) -> str:
    """A reason's first line; further lines are evidence, such as the end of a log."""
    return (reason or "").strip().split("\n", 1)[0]


def library(column: Column) -> str:
    """What the server is made with, "tokio-tungstenite"; empty where its id says it."""
    name = column.title.partition(" · ")[2].partition(" (")[0]
    return "" if name == column.server else name


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


def network(matrix: Matrix) -> str | None:
    """Where servers and generator met, in a sentence; ``None`` of runs from before it was written
    down.
    """
    described = matrix.run.plan.get("network")
    if described is None:
        return None
    if described == BOTH:
        return f"The network was {BOTH}."
    control = (matrix.run.machine.get("sysctl") or {}).get(CONGESTION_CONTROL) or "not shown"
    whose = "a network namespace of the run's own" if described == OWN else "the machine's network"
    reason = described.partition(": ")[2]
    because = f", because {reason}" if reason else ""
    return f"Servers and generator met in {whose}{because}; congestion control: {control}."


def _servers_by_row(matrix: Matrix, cells: Sequence[Cell]) -> dict[str, set[str]]:
    servers = {column.id: column.server for column in matrix.columns}
    found: dict[str, set[str]] = {}
    for cell in cells:
        found.setdefault(cell.row, set()).add(servers.get(cell.column, cell.column))
    return found


class Index:
    """A matrix's cells by row and column, and its rows by group."""

    def __init__(self, matrix: Matrix) -> None:
        self.matrix = matrix
        self._cells = {(cell.row, cell.column): cell for cell in matrix.cells}
        self._rows = {row.id: row for row in matrix.rows}
        self._titles = Counter(row.title for row in matrix.rows)
        again = {column.id for column in matrix.columns if column.aa_of is not None}
        once = [cell for cell in matrix.cells if cell.column not in again]
        self._leaders = Counter(cell.row for cell in once if cell.tie_with_best)
        self._leading_servers = _servers_by_row(matrix, [c for c in once if c.tie_with_best])
        self._ranked = Counter(cell.row for cell in once if cell.tie_with_best is not None)
        self._near = {(one.row, one.column) for one in matrix.near_ceiling}
        self._undecided = Counter(cell.row for cell in once if self.is_undecided(cell))

    def cell(self, row: str, column: str) -> Cell | None:
        """The cell, or ``None`` where the matrix has no such row."""
        return self._cells.get((row, column))

    def row(self, row: str) -> Row:
        """The row. Raises KeyError for an unknown one."""
        return self._rows[row]

    def is_ambiguous(self, row: str) -> bool:
        """Whether rows of other groups have the same title."""
        return self._titles[self._rows[row].title] > 1

    def is_undecided(self, cell: Cell | None) -> bool:
        """Whether it may be the best of its row, and nobody knows: a search that was stopped there,
        a limit that such a one may exceed, or rounds too far apart. Its figure is no place in an
        order.
        """
        if cell is None or cell.tie_with_best is not None or not cell.may_rank:
            return False
        return ranks(self.matrix, self._rows[cell.row])

    def mark(self, cell: Cell) -> str:
        """What stands behind its value: ``NEAR_CEILING``, or nothing."""
        return NEAR_CEILING if (cell.row, cell.column) in self._near else ""

    def is_open(self, row: str) -> bool:
        """Whether nobody knows the row's best, because measurements that may have gone on were
        stopped.
        """
        cells = [self.cell(row, column.id) for column in self.measured_columns()]
        best = any(cell is not None and cell.tie_with_best for cell in cells)
        return not best and any(map(self.is_undecided, cells))

    def why_empty(self, row: str) -> str:
        """The reason that all measured columns share for having no value in the row, if any."""
        cells = [self.cell(row, column.id) for column in self.measured_columns()]
        reasons = {
            notes.sentence(cell.reason) if cell and cell.value is None else "" for cell in cells
        }
        return first_line(reasons.pop()) if len(reasons) == 1 else ""

    def place(self, cell: Cell | None) -> str:
        """ "best", "tied", "all tied", or how many times better the best is: "2.7x";
        "showed most" or "lowest" of the best beside which another is ``NOT_TOLD_APART``; of an open
        cell that may be the best, what ended it.

        Empty where the row ranks nobody.
        """
        if cell is None:
            return ""
        if cell.tie_with_best is None:
            if cell.is_open:
                return ended(cell, self._rows[cell.row])
            beside = self._leaders[cell.row] and self.is_undecided(cell)
            return NOT_TOLD_APART if beside else ""
        if cell.tie_with_best:
            leaders, ranked = self._leaders[cell.row], self._ranked[cell.row]
            # Variants of one server need not be told apart to say which server it is.
            if len(self._leading_servers.get(cell.row, ())) < 2:
                higher = self._rows[cell.row].better == "higher"
                furthest = "showed most" if higher else "lowest"
                return furthest if self._undecided[cell.row] else "best"
            return "all tied" if leaders == ranked else "tied"
        return "" if cell.behind is None else times(cell.behind)

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

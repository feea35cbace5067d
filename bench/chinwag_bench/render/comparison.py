"""Two runs in a terminal: one table, rows grouped as in the matrix."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from chinwag_bench.compare import Comparison
from chinwag_bench.compare.difference import FALSE_DISCOVERIES_MAX, Difference
from chinwag_bench.compare.verdicts import Verdicts
from chinwag_bench.numbers import number
from chinwag_bench.render import claims
from chinwag_bench.render.tables import print_whole
from chinwag_bench.render.text import row_title

STYLES = {"better": "green", "worse": "red", "changed": "yellow", "same": "", "unclear": "dim"}
SIGNS = {"same": "~", "unclear": "?", "absent": ""}
LEGEND = (
    "columns: before, after, change of the medians, its interval{}\n"
    "~ no significant change   ? can't be told"
)


WARNINGS_SHOWN = 5
_INDENT = "  "
_NAME = 16
_WIDTHS = (11, 11, 9, 18, 7)
"""Of what stands beside a name: before, after, change, interval, sign."""


def print_comparison(found: Comparison, console: Console, *, whole: bool = False) -> None:
    """Prints one line that sums up, what makes the runs differ besides, and what changed.
    ``whole``: all rows, all warnings, and why some can't be told.
    """
    console.print(Text(found.summary(), style="bold"))
    warnings = found.warnings if whole else found.warnings[:WARNINGS_SHOWN]
    for warning in warnings:
        console.print(Text.assemble(("warning: ", "yellow"), f"the runs differ: {warning}"))
    if len(warnings) < len(found.warnings):
        more = len(found.warnings) - len(warnings)
        console.print(Text(f"{more} more differences of the runs: --all", style="dim"))
    shown = [
        one for one in found.differences if one.kind != "absent" and (one.significant or whole)
    ]
    width = _width_of_names(shown, console)
    for row in found.rows:
        mine = [one for one in shown if one.row == row.id]
        if mine:
            console.print(Text(f"{row.group}: {row_title(row)}", style="bold"))
            print_whole(console, _table(mine, width))
    if shown:
        console.print(Text(LEGEND.format(_coverage(shown)), style="dim"))
    for reason, columns in _reasons(shown).items():
        console.print(Text(f"? {reason}: {', '.join(columns)}", style="dim"))
    if found.significant:
        text = f"of what is called changed, {FALSE_DISCOVERIES_MAX:.0%} is expected to be noise"
        console.print(Text(text, style="dim"))
    _print_verdicts(found.verdicts, console, whole=whole)


def _print_verdicts(found: Verdicts, console: Console, *, whole: bool) -> None:
    """How many statements have the same verdict, and which one they have otherwise; ``whole``: also
    where one of the runs does not decide it.
    """
    if summary := found.summary():
        console.print(Text(summary, style="bold"))
    for one in found.changes if whole else found.decided:
        kinds = f"{claims.LABELS[one.before]} -> {claims.LABELS[one.after]}"
        rest = " (undecided in one of the runs)" if one.undecided else ""
        console.print(Text(f"  {one.claim}: {one.statement}: {kinds}{rest}"), soft_wrap=True)


def _width_of_names(shown: list[Difference], console: Console) -> int:
    """As the longest one takes; on a terminal only as much as the figures leave."""
    longest = max((len(_INDENT + one.column) for one in shown), default=0)
    room = console.width - sum(_WIDTHS) - len(_WIDTHS)
    return max(_NAME, min(longest, room) if console.is_terminal else longest)


def _table(shown: list[Difference], width_of_names: int) -> Table:
    """One row of the matrix: a line a column. Fixed widths, so that the rows line up."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_header=False)
    table.add_column(width=width_of_names, overflow="fold")
    for width in _WIDTHS[:-1]:
        table.add_column(justify="right", width=width, overflow="fold")
    table.add_column(width=_WIDTHS[-1], overflow="fold")
    for one in shown:
        table.add_row(*_cells(one))
    return table


def _cells(one: Difference) -> list[Text]:
    style = STYLES[one.kind]
    values = [
        _value(one, value, sign) for value, sign in zip(_values(one), one.bounds, strict=True)
    ]
    sign = SIGNS.get(one.kind, one.kind)
    texts = [f"{_INDENT}{one.column}", *values, _change(one.ratio), _interval(one), sign]
    return [Text(text, style=style) for text in texts]


def _values(one: Difference) -> tuple[float | None, float | None]:
    return one.before, one.after


def _interval(one: Difference) -> str:
    """ "-3.0 to +2.2 %", of the change."""
    if one.interval is None:
        return ""
    low, high = ((end - 1) * 100 for end in one.interval)
    if high >= 900:
        return f"{one.interval[0]:.3g} to {one.interval[1]:.3g} x"
    return f"{low:+.1f} to {high:+.1f} %"


def _value(one: Difference, value: float | None, sign: str) -> str:
    return sign + (number(value) if one.unit or value is None else f"{value:,.0f}")


def _change(ratio: float | None) -> str:
    """ "+3.1 %"; beyond a tenfold it reads better as a factor."""
    if ratio is None:
        return ""
    return f"{ratio:.3g} x" if ratio >= 10 else f"{(ratio - 1) * 100:+.1f} %"


def _coverage(shown: list[Difference]) -> str:
    """What the intervals are worth: the least of them, because there may be several kinds."""
    found = [one.coverage for one in shown if one.coverage is not None]
    return f" (coverage >= {min(found):.0%})" if found else ""


def _reasons(shown: list[Difference]) -> dict[str, list[str]]:
    """Why something can't be told -> the columns that it concerns."""
    found: dict[str, list[str]] = {}
    for one in shown:
        if one.kind == "unclear" and one.column not in found.setdefault(one.reason, []):
            found[one.reason].append(one.column)
    return found

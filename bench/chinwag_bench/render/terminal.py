"""The matrix in a terminal: one table, a line a server, and the verdict below it."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from chinwag_bench.judging.matrix import Cell, Matrix
from chinwag_bench.render import glance, headline, text
from chinwag_bench.render.tables import print_table

LEGEND = "* best within noise  >= may do more  a-b between  a/b/c rounds  ~ fewer rounds"
NOISE = "noise"
"""The row of what one server, measured twice, is to itself."""


def print_matrix(matrix: Matrix, console: Console) -> None:
    """Prints who can do what, then what follows from it. All rows are in report.html."""
    index = text.Index(matrix)
    _print_table(matrix, index, console)
    for column in index.unmeasured_columns():
        why = f"{column.id}: {column.status}: {text.first_line(column.reason)}"
        console.print(Text(why, style="yellow"))
    console.print(Text(LEGEND, style="dim"))
    for check in matrix.checks:
        if not check["ok"]:
            console.print(Text(f"Check failed: {check['name']}: {check['text']}", style="bold red"))
    console.print()
    console.print(Text(f"{headline.headline(matrix)}.", style="bold"))
    for name, sentence in headline.facts(matrix):
        console.print(Text(f"{name}: {sentence}"))


def _print_table(matrix: Matrix, index: text.Index, console: Console) -> None:
    shown = glance.heads(matrix)
    lines = [
        [Text(column.id), *(_cell(index.cell(head.row, column.id)) for head in shown)]
        for column in glance.in_order(matrix)
    ]
    noise = [Text(_noise(matrix, index, head.row), style="dim") for head in shown]
    if any(one.plain for one in noise):
        lines.append([Text(NOISE, style="dim"), *noise])
    print_table(console, [Text(), *(Text("\n".join(head.brief)) for head in shown)], lines)


def _noise(matrix: Matrix, index: text.Index, row: str) -> str:
    """The row's noise, or that it ranks nobody."""
    if not text.ranks(matrix, index.row(row)):
        return "unranked"
    return text.noise(matrix, row).replace(" to ", "-").removesuffix(" x")


def _cell(cell: Cell | None) -> Text:
    if cell is None:
        return Text("-")
    star = "*" if cell.tie_with_best else ""
    shown = text.measured_short(cell)
    if text.rounds_of(cell):
        # Of a range in place of its sign: 80 columns have no room for one more.
        shown = shown.replace("-", "~") if "-" in shown else f"~{shown}"
    return Text(shown + star, style="bold" if star else "")

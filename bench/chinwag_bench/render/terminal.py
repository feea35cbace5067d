"""The matrix in a terminal: servers across, rows grouped, published figures below measured ones."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from chinwag_bench.records import Cell, Column, Matrix, Row
from chinwag_bench.render import headline, text

WIDTH = 100
TITLE_WIDTH = 22
COLUMN_WIDTH = 12
PADDING = 2
STYLES = {"reproduced": "green", "differs": "yellow", "impossible": "red", "not_measurable": "dim"}
LEGEND = (
    "* best, or not to be told from the best   >= or <= only this side is known, by (limit)\n"
    "A, B: the articles' figures: = reproduced   ≠ differs   ✗ impossible as stated   "
    "? not measurable"
)


def print_matrix(matrix: Matrix, console: Console) -> None:
    """Prints the matrix within 100 columns, in several tables where there are many servers.

    Rows without any measured value are only named; report.html has what is published for them.
    """
    index = text.Index(matrix)
    console.print(Text(headline.headline(matrix), style="bold"))
    console.print(Text(headline.tally_sentence(matrix)))
    columns = index.measured_columns()
    for start in range(0, len(columns), _per_table(console)):
        console.print(_table(index, columns[start : start + _per_table(console)]))
    for column in index.unmeasured_columns():
        why = f"{column.id}: {column.status}: {text.first_line(column.reason)}"
        console.print(Text(why, style="yellow"))
    absent = [row.title for row in matrix.rows if not _is_measured(index, row)]
    if absent:
        console.print(Text(f"Not measured, see report.html: {', '.join(absent)}", style="dim"))
    console.print(Text(LEGEND, style="dim"))
    for check in matrix.checks:
        if not check["ok"]:
            console.print(Text(f"Check failed: {check['name']}: {check['text']}", style="bold red"))


def _per_table(console: Console) -> int:
    width = min(console.width, WIDTH)
    return max(1, (width - TITLE_WIDTH - PADDING) // (COLUMN_WIDTH + PADDING))


def _table(index: text.Index, columns: Sequence[Column]) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    table.add_column("", width=TITLE_WIDTH)
    for column in columns:
        table.add_column(Text(column.id), justify="right", width=COLUMN_WIDTH)
    for group, rows in index.groups().items():
        shown = [row for row in rows if _is_measured(index, row)]
        if shown:
            table.add_row(Text(group, style="bold"))
        for row in shown:
            cells = [index.cell(row.id, column.id) for column in columns]
            table.add_row(Text(text.row_title(row)), *(_cell(cell) for cell in cells))
    return table


def _is_measured(index: text.Index, row: Row) -> bool:
    cells = [index.cell(row.id, column.id) for column in index.measured_columns()]
    return any(cell is not None and cell.value is not None for cell in cells)


def _cell(cell: Cell | None) -> Text:
    if cell is None:
        return Text("-")
    star = "*" if cell.tie_with_best else ""
    shown = Text(text.measured(cell) + star, style="bold" if star else "")
    if cell.limited_by and (cell.lower_bound or cell.upper_bound):
        shown.append(f"\n({cell.limited_by})", style="dim")
    for figure in cell.published:
        verdict = figure.verdict
        if verdict is not None:
            line = f"\n{figure.article} {text.quoted(figure)} {text.VERDICT_SIGNS[verdict.kind]}"
            shown.append(line, style=STYLES[verdict.kind])
    return shown

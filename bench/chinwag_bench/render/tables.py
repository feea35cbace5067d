"""Tables of figures in a terminal, in which no figure is cut."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

_ANY_WIDTH = 10_000

Line = Sequence[Text]


def print_table(console: Console, head: Line, lines: Sequence[Line]) -> None:
    """The first column names what a line is about, and all others are figures. On a terminal that
    is too narrow, they stand in blocks below each other, each with the names; elsewhere they stand
    side by side.
    """
    if not console.is_terminal:
        print_whole(console, _table(head, lines, range(1, len(head))))
        return
    for number, block in enumerate(_blocks(console, head, lines)):
        if number:
            console.print()
        console.print(_table(head, lines, block))


def print_whole(console: Console, table: Table) -> None:
    """In a file or a pipe, whose reader takes any width, lines are as long as they are."""
    if not console.is_terminal:
        table.width = _width(console, table)
    console.print(table, crop=console.is_terminal)


def _blocks(console: Console, head: Line, lines: Sequence[Line]) -> list[list[int]]:
    """The figures' columns, as many together as fit; one that does not even fit alone is folded."""
    blocks: list[list[int]] = []
    for column in range(1, len(head)):
        together = [*blocks[-1], column] if blocks else []
        if together and _width(console, _table(head, lines, together)) <= console.width:
            blocks[-1] = together
        else:
            blocks.append([column])
    return blocks


def _width(console: Console, table: Table) -> int:
    """With nothing folded."""
    return console.measure(table, options=console.options.update(width=_ANY_WIDTH)).maximum


def _table(head: Line, lines: Sequence[Line], figures: Sequence[int]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    table.add_column(head[0], overflow="fold")
    for column in figures:
        table.add_column(head[column], justify="right", overflow="fold")
    for line in lines:
        table.add_row(line[0], *(line[column] for column in figures))
    return table

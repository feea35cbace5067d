"""Why a cell isn't larger, or isn't there: remarks, each once with all the rows it is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chinwag_bench.judging.matrix import Cell
from chinwag_bench.records import Column
from chinwag_bench.render import notes, text

Remarks = dict[str, list[str]]
"""Remark -> ids of the rows it is about."""


@dataclass(frozen=True)
class Limit:
    """A remark on rows of one column; ``column`` is ``None`` where it is the same for all."""

    column: str | None
    rows: str
    text: str


def limits(index: text.Index) -> list[Limit]:
    """Those of each column, then those that all measured columns share."""
    by_column = {column.id: _remarks(index, column) for column in index.matrix.columns}
    measured = [by_column[column.id] for column in index.measured_columns()]
    shared = {
        remark: rows
        for remark, rows in (measured[0] if len(measured) > 1 else {}).items()
        if all(other.get(remark) == rows for other in measured)
    }
    own = [
        Limit(column, _named(index, rows), remark)
        for column, remarks in by_column.items()
        for remark, rows in remarks.items()
        if shared.get(remark) != rows
    ]
    return own + [Limit(None, _named(index, rows), remark) for remark, rows in shared.items()]


def _remarks(index: text.Index, column: Column) -> Remarks:
    found: Remarks = {}
    for row in index.matrix.rows:
        for remark in _of_cell(index.cell(row.id, column.id), column):
            found.setdefault(remark, []).append(row.id)
    return found


def _of_cell(cell: Cell | None, column: Column) -> Iterator[str]:
    if cell is None or (cell.value is None and column.status != "ok"):
        return
    if cell.value is None:
        if cell.reason is not None and cell.reason.code not in notes.SAID_BELOW_THE_ROW:
            yield notes.sentence(cell.reason)
        return
    if cell.row == "throughput_deliveries" and cell.limited_by is not None:
        yield f"the search for the highest rate was ended by {notes.ended_by(cell.limited_by)}"
    for note in cell.notes:
        yield notes.sentence(note)


def _named(index: text.Index, rows: list[str]) -> str:
    """Titles; those that several groups have stand behind their group's name."""
    groups: dict[str, list[str]] = {}
    for row in map(index.row, rows):
        name = f"{row.group}: " if index.is_ambiguous(row.id) else ""
        groups.setdefault(name, []).append(row.title)
    parts = [name + (", " if name else "; ").join(titles) for name, titles in groups.items()]
    return "; ".join(parts)

"""cells.csv: every cell as one line, for spreadsheets, data frames and databases; and its schema.

``FIELDS`` is the one definition of both: the head line, what a cell writes below it, and
cells.schema.json, a Table Schema (Frictionless) with the type and the meaning of each field.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import msgspec

from chinwag_bench.judging.matrix import Cell, Matrix, Row, VerdictKind
from chinwag_bench.records import Column
from chinwag_bench.render import notes, text

CELLS, CELLS_SCHEMA = "cells.csv", "cells.schema.json"
_PROFILE = "https://datapackage.org/profiles/2.0/tableschema.json"
_DESCRIPTION = (
    "cells.csv: one line for each cell of matrix.json, UTF-8, as RFC 4180 has it. Empty: unknown, "
    "or there is none. Numbers are not rounded. A text that a spreadsheet would take for a formula "
    "(=, +, - or @ first), or that begins with an apostrophe, has one apostrophe more before it."
)
_MARKS = "=+-@\uff1d\uff0b\uff0d\uff20'"
"""What a spreadsheet takes for the begin of a formula, also full-width; and the apostrophe."""
_BREAKS = "\t\r\n"

Value = str | float | int | list[Any] | None
"""A number is a ``float``, an integer an ``int``, an array what JSON has; ``None`` is empty."""
Line = dict[str, Value]
"""By the names of ``FIELDS``, in their order."""


@dataclass(frozen=True)
class Source:
    """What a line is made of."""

    run: str
    row: Row
    column: Column
    cell: Cell


@dataclass(frozen=True)
class Field:
    """A field of each line. ``type`` is Table Schema's; an array is written as JSON."""

    name: str
    type: Literal["string", "number", "integer", "array"]
    title: str
    value: Callable[[Source], Any]
    description: str
    required: bool = False
    choices: tuple[str, ...] = ()

    def descriptor(self) -> dict[str, Any]:
        """As Table Schema describes it."""
        constraints: dict[str, Any] = {"required": True} if self.required else {}
        if self.choices:
            constraints["enum"] = list(self.choices)
        described = {
            "name": self.name,
            "type": self.type,
            "title": self.title,
            "description": self.description,
        }
        return described | ({"constraints": constraints} if constraints else {})


def _interval(source: Source, side: int) -> float | None:
    return None if source.cell.interval is None else source.cell.interval[side]


def _verdict(source: Source) -> str | None:
    return None if source.cell.verdict is None else source.cell.verdict.kind


def _published(source: Source) -> list[dict[str, Any]]:
    return [
        {
            "article": one.article,
            "value": one.value,
            "unit": one.unit,
            "where": one.where,
            "verdict": None if one.verdict is None else one.verdict.kind,
        }
        for one in source.cell.published
    ]


FIELDS = (
    Field(
        "run",
        "string",
        "Run",
        lambda of: of.run,
        "Id of the run.",
        required=True,
    ),
    Field(
        "row",
        "string",
        "Row",
        lambda of: of.row.id,
        "Id of the row: what was measured. The rows of matrix.json have its definition.",
        required=True,
    ),
    Field(
        "row_group",
        "string",
        "Group of rows",
        lambda of: of.row.group,
        "Heading that the row stands under; rows of several groups may have one title.",
    ),
    Field(
        "row_title",
        "string",
        "Title of the row",
        lambda of: of.row.title,
        "What was measured, in words.",
    ),
    Field(
        "unit",
        "string",
        "Unit",
        lambda of: of.cell.unit,
        "Unit of value, low, high, interval_low and interval_high; empty for plain counts.",
    ),
    Field(
        "column",
        "string",
        "Column",
        lambda of: of.column.id,
        "Id of the column: SERVER or SERVER:VARIANT; with ' (again)' where one server was "
        "measured a second time.",
        required=True,
    ),
    Field(
        "column_title",
        "string",
        "Title of the column",
        lambda of: of.column.title,
        "Language and library of the server.",
    ),
    Field(
        "value",
        "number",
        "Value",
        lambda of: of.cell.value,
        "In `unit`. The median of the rounds, of the side that promises less: of a rate low, of a "
        "latency or a cost high. Empty where there is none: see reason.",
    ),
    Field(
        "low",
        "number",
        "Low side",
        lambda of: of.cell.low,
        "In `unit`. The true value is at least this: the median of the rounds' low sides.",
    ),
    Field(
        "high",
        "number",
        "High side",
        lambda of: of.cell.high,
        "In `unit`. The true value is at most this: the median of the rounds' high sides. Empty "
        "beside a value: open, something else than the server ended the search; limited_by has "
        "what, where one search is the source.",
    ),
    Field(
        "interval_low",
        "number",
        "Interval, low end",
        lambda of: _interval(of, 0),
        "In `unit`. The lowest low side of the rounds, by a bootstrap from eight rounds on. Empty "
        "for a single round.",
    ),
    Field(
        "interval_high",
        "number",
        "Interval, high end",
        lambda of: _interval(of, 1),
        "In `unit`. The highest high side of the rounds, likewise. Empty beside interval_low: it "
        "is open.",
    ),
    Field(
        "rounds",
        "integer",
        "Rounds",
        lambda of: of.cell.rounds,
        "Count of the rounds that the value is of; 0 without a value.",
    ),
    Field(
        "samples",
        "integer",
        "Samples",
        lambda of: len(of.cell.samples),
        "Count of the rounds' single values, which matrix.json has.",
    ),
    Field(
        "limited_by",
        "string",
        "Limited by",
        lambda of: of.cell.limited_by,
        "What ended the search of each round, in words apart by commas: server, generator, time, "
        "cap, ... Empty where nothing was searched.",
    ),
    Field(
        "reason_code",
        "string",
        "Reason, as a code",
        lambda of: None if of.cell.reason is None else of.cell.reason.code,
        "Why there is no value.",
    ),
    Field(
        "reason",
        "string",
        "Reason, in words",
        lambda of: text.first_line(notes.sentence(of.cell.reason)),
        "Why there is no value, in one line.",
    ),
    Field(
        "verdict",
        "string",
        "Verdict",
        _verdict,
        "What the measurement says of the first published figure.",
        choices=get_args(VerdictKind),
    ),
    Field(
        "published",
        "array",
        "Published figures",
        _published,
        "What the articles state for this cell, as JSON: objects of article, value (a number, or "
        "text as it stands there), unit, where (id of the statement) and verdict.",
    ),
)


def document(matrix: Matrix) -> str:
    """The whole of cells.csv, lines ended by CR LF."""
    return write(lines(matrix))


def schema() -> str:
    """The whole of cells.schema.json."""
    described = {
        "$schema": _PROFILE,
        "title": "Cells of a decision matrix",
        "description": _DESCRIPTION,
        "fields": [field.descriptor() for field in FIELDS],
        "missingValues": [""],
        "primaryKey": ["run", "row", "column"],
    }
    return msgspec.json.format(msgspec.json.encode(described), indent=1).decode() + "\n"


def lines(matrix: Matrix) -> Iterator[Line]:
    """Every cell, in the matrix's order. Raises ``KeyError`` for a cell of a row or a column that
    the matrix does not have, and for a reason whose code has no words.
    """
    rows = {row.id: row for row in matrix.rows}
    columns = {column.id: column for column in matrix.columns}
    for cell in matrix.cells:
        source = Source(matrix.run.id, rows[cell.row], columns[cell.column], cell)
        yield {field.name: _known(field, field.value(source)) for field in FIELDS}


def write(content: Iterable[Line]) -> str:
    """The lines as CSV below a head line."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(field.name for field in FIELDS)
    writer.writerows([_written(line[field.name]) for field in FIELDS] for line in content)
    return out.getvalue()


def read(content: str) -> Iterator[tuple[int, Line]]:
    """What :func:`write` wrote: each line with the number, from 1, of the text's line that it ends
    on. Raises ``ValueError``, which says where, for what is no such table.
    """
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    names = [field.name for field in FIELDS]
    try:
        head = next(reader, [])
        if head != names:
            raise ValueError(f"the head line is not {','.join(names)}")
        for parts in reader:
            if len(parts) != len(names):
                raise ValueError(f"{len(parts)} fields, and the head line has {len(names)}")
            values = zip(FIELDS, parts, strict=True)
            yield reader.line_num, {field.name: _read(field, part) for field, part in values}
    except (csv.Error, ValueError, msgspec.MsgspecError) as error:  # no ValueError before 0.19
        raise ValueError(f"line {max(1, reader.line_num)}: {error}") from error


def _known(field: Field, value: Any) -> Value:
    """As :func:`read` gives it back."""
    if value is None or value in ("", []):
        return None
    if field.type == "number":
        return float(value) if math.isfinite(value) else None
    known: Value = value
    return known


def _written(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return guarded(value)
    if isinstance(value, list):
        return msgspec.json.encode(value).decode()
    return repr(value).removesuffix(".0")


def _read(field: Field, part: str) -> Value:
    if part == "":
        return None
    if field.type == "string":
        return part.removeprefix("'")
    if field.type == "array":
        return msgspec.json.decode(part, type=list[Any])
    return float(part) if field.type == "number" else int(part)


def guarded(value: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe stands before one that might
    be. Texts that begin with one get another, so that exactly one can be taken off again.
    """
    is_risky = value[:1] in _BREAKS or value.lstrip()[:1] in _MARKS
    return f"'{value}" if value and is_risky else value

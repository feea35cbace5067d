"""matrix.json: fits its schema, equals what judging gives, and leaves no cell unexplained; and
cells.csv, which is made of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema
import msgspec

from chinwag_bench.decoding import UNDECODABLE
from chinwag_bench.errors import ChinwagError
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import MATRIX_SCHEMA, Matrix
from chinwag_bench.validation.cells_file import cells_problems
from chinwag_bench.validation.problem import Problem

_MATRIX, _SCHEMA = "matrix.json", "matrix.schema.json"
_SHOWN = 10
_RELATIVE = 1e-9
"""Two builds of a numeric library may differ in the last digits of a sum."""


def matrix_problems(directory: Path) -> tuple[int | None, list[Problem]]:
    """How many cells matrix.json has, and what is wrong with it and with cells.csv; (``None``, [])
    where there is none.
    """
    path = directory / _MATRIX
    if not path.exists():
        return None, []
    try:
        stored = msgspec.json.decode(path.read_bytes())
        if _schema_of(stored) not in ("", MATRIX_SCHEMA):
            return 0, [Problem(_MATRIX, None, _of_another(_schema_of(stored)))]
        matrix = msgspec.convert(stored, type=Matrix)
    except (OSError, *UNDECODABLE) as error:
        return 0, [Problem(_MATRIX, None, str(error))]
    found = [
        *_schema_problems(directory, stored),
        *_unexplained(matrix),
        *_changed(directory, stored),
        *cells_problems(directory, matrix),
    ]
    return len(matrix.cells), found


def _schema_of(stored: Any) -> str:
    return str(stored.get("schema", "")) if isinstance(stored, dict) else ""


def _of_another(schema: str) -> str:
    return f"is {schema}, and this kit makes {MATRIX_SCHEMA}: `chinwag report` makes it again"


def _schema_problems(directory: Path, stored: Any) -> Iterator[Problem]:
    try:
        schema = msgspec.json.decode((directory / _SCHEMA).read_bytes())
        validator = jsonschema.Draft202012Validator(schema)
        for error in islice(validator.iter_errors(stored), _SHOWN):
            yield Problem(_MATRIX, None, f"{error.json_path}: {error.message}")
    except OSError as error:
        yield Problem(_SCHEMA, None, f"can't be read: {error.strerror}")
    except (*UNDECODABLE, jsonschema.SchemaError) as error:
        yield Problem(_SCHEMA, None, str(error).split("\n", 1)[0])


def _unexplained(matrix: Matrix) -> Iterator[Problem]:
    """Each row has a cell for each column, and each cell a value or a reason."""
    cells = {(cell.row, cell.column): cell for cell in matrix.cells}
    for row in matrix.rows:
        for column in matrix.columns:
            cell = cells.get((row.id, column.id))
            if cell is None:
                yield Problem(_MATRIX, None, f"no cell for {row.id}, {column.id}")
            elif cell.value is None and not cell.reason:
                yield Problem(_MATRIX, None, f"{row.id}, {column.id}: neither value nor reason")


def _changed(directory: Path, stored: Any) -> Iterator[Problem]:
    try:
        again = msgspec.json.decode(msgspec.json.encode(judge(directory)))
    except ChinwagError as error:
        yield Problem(_MATRIX, None, f"can't be judged again: {error.message}")
        return
    except Exception as error:  # A damaged histogram: its reader raises whatever its decoder does.
        yield Problem(_MATRIX, None, f"can't be judged again: {error!r}")
        return
    for path, here, there in islice(_differences("$", stored, again), _SHOWN):
        what = f"{path} is {_shown(here)}, judging the raw data gives {_shown(there)}"
        yield Problem(_MATRIX, None, what)


def _differences(path: str, stored: Any, again: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(stored, dict) and isinstance(again, dict):
        for key in [*stored, *(key for key in again if key not in stored)]:
            yield from _differences(f"{path}.{key}", stored.get(key), again.get(key))
    elif isinstance(stored, list) and isinstance(again, list) and len(stored) == len(again):
        for index, (here, there) in enumerate(zip(stored, again, strict=True)):
            yield from _differences(f"{path}[{_name(here, index)}]", here, there)
    elif isinstance(stored, int | float) and isinstance(again, int | float):
        if not math.isclose(stored, again, rel_tol=_RELATIVE):
            yield path, stored, again
    elif stored != again:
        yield path, stored, again


def _name(item: Any, index: int) -> str:
    """A cell by its row and column, anything else by its place."""
    if isinstance(item, dict) and {"row", "column"} <= item.keys():
        return f"{item['row']}, {item['column']}"
    return str(index)


def _shown(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else f"{text[:57]}..."

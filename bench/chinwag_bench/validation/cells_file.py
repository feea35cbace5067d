"""cells.csv and its schema: what the kit writes of the matrix.json beside them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec

from chinwag_bench.decoding import UNDECODABLE
from chinwag_bench.judging.matrix import Matrix
from chinwag_bench.render import cells_csv
from chinwag_bench.render.cells_csv import CELLS, CELLS_SCHEMA
from chinwag_bench.validation.problem import Problem

_SHOWN = 10
_AGAIN = "`chinwag report` writes it again"


def has_cells_file(directory: Path) -> bool:
    """Whether either of both is there; runs that were rendered by older kits have none."""
    return any((directory / name).exists() for name in (CELLS, CELLS_SCHEMA))


def cells_problems(directory: Path, matrix: Matrix) -> list[Problem]:
    """What is wrong with both files, the matrix being the one beside them; nothing where neither
    is there.
    """
    if not has_cells_file(directory):
        return []
    found = [*islice(_in_cells(directory, matrix), _SHOWN)]
    try:
        stored = msgspec.json.decode((directory / CELLS_SCHEMA).read_bytes())
        if stored != msgspec.json.decode(cells_csv.schema()):
            found.append(Problem(CELLS_SCHEMA, None, f"is not this kit's: {_AGAIN}"))
    except OSError as error:
        found.append(_unreadable(CELLS_SCHEMA, error))
    except UNDECODABLE as error:
        found.append(Problem(CELLS_SCHEMA, None, str(error)))
    return found


def _in_cells(directory: Path, matrix: Matrix) -> Iterator[Problem]:
    try:
        stored = list(cells_csv.read((directory / CELLS).read_bytes().decode()))
    except OSError as error:
        yield _unreadable(CELLS, error)
        return
    except ValueError as error:
        yield Problem(CELLS, None, f"{error}: {_AGAIN}")
        return
    try:
        made = list(cells_csv.lines(matrix))
    except KeyError as error:
        yield Problem(CELLS, None, f"can't be made of matrix.json, which lacks {error}")
        return
    if len(stored) != len(made):
        what = f"has {len(stored)} cells, and matrix.json {len(made)}: {_AGAIN}"
        yield Problem(CELLS, None, what)
        return
    for (number, line), expected in zip(stored, made, strict=True):
        for name, value in expected.items():
            if line[name] != value:
                what = f"{name} is {_shown(line[name])}, matrix.json gives {_shown(value)}"
                yield Problem(CELLS, number, what)


def _unreadable(name: str, error: OSError) -> Problem:
    return Problem(name, None, f"can't be read: {error.strerror}; {_AGAIN}")


def _shown(value: cells_csv.Value) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else f"{text[:57]}..."

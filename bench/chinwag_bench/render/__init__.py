"""Turns a matrix into files and tables that people read."""

from __future__ import annotations

from pathlib import Path

import msgspec

from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import Matrix
from chinwag_bench.render import cells_csv, html, markdown
from chinwag_bench.runs.rawlog import replace_file


def write_all(result_dir: Path) -> list[Path]:
    """Judges the directory and writes matrix.json, matrix.md, cells.csv, the schemas of the first
    and the last of them, and report.html into it.

    Whoever is interrupted leaves each file as it was or whole. Raises UnreadableResult where the
    directory can't be judged, HostError where it can't be written.
    """
    matrix = judge(result_dir)
    encoded = msgspec.json.format(msgspec.json.encode(matrix), indent=1)
    schema = msgspec.json.format(msgspec.json.encode(msgspec.json.schema(Matrix)), indent=1)
    contents = {
        "matrix.json": encoded.decode() + "\n",
        "matrix.schema.json": schema.decode() + "\n",
        "matrix.md": markdown.document(matrix),
        cells_csv.CELLS: cells_csv.document(matrix),
        cells_csv.CELLS_SCHEMA: cells_csv.schema(),
        "report.html": html.document(matrix),
    }
    paths = []
    for name, content in contents.items():
        path = result_dir / name
        replace_file(path, content.encode())
        paths.append(path)
    return paths


def load(path: Path) -> Matrix:
    """Reads a matrix.json. Raises OSError or msgspec.ValidationError."""
    return msgspec.json.decode(path.read_bytes(), type=Matrix)

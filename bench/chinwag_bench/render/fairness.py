"""The figures of docs/fairness.md: the rows in which chinwagd's advantages show, and those that
correct for them, of one run.
"""

from __future__ import annotations

from pathlib import Path

from chinwag_bench.judging.matrix import Matrix
from chinwag_bench.numbers import number
from chinwag_bench.records import Floor
from chinwag_bench.render import absent, glance, markdown, text

BEGIN = "<!-- fairness:begin -->"
END = "<!-- fairness:end -->"
_ROWS = (
    "effort_lines_of_code",
    "throughput_deliveries",
    "rate_p99_100",
    "rate_p99_10",
    "common_cpu_per_delivery",
    "load_direct_deliveries",
    "load_direct_cpu_per_delivery",
    "load_direct_p99",
    "load_many-rooms_deliveries",
    "load_many-rooms_cpu_per_delivery",
)
"""Those that a run doesn't have are left out."""


def figures(matrix: Matrix, folder: Path) -> str:
    """Servers down, rows across; behind a figure how many times better the best is. Then what the
    kernel and the generator do by themselves. ``folder`` is the run's, for the reader to look it
    up.
    """
    index = text.Index(matrix)
    shown = {row.id: row for row in matrix.rows}
    rows = [shown[id_] for id_ in _ROWS if id_ in shown]
    heads = [
        f"{markdown.escape(row.group)}:<br>{markdown.escape(text.row_title(row))}"
        f"{'; one round' if row.group != 'Effort' and text.once(matrix, row.id) else ''}"
        for row in rows
    ]
    columns = glance.in_order(matrix)
    body = [
        [markdown.escape(column.id), *(_value(index, row.id, column.id) for row in rows)]
        for column in columns
    ]
    body.append(["*noise: one server twice*", *(text.noise(matrix, row.id) for row in rows)])
    remarks = [*absent.sentences(matrix), *_floor(matrix.floor), *_ceilings(matrix)]
    lines = [
        f"From `{folder.name}/matrix.md`, where each column is a row under the heading before the "
        "colon; the raw records are beside it in `raw/`.",
        "",
        *markdown.table(["server", *heads], body),
        "",
        *(f"- {line}" for line in remarks),
    ]
    return "\n".join(lines).rstrip("\n")


def _value(index: text.Index, row: str, column: str) -> str:
    cell = index.cell(row, column)
    if cell is None or cell.value is None:
        return "-"
    value = markdown.escape(text.measured(cell))
    best = cell.tie_with_best
    place = "" if best else markdown.escape(index.place(cell))
    below = [place, text.rounds_of(cell), text.of_what(cell)]
    return "<br>".join([f"**{value}**" if best else value, *(one for one in below if one)])


def _floor(floor: Floor | None) -> list[str]:
    if floor is None or not floor.costs:
        return []
    costs = ", ".join(
        f"{number(cost.cpu_us_per_frame)} us where a write has {cost.frames_per_write} frame"
        f"{'s' if cost.frames_per_write > 1 else ''}"
        for cost in floor.costs
    )
    return [f"The kernel alone, a frame (`raw/floor.ndjson`): {costs}."]


def _ceilings(matrix: Matrix) -> list[str]:
    found = [] if matrix.calibration is None else matrix.calibration.ceilings
    parts = [
        f"{one.load} {'>= ' if one.lower_bound else ''}{number(one.deliveries_per_s)}"
        for one in found
        if one.deliveries_per_s is not None
    ]
    if not parts:
        return []
    known = markdown.escape(", ".join(parts))
    return [f"The generator's own ceiling (`raw/calibration.ndjson`), deliveries/s: {known}."]

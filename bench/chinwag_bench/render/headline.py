"""The report's first sentences, computed from the matrix."""

from __future__ import annotations

from collections import Counter

from chinwag_bench.records import Cell, Matrix
from chinwag_bench.render.text import VERDICT_LABELS, Index, measured, number

LEADING_ROW = "throughput_deliveries"
FAVOURABLE_FIRST = ["reproduced", "differs", "impossible", "not_measurable"]


def headline(matrix: Matrix) -> str:
    """Who delivers the most, by how much, and whether that is certain."""
    cells = _ranked(matrix)
    if not cells:
        return "No server sustained any rate in this run"
    first = cells[0]
    tied = [cell for cell in cells[1:] if cell.tie_with_best and first.tie_with_best]
    if tied:
        names = _listed([first.column, *(cell.column for cell in tied)])
        return f"{names} share the lead: {number(first.value)} deliveries/s, inside the noise"
    amount = f"{measured(first).replace('>= ', 'at least ')} deliveries/s"
    lead = f"{first.column} delivers the most: {amount}"
    others = [cell for cell in cells[1:] if not cell.lower_bound]
    if others and first.tie_with_best and first.value and others[0].value:
        ratio = first.value / others[0].value
        lead += f", {ratio:.1f} times {others[0].column}"
    elif first.tie_with_best is None:
        lead += f", but who leads is open: {_why_open(first, cells)}"
    return lead


def _why_open(first: Cell, cells: list[Cell]) -> str:
    unknown = [cell.column for cell in cells if cell is not first and cell.lower_bound]
    if not unknown:
        return "the generator was the limit"
    return f"{_listed(unknown)} {'was' if len(unknown) == 1 else 'were'} not measured to the end"


def _ranked(matrix: Matrix) -> list[Cell]:
    """Throughput cells, winner first; the second name of an A/A doesn't compete."""
    again = {column.id for column in matrix.columns if column.aa_of is not None}
    cells = [
        cell
        for cell in matrix.cells
        if cell.row == LEADING_ROW and cell.value is not None and cell.column not in again
    ]
    return sorted(cells, key=lambda cell: (bool(cell.tie_with_best), cell.value or 0), reverse=True)


def tally(matrix: Matrix) -> dict[str, int]:
    """How many published figures got which verdict.

    A figure that was read in two ways counts once, by the verdict that is kinder to it.
    """
    kinds: dict[tuple[str, str], str] = {}
    for _, figure, verdict in Index(matrix).figures():
        key = (figure.article, figure.where)
        known = kinds.get(key, verdict.kind)
        kinds[key] = min(known, verdict.kind, key=FAVOURABLE_FIRST.index)
    counted = Counter(kinds.values())
    return {kind: counted.get(kind, 0) for kind in FAVOURABLE_FIRST}


def tally_sentence(matrix: Matrix) -> str:
    """The tally in words."""
    counted = tally(matrix)
    total = sum(counted.values())
    if total == 0:
        return "No published figure belongs to a server of this run."
    labels = {**VERDICT_LABELS, "differs": "differs" if counted["differs"] == 1 else "differ"}
    parts = [f"{count} {labels[kind]}" for kind, count in counted.items()]
    return f"Of {total} published figures: {', '.join(parts)}."


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

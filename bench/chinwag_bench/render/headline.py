"""The first sentences of every rendering, computed from the matrix."""

from __future__ import annotations

from collections import Counter

from chinwag_bench.judging.matrix import Cell, Matrix, Verdict
from chinwag_bench.judging.published import article
from chinwag_bench.render import text
from chinwag_bench.render.text import VERDICT_LABELS, Index, measured

LEADING_ROW = "throughput_deliveries"
PROMPT_ROW = "rate_p99_10"
PROMPT_MS = 10
KINDS = ["reproduced", "differs", "impossible", "not_measurable"]
_CORES = {1: "one core", 2: "two cores", 4: "four cores", 8: "eight cores"}


def headline(matrix: Matrix) -> str:
    """Who delivers the most, by how much, and whether that is certain."""
    cells = _competing(matrix, LEADING_ROW)
    if not cells:
        return "No server kept up any rate in this run"
    if LEADING_ROW in matrix.aa["unranked"]:
        return "Nobody is ranked by throughput: one server under two names differed more than twice"
    best = [cell for cell in cells if cell.tie_with_best]
    if len(best) != 1:
        names = _listed([cell.column for cell in best])
        top = max(best, key=lambda cell: cell.value or 0.0)
        return f"{names} deliver the most and are not told apart: {_amount(top)} deliveries/s"
    first = best[0]
    lead = f"{_where(matrix)}{first.column} delivers the most: {_amount(first)} deliveries/s"
    return lead + _ahead_of(first, [cell for cell in cells if cell is not first])


def promptness(matrix: Matrix) -> str:
    """Who delivers the most while answers come at once; empty where no rate is known for that."""
    cells = [cell for cell in _competing(matrix, PROMPT_ROW) if cell.tie_with_best]
    if not cells:
        return ""
    amounts = _listed([f"{cell.column} ({_amount(cell)} deliveries/s)" for cell in cells])
    apart = "" if len(cells) == 1 else ", which are not told apart"
    return f"With a p99 of at most {PROMPT_MS} ms the most is carried by {amounts}{apart}."


def noise_sentence(matrix: Matrix) -> str:
    """By how much one server differs from itself in the leading rows; empty without an A/A."""
    rows = {LEADING_ROW: "throughput", "common_cpu_per_delivery": "CPU", "common_p99": "p99"}
    known = [f"{name} {found}" for row, name in rows.items() if (found := text.noise(matrix, row))]
    if not known:
        return ""
    lost = [name for row, name in rows.items() if row in matrix.aa["unranked"]]
    rest = f"; {_listed(lost)} can't be ranked in this run" if lost else ""
    return f"Noise, one server twice: {', '.join(known)}{rest}."


def _where(matrix: Matrix) -> str:
    cores = len(matrix.run.plan.get("server_cores", []))
    return f"On {_CORES.get(cores, f'{cores} cores')} " if cores else ""


def _amount(cell: Cell) -> str:
    return measured(cell).replace(">= ", "at least ")


def _ahead_of(first: Cell, others: list[Cell]) -> str:
    """The factor to the next one, as far as it is certain."""
    beaten = [cell for cell in others if cell.tie_with_best is False]
    if not beaten or first.low is None:
        return ""
    second = max(beaten, key=lambda cell: cell.high or cell.low or 0.0)
    ceiling = second.high or second.low
    if not ceiling:
        return ""
    factor = first.low / ceiling
    at_least = "at least " if first.is_wide or second.is_wide else ""
    return f", {at_least}{factor:.1f} times {second.column}"


def _competing(matrix: Matrix, row: str) -> list[Cell]:
    """Cells with a value, the highest first; the second name of an A/A doesn't compete."""
    again = {column.id for column in matrix.columns if column.aa_of is not None}
    cells = [
        cell
        for cell in matrix.cells
        if cell.row == row and cell.value is not None and cell.column not in again
    ]
    return sorted(cells, key=lambda cell: cell.value or 0.0, reverse=True)


def tally(matrix: Matrix) -> dict[str, int]:
    """How many published figures got which verdict.

    A figure that was read in two ways counts once, by the reading that is kinder to it; a reading
    that was not measured says nothing while another was.
    """
    found: dict[tuple[str, str], Verdict] = {}
    for _, figure, verdict in Index(matrix).figures():
        key = (figure.article, figure.where)
        found[key] = min(found.get(key, verdict), verdict, key=_kindness)
    counted: Counter[str] = Counter(verdict.kind for verdict in found.values())
    return {kind: counted.get(kind, 0) for kind in KINDS}


def _kindness(verdict: Verdict) -> int:
    if verdict.may_agree:
        return 1
    order: dict[str, int] = {kind: place for place, kind in enumerate(KINDS)}
    return 2 * order[verdict.kind]


def tally_sentence(matrix: Matrix) -> str:
    """The tally in words, with the articles' names."""
    counted = tally(matrix)
    total = sum(counted.values())
    if total == 0:
        return "No published figure belongs to a server of this run."
    labels = {**VERDICT_LABELS, "differs": "differs" if counted["differs"] == 1 else "differ"}
    parts = [f"{count} {labels[kind]}" for kind, count in counted.items()]
    names = " and ".join(f'"{article(name)["title"]}"' for name in ("A", "B"))
    return f"Of {total} figures in {names}: {', '.join(parts)}."


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

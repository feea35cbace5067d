"""One cell of two runs: by how much it differs, and whether that is more than noise."""

from __future__ import annotations

from typing import Literal

import msgspec

from chinwag_bench.judging.matrix import Cell, Row
from chinwag_bench.judging.stats import (
    SINGLE_ROUND_MARGIN,
    Interval,
    change_p,
    false_discoveries_controlled,
    unpaired_ratio,
)
from chinwag_bench.render.notes import ended_by, sentence
from chinwag_bench.render.text import bound, first_line

FALSE_DISCOVERIES_MAX = 0.05
"""Of the cells that are called changed, at most this share is expected to be noise."""
SIZES = {"B": 1 + SINGLE_ROUND_MARGIN, "connections": 1 + SINGLE_ROUND_MARGIN, "MB": 3.0}
"""Units of what can be compared though it was measured once -> the factor from which on it is a
change. Less than that, but more than a single round's margin, can't be told: in two runs of one
build memory was up to 1.9 times as much, and that which a fault takes up to 3.0 times."""
NO_OUTCOMES = {
    "common_rate": "the run chose it",
    "max_connections_projected": "a projection of memory, which is compared itself",
}
"""Rows that are no outcome of the servers, and why."""
RATE_MARGIN = 0.05
"""Latencies taken at rates further apart than this are not compared."""

Kind = Literal["same", "better", "worse", "changed", "unclear", "absent"]
"""``changed``: significant in a row where neither way is better. ``unclear``: it can't be told.
``absent``: a side has no value.
"""


class Difference(msgspec.Struct, kw_only=True, frozen=True):
    """What became of one cell. ``ratio`` is after / before of the medians."""

    row: str
    column: str
    unit: str
    kind: Kind
    before: float | None
    after: float | None
    bounds: tuple[str, str] = ("", "")
    """">= " or "<= " before and after, where only that side of the value is known."""
    ratio: float | None = None
    interval: tuple[float, float] | None = None
    """Of the ratio; ``None`` where a side was measured once."""
    coverage: float | None = None
    """Probability, at least, that the interval holds the ratio of the true medians."""
    p: float | None = None
    """Probability of such samples without a change beyond A/A; ``None`` where none is computed."""
    reason: str = ""
    """How it was decided, or why it could not be."""

    @property
    def significant(self) -> bool:
        return self.kind in ("better", "worse", "changed")


def difference(
    row: Row,
    cells: tuple[Cell, Cell],
    *,
    aa_spread: float,
    rates: tuple[float, float] | None,
    seed: int,
    obstacle: str | None = None,
) -> Difference:
    """Compares the cells of one row and one column, (before, after).

    Where there is noise, ``p`` is set and the kind is left at "same": see ``decide``.
    ``aa_spread`` is by how much one server differed from itself within a run: no smaller change
    counts. ``rates`` are those at which latencies were taken, ``None`` for other rows;
    ``obstacle`` says why the runs can't be compared in this row."""
    before, after = cells
    found_in_the_way = _obstacle(before, after, rates, obstacle) or _no_outcome(row)
    if found_in_the_way is not None:
        return _found(row, cells, *found_in_the_way)
    if _is_fact(row):
        kind = "same" if before.value == after.value else _direction(row, before.value, after.value)
        return _found(row, cells, kind, "a count, which has no noise")
    found = unpaired_ratio(before.samples, after.samples, seed)
    if found is None:
        return _single(row, cells, aa_spread)
    p = change_p(before.samples, after.samples, aa_spread)
    return _found(row, cells, "same", f"p = {p:.2g} beyond A/A's {aa_spread:.1%}", found, p)


def decide(differences: list[Difference], rows: dict[str, Row]) -> list[Difference]:
    """Calls a change what noise does not explain, given how many cells were looked at.

    Of two runs of the same servers, one cell in twenty is below p = 5 % by chance, so each p is
    adjusted (Benjamini and Hochberg)."""
    tested = [one for one in differences if one.p is not None]
    adjusted = false_discoveries_controlled([one.p for one in tested if one.p is not None])
    found = {
        (one.row, one.column)
        for one, p in zip(tested, adjusted, strict=True)
        if p <= FALSE_DISCOVERIES_MAX
    }
    return [
        msgspec.structs.replace(one, kind=_direction(rows[one.row], one.before, one.after))
        if (one.row, one.column) in found
        else one
        for one in differences
    ]


def _no_outcome(row: Row) -> tuple[Kind, str] | None:
    return ("unclear", NO_OUTCOMES[row.id]) if row.id in NO_OUTCOMES else None


def _obstacle(
    before: Cell, after: Cell, rates: tuple[float, float] | None, of_the_runs: str | None
) -> tuple[Kind, str] | None:
    """Why nothing can be said, with the kind that says so."""
    for name, cell in (("before", before), ("after", after)):
        if cell.value is None:
            return "absent", f"{name}: {first_line(sentence(cell.reason)) or 'no value'}"
    if of_the_runs is not None:
        return "unclear", of_the_runs
    for name, cell in (("before", before), ("after", after)):
        if cell.is_open:
            by = ended_by(cell.limited_by) if cell.limited_by else "something else than the server"
            return "unclear", f"{name} is open: ended by {by}"
        if not cell.may_rank:
            return "unclear", f"{name} ranks nobody: its remarks say why"
    if rates is not None and _apart(*rates) > RATE_MARGIN:
        return "unclear", f"measured at {rates[0]:,.0f} and {rates[1]:,.0f} deliveries/s"
    return _without_ratio(before.samples, after.samples)


def _without_ratio(before: list[float], after: list[float]) -> tuple[Kind, str] | None:
    if min(*before, *after) > 0:
        return None
    if before == after:
        return "same", "the same samples"
    return "unclear", "not above zero, so there is no ratio"


def _single(row: Row, cells: tuple[Cell, Cell], aa_spread: float) -> Difference:
    """One round shows no noise. For a size the kit's margins stand in for it; nothing does for a
    time, or for what a fault at a random moment cost.
    """
    if row.unit not in SIZES:
        return _found(row, cells, "unclear", "measured once, which shows no noise")
    before, after = cells
    margin = max(SINGLE_ROUND_MARGIN, aa_spread)
    apart = _apart(before.value or 0.0, after.value or 0.0)
    if apart <= margin:
        reason = f"measured once: within {margin:.0%} counts as the same"
        return _found(row, cells, "same", reason)
    if 1 + apart < SIZES[row.unit]:
        reason = f"measured once: up to {SIZES[row.unit]:g} x shows no change"
        return _found(row, cells, "unclear", reason)
    return _found(row, cells, _direction(row, before.value, after.value), "measured once")


def _direction(row: Row, before: float | None, after: float | None) -> Kind:
    if row.better == "none":
        return "changed"
    grew = (after or 0.0) > (before or 0.0)
    return "better" if grew == (row.better == "higher") else "worse"


def _is_fact(row: Row) -> bool:
    """A count of what lies still, such as lines or settings, is exact; one of what a fault cost is
    not.
    """
    return not row.unit and row.better == "none"


def _apart(a: float, b: float) -> float:
    """How far two values are from each other, as a share of the smaller."""
    return 0.0 if a == b else max(a, b) / min(a, b) - 1 if min(a, b) > 0 else float("inf")


def _found(
    row: Row,
    cells: tuple[Cell, Cell],
    kind: Kind,
    reason: str,
    found: Interval | None = None,
    p: float | None = None,
) -> Difference:
    before, after = (cell.value for cell in cells)
    bounds = bound(cells[0]), bound(cells[1])
    comparable = not any(bounds) and before is not None and after is not None and before > 0
    return Difference(
        row=row.id,
        column=cells[0].column,
        unit=row.unit,
        kind=kind,
        before=before,
        after=after,
        bounds=bounds,
        ratio=(after or 0.0) / (before or 1.0) if comparable else None,
        interval=None if found is None else (found.low, found.high),
        coverage=None if found is None else found.coverage,
        p=p,
        reason=reason,
    )

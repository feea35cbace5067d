"""One cell of two runs: by how much it differs, and whether that is more than noise."""

from __future__ import annotations

from typing import Literal

import msgspec

from chinwag_bench.records import Cell, Row
from chinwag_bench.render.text import bound
from chinwag_bench.stats import (
    BOOTSTRAP_COVERAGE,
    BOOTSTRAP_FROM_ROUNDS,
    SINGLE_ROUND_MARGIN,
    Interval,
    separation_chance,
    unpaired_ratio,
)

CHANCE_MAX = 0.10
"""Samples of three rounds that fall apart completely do so by chance in 10 % of cases; anything
likelier is not called significant."""
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
    chance: float = 0.0
    """Probability, at most, that noise alone is called a change; 0 where no noise is seen."""
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
) -> Difference:
    """Compares the cells of one row and one column, (before, after).

    ``aa_spread`` is by how much one server differed from itself within a run: no smaller change
    counts. ``rates`` are those at which latencies were taken, ``None`` for other rows."""
    before, after = cells
    obstacle = _obstacle(before, after, rates)
    if obstacle is not None:
        return _found(row, cells, *obstacle)
    if _is_count(row):
        kind = _direction(row, before, after) if before.value != after.value else "same"
        return _found(row, cells, kind, "a count, which has no noise")
    found = unpaired_ratio(before.samples, after.samples, seed)
    if found is None:
        return _single(row, cells, aa_spread)
    kind, reason = _judge(row, cells, found, aa_spread)
    return _found(row, cells, kind, reason, found)


def _obstacle(
    before: Cell, after: Cell, rates: tuple[float, float] | None
) -> tuple[Kind, str] | None:
    """Why nothing can be said, with the kind that says so."""
    for name, cell in (("before", before), ("after", after)):
        if cell.value is None:
            reason = (cell.reason or "no value").strip().split("\n", 1)[0]
            return "absent", f"{name}: {reason}"
    for name, cell in (("before", before), ("after", after)):
        if cell.lower_bound or cell.upper_bound:
            return "unclear", f"{name} is a bound: the generator was the limit"
    if rates is not None and _apart(*rates) > RATE_MARGIN:
        return "unclear", f"measured at {rates[0]:,.0f} and {rates[1]:,.0f} deliveries/s"
    if min(*before.samples, *after.samples) <= 0:
        if before.samples == after.samples:
            return "same", "the same samples"
        return "unclear", "not above zero, so there is no ratio"
    return None


def _single(row: Row, cells: tuple[Cell, Cell], aa_spread: float) -> Difference:
    """One round shows no noise; the margin that the kit keeps for that stands in for it."""
    before, after = cells
    margin = max(SINGLE_ROUND_MARGIN, aa_spread)
    apart = _apart(before.value or 0.0, after.value or 0.0)
    kind = _direction(row, before, after) if apart > margin else "same"
    return _found(row, cells, kind, f"measured once: within {margin:.0%} counts as the same")


def _judge(
    row: Row, cells: tuple[Cell, Cell], found: Interval, aa_spread: float
) -> tuple[Kind, str]:
    before, after = cells
    margin = 1 + aa_spread
    if found.low / margin <= 1 <= found.high * margin:
        beyond = found.low > 1 or found.high < 1
        return "same", f"within A/A's {aa_spread:.1%}" if beyond else "the interval holds 1"
    rounds = len(before.samples), len(after.samples)
    if min(rounds) >= BOOTSTRAP_FROM_ROUNDS:
        return _direction(row, before, after), "the bootstrap interval leaves out 1"
    chance = separation_chance(*rounds)
    text = f"{rounds[0]} and {rounds[1]} rounds that fall apart: {chance:.0%} by chance"
    if chance > CHANCE_MAX:
        return "unclear", text + ", too few rounds to tell"
    return _direction(row, before, after), text


def _chance(cells: tuple[Cell, Cell]) -> float:
    rounds = [len(cell.samples) for cell in cells]
    if min(rounds) >= BOOTSTRAP_FROM_ROUNDS:
        return 1 - BOOTSTRAP_COVERAGE
    chance = separation_chance(*rounds)
    return chance if chance <= CHANCE_MAX else 0.0


def _direction(row: Row, before: Cell, after: Cell) -> Kind:
    if row.better == "none":
        return "changed"
    grew = (after.value or 0.0) > (before.value or 0.0)
    return "better" if grew == (row.better == "higher") else "worse"


def _is_count(row: Row) -> bool:
    """A value without a unit is a count, and exact."""
    return not row.unit


def _apart(a: float, b: float) -> float:
    """How far two values are from each other, as a share of the smaller."""
    return 0.0 if a == b else max(a, b) / min(a, b) - 1 if min(a, b) > 0 else float("inf")


def _found(
    row: Row, cells: tuple[Cell, Cell], kind: Kind, reason: str, found: Interval | None = None
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
        chance=0.0 if found is None else _chance(cells),
        reason=reason,
    )

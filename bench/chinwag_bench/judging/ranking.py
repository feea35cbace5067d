"""Who is best in a row, and who can't be told from the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chinwag_bench.judging.rows import Better
from chinwag_bench.judging.stats import SINGLE_ROUND_MARGIN, is_tie, paired_ratios
from chinwag_bench.records import Cell


@dataclass(frozen=True)
class Entry:
    """A cell with its value for each round. ``leads`` is False for the second name of an A/A."""

    cell: Cell
    by_round: Mapping[int, float]
    leads: bool = True

    @property
    def is_bound(self) -> bool:
        """Whether only one side of the true value is known."""
        return self.cell.lower_bound or self.cell.upper_bound

    @property
    def value(self) -> float:
        """The median; entries always have one."""
        assert self.cell.value is not None
        return self.cell.value


def rank(entries: Sequence[Entry], better: Better, aa_spread: float, seed: int) -> None:
    """Sets ``tie_with_best`` on the row's cells; a bound may win, and never loses or ties."""
    if better == "none":
        return
    exact = [entry for entry in entries if not entry.is_bound]
    bounds = [entry for entry in entries if entry.is_bound and entry.leads]
    leader = _leader([entry for entry in exact if entry.leads], better)
    winners = [b for b in bounds if leader is None or _beats(b, leader, better, aa_spread)]
    for entry in exact:
        if leader is not None:
            entry.cell.tie_with_best = _ties(entry, leader, aa_spread, seed)
        if winners:
            beaten = any(_beats(winner, entry, better, aa_spread) for winner in winners)
            entry.cell.tie_with_best = False if beaten else None
    _mark_bounds(bounds, winners, leader)


def _leader(exact: Sequence[Entry], better: Better) -> Entry | None:
    if not exact:
        return None
    pick = max if better == "higher" else min
    return pick(exact, key=lambda entry: entry.value)


def _ties(entry: Entry, leader: Entry, aa_spread: float, seed: int) -> bool | None:
    if entry is leader:
        return True
    return is_tie(paired_ratios(entry.by_round, leader.by_round), aa_spread, seed)


def _beats(bound: Entry, other: Entry, better: Better, aa_spread: float) -> bool:
    """Whether the bound lies beyond the far end of an exact cell's interval."""
    low, high = other.cell.interval or (
        other.value / (1 + SINGLE_ROUND_MARGIN),
        other.value * (1 + SINGLE_ROUND_MARGIN),
    )
    if better == "higher":
        return bound.cell.lower_bound and bound.value > high * (1 + aa_spread)
    return bound.cell.upper_bound and bound.value < low / (1 + aa_spread)


def _mark_bounds(bounds: Sequence[Entry], winners: Sequence[Entry], leader: Entry | None) -> None:
    for bound in bounds:
        bound.cell.tie_with_best = None
        if leader is not None and bound in winners:
            bound.cell.notes.append("beats every column that was measured to its end")
        if leader is not None and bound in winners and len(bounds) == 1:
            bound.cell.tie_with_best = True
        if len(bounds) > 1:
            bound.cell.notes.append("the order among bounds is not known")

"""Who is best in a row, and who can't be told from the best, by the sides of each round.

A server is ahead in a round where even its worse side beats the other's better one. It is ahead of
another where that is so in most of the rounds that both have, the other is ahead in none, and the
medians agree. What is not told apart so is a tie. Rounds that leave a side open decide nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chinwag_bench.judging.bounds import Bounds, ByRound
from chinwag_bench.judging.matrix import Cell
from chinwag_bench.judging.row import Better
from chinwag_bench.judging.stats import SINGLE_ROUND_MARGIN


@dataclass(frozen=True)
class Entry:
    """A cell with the sides of each round. ``leads`` is False for the second name of an A/A."""

    cell: Cell
    by_round: ByRound
    leads: bool = True

    @property
    def median(self) -> Bounds:
        """The cell's pair."""
        assert self.cell.low is not None
        high = float("inf") if self.cell.high is None else self.cell.high
        return Bounds(self.cell.low, high)


def rank(entries: Sequence[Entry], better: Better, noise: float) -> None:
    """Sets ``tie_with_best`` on the row's cells. ``noise`` is by how much one server differs from
    itself, as a share: rounds of their own show it, a single round doesn't.
    """
    if better == "none":
        return
    leading = [entry for entry in entries if entry.leads]
    for entry in entries:
        beaten = any(is_ahead(other, entry, better, noise) for other in leading)
        entry.cell.tie_with_best = not beaten
    best = _leader([entry for entry in leading if entry.cell.tie_with_best], better)
    for entry in entries:
        if entry.cell.tie_with_best and best is not None and _was_cut_short(entry, best, better):
            entry.cell.tie_with_best = None


def is_ahead(a: Entry, b: Entry, better: Better, noise: float) -> bool:
    """Whether ``a`` is better than ``b`` beyond doubt."""
    shared = a.by_round.keys() & b.by_round.keys()
    if not shared:
        return _beyond(a.median, b.median, better, 1 + SINGLE_ROUND_MARGIN + noise)
    margin = 1 + max(SINGLE_ROUND_MARGIN, noise) if len(shared) == 1 else 1.0
    won = sum(_beyond(a.by_round[r], b.by_round[r], better, margin) for r in shared)
    lost = sum(_beyond(b.by_round[r], a.by_round[r], better, margin) for r in shared)
    return lost == 0 and 2 * won > len(shared) and _beyond(a.median, b.median, better, 1.0)


def _beyond(a: Bounds, b: Bounds, better: Better, margin: float) -> bool:
    if better == "higher":
        return a.low > b.reach * margin
    return a.high * margin < b.low


def _leader(entries: Sequence[Entry], better: Better) -> Entry | None:
    """The one that promises most."""
    if not entries:
        return None
    pick = max if better == "higher" else min
    return pick(entries, key=lambda entry: entry.cell.value or 0.0)


def _was_cut_short(entry: Entry, best: Entry, better: Better) -> bool:
    """Whether only its open side keeps it from being beaten: that it leads isn't known either."""
    if entry is best or better != "higher" or not entry.cell.is_open:
        return False
    shared = entry.by_round.keys() & best.by_round.keys()
    closed = {r: Bounds(entry.by_round[r].low, entry.by_round[r].low) for r in shared}
    return bool(shared) and all(_beyond(best.by_round[r], closed[r], better, 1.0) for r in shared)

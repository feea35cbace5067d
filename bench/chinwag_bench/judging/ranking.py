"""Who is best in a row, and who can't be told from the best, by the printed ends of the rounds.

A server is ahead of another where even its worst round beats the other's best one, by more than the
row's threshold: how far one server, measured twice, was from itself in any round. All else is a
tie. So whoever reads the rounds and the threshold can check each rank.

A round counts with its worse side for the server and with its better one against it. Rounds that
leave a side open decide nothing, unless most do: then nobody is ahead of the server.

A round without a value, in which a server never recovered or carried no rate, is worse than any: a
server that has one is ahead of nobody.

Of a rate, a cell that is open says where somebody stopped looking, not where the server ends. While
one that nobody is ahead of may be any better than the one that showed most, nobody is called best:
that one's figure is no more than where it was stopped, or a limit that others may well exceed.

Nor is a cell best whose value is behind a beaten one's: its rounds are too far apart to say.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chinwag_bench.judging.bounds import ByRound
from chinwag_bench.judging.matrix import Behind, Cell
from chinwag_bench.judging.row import Better
from chinwag_bench.judging.stats import LEAST_NOISE, SINGLE_ROUND_MARGIN


@dataclass(frozen=True)
class Entry:
    """A cell with the sides of each round. ``leads`` is False for the second name of an A/A."""

    cell: Cell
    by_round: ByRound
    leads: bool = True

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the most that a round promises, as printed; infinite where it is open."""
        low, high = self.cell.interval or (self.cell.low, self.cell.reach)
        assert low is not None
        return low, self._most(low) if high is None else high

    def _most(self, low: float) -> float:
        closed = [one.reach for one in self.by_round.values() if math.isfinite(one.reach)]
        if 2 * len(closed) <= len(self.by_round):
            return math.inf
        return max([low, *closed, *(one.low for one in self.by_round.values())])


def threshold(range_: Sequence[float] | None, entries: Sequence[Entry]) -> float:
    """The factor by which rounds of a row have to be apart. ``range_``: the lowest and the highest
    that one server, measured twice, was of itself; 10 % stand in for it where nothing was, and are
    the least where the row has one round.
    """
    several = any(entry.cell.rounds > 1 for entry in entries)
    least = LEAST_NOISE if range_ and several else SINGLE_ROUND_MARGIN
    return max([1 + least, *(max(one, 1 / one) for one in range_ or () if one > 0)])


def rank(entries: Sequence[Entry], better: Better, apart: float) -> None:
    """Sets ``tie_with_best`` and ``behind`` on the row's cells. ``apart`` is its threshold."""
    if better == "none":
        return
    leading = [entry for entry in entries if entry.leads]
    for entry in entries:
        beaten = any(is_ahead(other, entry, better, apart) for other in leading)
        entry.cell.tie_with_best = not beaten
    unbeaten = [entry for entry in leading if entry.cell.tie_with_best]
    if not unbeaten:
        return
    sure = min(unbeaten, key=lambda one: _worst(one, better))
    for entry in entries:
        if entry.cell.tie_with_best is False:
            entry.cell.behind = _behind(entry, sure, better)
    _leave_open(entries, unbeaten, better)
    _leave_scattered(entries, better)


def _leave_open(entries: Sequence[Entry], unbeaten: Sequence[Entry], better: Better) -> None:
    """Takes "best" from those of whom an open cell leaves it unknown."""
    if better != "higher":
        return
    best = max(unbeaten, key=lambda one: one.cell.value or 0.0)
    others_open = any(one.cell.is_open for one in unbeaten if one is not best)
    for entry in entries:
        if not entry.cell.tie_with_best:
            continue
        # Next to the one that showed most, and may do any more, a closed one may be far behind.
        if others_open or (entry is not best and (best.cell.is_open or entry.cell.is_open)):
            entry.cell.tie_with_best = None
    if others_open:
        for entry in entries:
            if entry.cell.behind is not None:
                entry.cell.behind.at_least = True


def _leave_scattered(entries: Sequence[Entry], better: Better) -> None:
    """Takes "best" from those whose value is behind that of a beaten one: nobody is ahead of them
    for no other reason than that their rounds lie far apart.
    """
    sign = 1 if better == "higher" else -1
    beaten = [sign * (e.cell.value or 0.0) for e in entries if e.cell.tie_with_best is False]
    best_beaten = max(beaten, default=-math.inf)
    for entry in entries:
        if entry.cell.tie_with_best and sign * (entry.cell.value or 0.0) < best_beaten:
            entry.cell.tie_with_best = None


def is_ahead(a: Entry, b: Entry, better: Better, apart: float) -> bool:
    """Whether all of ``a``'s rounds have a value, and a better one than all of ``b``'s, by more
    than ``apart``.
    """
    if a.cell.lacks_rounds:
        return False
    if min(a.cell.rounds, b.cell.rounds) < 2:
        apart = max(apart, 1 + SINGLE_ROUND_MARGIN)
    (a_low, a_high), (b_low, b_high) = a.ends, b.ends
    return a_low > b_high * apart if better == "higher" else a_high * apart < b_low


def _worst(entry: Entry, better: Better) -> float:
    """What its worst round promises, the less the better."""
    low, high = entry.ends
    return -low if better == "higher" else high


def _behind(entry: Entry, best: Entry, better: Better) -> Behind | None:
    """How many times better the best is, from the rounds that lie nearest to each other."""
    (low, high), (best_low, best_high) = entry.ends, best.ends
    more, less = (best_low, high) if better == "higher" else (low, best_high)
    if less <= 0:
        return None
    return Behind(best=best.cell.column, factor=more / less, at_least=best.cell.is_open)

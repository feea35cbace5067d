"""Who is best in a row, and who can't be told from the best, by the sides of each round.

A server is ahead in a round where even its worse side beats the other's better one. It is ahead of
another where that is so in most of the rounds that both have, the other is ahead in none, and the
medians are further apart than noise explains. What is not told apart so is a tie. Rounds that leave
a side open decide nothing.

Of a rate, a cell that is open says where somebody stopped looking, not where the server ends. While
one that nobody is ahead of may be any better than the one that showed most, nobody is called best:
that one's figure is no more than where it was stopped, or a limit that others may well exceed.

Noise is how far a server's rounds are apart once what a round did to all is taken out, but no less
than the row's median server shows: three rounds may agree by luck. Of many equal servers some are
far apart by luck, too, so the margin is that of all pairs at once (Tukey and Kramer), with each
one's own noise: a restless server widens its own margins, not everybody's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from chinwag_bench.judging.bounds import Bounds, ByRound
from chinwag_bench.judging.matrix import Behind, Cell
from chinwag_bench.judging.row import Better
from chinwag_bench.judging.stats import LEAST_NOISE, SINGLE_ROUND_MARGIN, median

FALSE_LEADS_MAX = 0.05
"""Share of rows of equal servers in which somebody is called beaten."""
_OF_MEDIAN = math.sqrt(math.pi / 2)
"""A median's standard error as a multiple of a mean's, at most."""


@dataclass(frozen=True)
class Noise:
    """Of a row: the standard error of each column's logarithm, and the margin in units of it."""

    errors: Mapping[str, float]
    quantile: float

    def margin(self, a: str, b: str) -> float:
        """The factor that both must be apart; 1 where nothing is known of either."""
        errors = [self.errors[one] for one in (a, b) if one in self.errors]
        return math.exp(self.quantile * math.sqrt(sum(e * e for e in errors) / 2))


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
        high = math.inf if self.cell.high is None else self.cell.high
        return Bounds(self.cell.low, high, math.inf if self.cell.reach is None else self.cell.reach)


def rank(entries: Sequence[Entry], better: Better, noise: float) -> None:
    """Sets ``tie_with_best`` and ``behind`` on the row's cells.

    ``noise`` is by how much one server differs from itself, as a share: rounds of their own show
    it, a single round doesn't.
    """
    if better == "none":
        return
    leading = [entry for entry in entries if entry.leads]
    shown = noise_of(leading)
    for entry in entries:
        beaten = any(is_ahead(other, entry, better, noise, shown) for other in leading)
        entry.cell.tie_with_best = not beaten
    _follow(entries, leading, better, noise)
    best = _leader([entry for entry in leading if entry.cell.tie_with_best], better)
    if best is None:
        return
    for entry in entries:
        if entry.cell.tie_with_best is False:
            entry.cell.behind = _behind(entry, best, better)
    _leave_open(entries, best, better)


def _leave_open(entries: Sequence[Entry], best: Entry, better: Better) -> None:
    """Takes "best" from those of whom an open cell leaves it unknown."""
    if better != "higher":
        return
    unbeaten = [entry for entry in entries if entry.cell.tie_with_best]
    others_open = any(e.cell.is_open for e in unbeaten if e is not best and e.leads)
    for entry in unbeaten:
        # Next to the one that showed most, and may do any more, a closed one may be far behind.
        if others_open or (entry is not best and (best.cell.is_open or entry.cell.is_open)):
            entry.cell.tie_with_best = None
    if others_open:
        for entry in entries:
            if entry.cell.behind is not None:
                entry.cell.behind.at_least = True


def _follow(
    entries: Sequence[Entry], leading: Sequence[Entry], better: Better, noise: float
) -> None:
    """A restless server is no better for it: who is behind in its rounds, and in the median worse
    than one that was beaten, is beaten, too.
    """
    beaten = [entry for entry in entries if not entry.cell.tie_with_best]
    for entry in entries:
        is_worse = any(_beyond(one.median, entry.median, better, 1.0) for one in beaten)
        if is_worse and any(is_ahead(other, entry, better, noise) for other in leading):
            entry.cell.tie_with_best = False


def is_ahead(a: Entry, b: Entry, better: Better, noise: float, shown: Noise | None = None) -> bool:
    """Whether ``a`` is better than ``b`` beyond doubt, given the noise that the row has shown."""
    shared = a.by_round.keys() & b.by_round.keys()
    if not shared:
        return _beyond(a.median, b.median, better, 1 + SINGLE_ROUND_MARGIN + noise)
    margin = 1 + max(SINGLE_ROUND_MARGIN, noise) if len(shared) == 1 else 1.0
    won = sum(_beyond(a.by_round[r], b.by_round[r], better, margin) for r in shared)
    lost = sum(_beyond(b.by_round[r], a.by_round[r], better, margin) for r in shared)
    apart = 1.0 if shown is None else shown.margin(a.cell.column, b.cell.column)
    return lost == 0 and 2 * won > len(shared) and _beyond(a.median, b.median, better, apart)


def noise_of(entries: Sequence[Entry]) -> Noise:
    """What the rounds of a row's columns show; nothing of a column with one round."""
    logs = {entry.cell.column: _logarithms(entry) for entry in entries}
    logs = {column: found for column, found in logs.items() if len(found) > 1}
    if len(logs) < 2:
        return Noise({}, 0.0)
    deviations = _deviations(logs)
    usual = _usual(deviations, logs)
    errors = {
        column: _OF_MEDIAN * max(deviation, usual, LEAST_NOISE) / math.sqrt(len(logs[column]))
        for column, deviation in deviations.items()
    }
    freedom = sum(len(found) - 1 for found in logs.values()) * (1 - 1 / len(logs))
    return Noise(errors, _quantile(len(logs), freedom))


def _deviations(logs: Mapping[str, Mapping[int, float]]) -> dict[str, float]:
    """Each column's standard deviation, without what a round did to all."""
    centred = {
        column: {r: value - float(np.mean([*found.values()])) for r, value in found.items()}
        for column, found in logs.items()
    }
    rounds = {r for found in centred.values() for r in found}
    of_round = {r: median([f[r] for f in centred.values() if r in f]) for r in rounds}
    # What a round did is known from these columns only, which takes a part of each one's own.
    share_left = 1 - 1 / len(logs)
    return {
        column: float(np.std([value - of_round[r] for r, value in found.items()], ddof=1))
        / math.sqrt(share_left)
        for column, found in centred.items()
    }


def _usual(deviations: Mapping[str, float], logs: Mapping[str, Mapping[int, float]]) -> float:
    """The median column's standard deviation. Of few rounds most come out too small."""
    from scipy.stats import chi2  # Slow to import: for judging alone.

    freedom = median([len(logs[column]) - 1 for column in deviations])
    return median([*deviations.values()]) / math.sqrt(chi2.ppf(0.5, freedom) / freedom)


def _logarithms(entry: Entry) -> dict[int, float]:
    """Of each round's middle, where it is known and above zero."""
    return {
        r: math.log(one.low * one.high) / 2 if one.low > 0 else math.log(one.high)
        for r, one in entry.by_round.items()
        if 0 < one.high < math.inf
    }


@cache
def _quantile(columns: int, freedom: float) -> float:
    from scipy.stats import studentized_range  # Slow to import: for judging alone.

    return float(studentized_range.ppf(1 - FALSE_LEADS_MAX, columns, freedom))


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


def _behind(entry: Entry, best: Entry, better: Better) -> Behind | None:
    """How many times better the best is, from the sides that lie nearest to each other."""
    if better == "higher":
        more, less = best.median.low, entry.median.reach
    else:
        more, less = entry.median.low, best.median.high
    if less <= 0 or less == float("inf"):
        return None
    if more <= less:
        return None
    wide = entry.cell.is_wide or best.cell.is_wide or entry.median.reach > entry.median.high
    return Behind(best=best.cell.column, factor=more / less, at_least=wide)

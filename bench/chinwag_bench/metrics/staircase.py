"""The search for the highest sustained rate, as a coroutine that knows nothing of servers or
clocks.

It yields offers and is sent answers. All its rates lie on one grid: its start times powers of
``FINE``, of which ``FINE_STEPS`` make a ``STEP`` of 15 %. Four phases:

- approach: short holds at twice the rate each time, four times after one that was easy, until one
  fails (or at less and less until one passes), only to get near;
- ascend: from the last rate that passed to what the failed hold carried, or else half of the way to
  that hold, by 15 % at least, until a failure stands a step above a pass;
- refine: between the highest pass and the failure a step above it, until they are a fine step
  apart;
- confirm: a fresh, longer hold at the highest pass. Where that fails, the next one is lower by one
  step at most, and from a rate that holds it goes up again as the refinement does.

Servers that batch are not monotone, so no failure rules out the rates further above it, and what
was skipped is never taken for held: a result has a hold of its own, after those that found it. A
failure that one moment's stall explains gets a second chance before it decides.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Generator
from typing import Literal

import msgspec

STEP = 1.15
FINE_STEPS = 4
FINE: float = STEP ** (1 / FINE_STEPS)
FLOOR_SHARE = 1 / 64
"""Below this share of the starting rate the search gives up."""
_MARGIN = 2
"""Rungs by which a server may end above or below what a failed hold carried."""

Kind = Literal["approach", "ascend", "refine", "confirm"]
Ended = Literal["failed", "cap", "time"]


class Verdict(enum.Enum):
    SUSTAINED = enum.auto()
    FAILED = enum.auto()
    DOUBTFUL = enum.auto()
    """Failed, but one moment's stall explains it."""
    NO_TIME = enum.auto()
    """The offer was not made: no time is left for a step of this kind."""


class Answer(msgspec.Struct, frozen=True):
    verdict: Verdict
    carried: float | None = None
    """Of an offer that failed: what the server did of it, where that can be told."""
    was_easy: bool = False
    """Of an offer that was sustained: the server is far from its limit."""


class Offer(msgspec.Struct, frozen=True):
    kind: Kind
    rate: float
    again: bool = False
    """A second chance, which is to last longer where there are longer holds."""


class Outcome(msgspec.Struct, frozen=True):
    """``rate`` is the confirmed one, or ``None``; ``ended`` says what kept it from going up: a
    failure within a step above it, the cap, or the time."""

    rate: float | None
    ended: Ended


Climb = Generator[Offer, Answer, Outcome]


def climb(start: float, cap: float, approach_factor: float = 2.0) -> Climb:
    """Searches between ``start / 64`` and ``cap``, both in the caller's unit of rate. The approach
    goes by the step of the grid that is nearest to ``approach_factor``.
    """
    return (yield from _Stairs(start, cap, approach_factor).search())


class _OutOfTime(Exception):
    pass


class _Stairs:
    """The grid, counted in rungs from the start, and what is known of it."""

    def __init__(self, start: float, cap: float, approach_factor: float) -> None:
        self._start = start
        self._cap = cap
        self._top = math.ceil(self._rungs(cap / start) - 1e-9)
        self._floor = min(self._top, math.ceil(self._rungs(FLOOR_SHARE)))
        self._stride = max(FINE_STEPS, round(self._rungs(approach_factor)))
        self._carried: float | None = None
        """By the last offer, if it failed."""
        self._carried_of_failure: float | None = None
        """By the last offer that failed."""
        self._was_easy = False
        """The last offer, for the server."""
        self._approach_failed: int | None = None
        """The lowest rung that the approach failed at: how far to look, and no bound."""
        self._low: int | None = None
        """The highest rung that passed, in the phase's own kind of hold or a phase before."""
        self._high: int | None = None
        """The lowest above it that failed, but for a single hold of the approach, which only gets
        near."""
        self._failed_twice = False
        """The last rung that failed did so in two holds."""

    def search(self) -> Climb:
        timed_out = False
        try:
            yield from self._approach()
            if self._low is None:
                return Outcome(None, "failed")
            yield from self._go_up("ascend", FINE_STEPS)
            yield from self._go_up("refine", 1)
        except _OutOfTime:
            timed_out = True
        confirmed = None
        try:
            confirmed = yield from self._confirm()
            yield from self._go_up("confirm", 1)
        except _OutOfTime:
            timed_out = True
        if confirmed is None or self._low is None:
            return Outcome(None, "time" if timed_out else "failed")
        return Outcome(self._rate(self._low), self._ended(self._low, timed_out))

    def _ended(self, low: int, timed_out: bool) -> Ended:
        if low >= self._top:
            return "cap"
        if self._high is not None and self._high - low <= FINE_STEPS:
            return "failed"
        return "time" if timed_out else "failed"

    def _approach(self) -> Generator[Offer, Answer, None]:
        rung, failed = min(0, self._top), self._top + 1
        while self._floor <= rung < failed:
            if (yield from self._passes("approach", rung)):
                self._low = rung
                stride = self._stride * (2 if self._was_easy else 1)
                rung = max(rung + 1, min(rung + stride, self._top))
                continue
            failed = self._approach_failed = rung
            if self._failed_twice:
                self._high = rung
            if self._low is None:
                rung = self._down_to_carried(rung)
            elif failed - self._low > self._stride and self._told_from(self._low) is None:
                rung = self._low + (failed - self._low) // 2

    def _go_up(self, kind: Kind, step: int) -> Generator[Offer, Answer, None]:
        """From the highest pass until a failure stands no more than ``step`` above it."""
        while self._low is not None and self._low < self._top:
            if self._high is not None and self._high - self._low <= step:
                return
            rung = self._higher(self._low)
            if (yield from self._passes(kind, rung)):
                self._low = rung
            else:
                self._high = rung

    def _confirm(self) -> Generator[Offer, Answer, int | None]:
        """From the highest pass down to a rate that holds; ``None`` if there is none."""
        rung = self._low
        while rung is not None and rung >= self._floor:
            if (yield from self._passes("confirm", rung)):
                self._low = rung
                return rung
            self._low, self._high = None, rung
            rung = max(rung - FINE_STEPS, self._down_to_carried(rung))
        return None

    def _passes(self, kind: Kind, rung: int) -> Generator[Offer, Answer, bool]:
        """Offers a rung, and once more after a failure that may have been a stall. Raises
        ``_OutOfTime`` where not even the first offer can be made.
        """
        answer = yield Offer(kind, self._rate(rung))
        if answer.verdict is Verdict.NO_TIME:
            raise _OutOfTime
        if answer.verdict is Verdict.DOUBTFUL:
            second = yield Offer(kind, self._rate(rung), again=True)
            answer = answer if second.verdict is Verdict.NO_TIME else second
            self._failed_twice = second.verdict in (Verdict.FAILED, Verdict.DOUBTFUL)
        else:
            self._failed_twice = False
        # Where nothing arrived, nothing is known of what the server can do.
        self._carried = answer.carried or None
        if answer.verdict is not Verdict.SUSTAINED:
            self._carried_of_failure = self._carried
        self._was_easy = answer.was_easy
        return answer.verdict is Verdict.SUSTAINED

    def _higher(self, low: int) -> int:
        """What a hold that failed has carried; where that is not known, half of the way to the
        failure. A step up at least, where the failure is further than that.
        """
        high = self._top + 1 if self._high is None else self._high
        if self._high is not None and high - low <= FINE_STEPS:
            rung = low + (high - low) // 2
            if self._carried is not None:
                rung = max(low + 1, self._carried_rung(self._carried))
        else:
            rung = max(low + FINE_STEPS, self._estimate(low))
        return min(rung, high - 1)

    def _estimate(self, low: int) -> int:
        """How far a server may go that passes ``low``. What it carried of the last offer that was
        too much tells, unless it passed more than that since: then overload made it slower.
        """
        carried = self._told_from(low)
        if carried is not None:
            return carried - _MARGIN
        failed = self._approach_failed if self._high is None else self._high
        return low if failed is None else low + (failed - low) // 2

    def _told_from(self, rung: int) -> int | None:
        """What was carried of the last offer that failed; ``None`` where that tells nothing of the
        rates from ``rung`` on up.
        """
        if self._carried_of_failure is None:
            return None
        carried = self._carried_rung(self._carried_of_failure)
        return None if carried < rung - _MARGIN else carried

    def _down_to_carried(self, rung: int) -> int:
        """What the hold that failed has carried; where that is not known, the approach's stride."""
        if self._carried is None:
            return rung - self._stride
        return min(rung - 1, self._carried_rung(self._carried))

    def _carried_rung(self, carried: float) -> int:
        return math.floor(self._rungs(carried / self._start))

    def _rate(self, rung: int) -> float:
        return min(self._start * float(FINE**rung), self._cap)

    @staticmethod
    def _rungs(ratio: float) -> float:
        return math.log(ratio) / math.log(FINE)

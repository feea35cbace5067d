"""The search for the highest sustained rate, as a coroutine that knows nothing of servers or
clocks.

It yields offers and is sent answers. First it doubles the rate from its start until a step fails
(or halves it until one passes): short holds, only to get near; where one fails in a way that may
have been a burst, a longer hold is asked. Then it ascends in steps of
15 % from the last rate that passed until one fails; it never bisects, because servers that batch
are not monotone. At last fresh, longer holds confirm the highest pass; if that fails, the next
lower one gets its chance, and from there it goes up again as far as holds of that length confirm.
"""

from __future__ import annotations

import enum
from collections.abc import Generator, Iterator
from typing import Literal

import msgspec

STEP = 1.15
FLOOR_SHARE = 1 / 64
"""Below this share of the starting rate the search gives up."""

Kind = Literal["approach", "ascend", "confirm"]
Ended = Literal["failed", "cap", "time"]


class Answer(enum.Enum):
    SUSTAINED = enum.auto()
    FAILED = enum.auto()
    DOUBTFUL = enum.auto()
    """Failed, but in a hold so short that a burst explains it."""
    NO_TIME = enum.auto()
    """The offer was not made: no time is left for a step of this kind."""


class Offer(msgspec.Struct, frozen=True):
    kind: Kind
    rate: float


class Outcome(msgspec.Struct, frozen=True):
    """``rate`` is the confirmed one, or ``None``; ``ended`` says what stopped the ascent."""

    rate: float | None
    ended: Ended


Climb = Generator[Offer, Answer, Outcome]


def climb(start: float, cap: float, approach_factor: float = 2.0) -> Climb:
    """Searches between ``start / 64`` and ``cap``, both in the caller's unit of rate."""
    passes: list[float] = []
    ended = yield from _approach(min(start, cap), cap, approach_factor, passes)
    if passes and ended == "failed":
        ended = yield from _ascend(cap, passes)
    return Outcome((yield from _confirm(passes, start * FLOOR_SHARE)), ended)


def _approach(
    start: float, cap: float, factor: float, passes: list[float]
) -> Generator[Offer, Answer, Ended]:
    rate = start
    while rate >= start * FLOOR_SHARE:
        answer = yield Offer("approach", rate)
        if answer is Answer.DOUBTFUL and passes:
            answer = yield Offer("ascend", rate)
        if answer is Answer.NO_TIME:
            return "time"
        if answer is Answer.SUSTAINED:
            passes.append(rate)
            if rate >= cap:
                return "cap"
            if rate < start:
                # Coming down from a start that was too high, the first pass is near enough.
                return "failed"
            rate = min(rate * factor, cap)
        elif passes:
            return "failed"
        else:
            rate /= factor
    return "failed"


def _ascend(cap: float, passes: list[float]) -> Generator[Offer, Answer, Ended]:
    while passes[-1] < cap:
        rate = min(passes[-1] * STEP, cap)
        answer = yield Offer("ascend", rate)
        if answer is Answer.NO_TIME:
            return "time"
        if answer is not Answer.SUSTAINED:
            return "failed"
        passes.append(rate)
    return "cap"


def _confirm(passes: list[float], floor: float) -> Generator[Offer, Answer, float | None]:
    """From the highest pass down to a rate that holds, then up again below what did not."""
    failed = None
    for rate in _downwards(passes, floor):
        answer = yield Offer("confirm", rate)
        if answer is Answer.SUSTAINED:
            return rate if failed is None else (yield from _confirm_up(rate, failed))
        if answer is Answer.NO_TIME:
            return None
        failed = rate
    return None


def _confirm_up(rate: float, failed: float) -> Generator[Offer, Answer, float]:
    while rate * STEP < failed:
        if (yield Offer("confirm", rate * STEP)) is not Answer.SUSTAINED:
            break
        rate *= STEP
    return rate


def _downwards(passes: list[float], floor: float) -> Iterator[float]:
    """The rates that passed, the highest first; then below the lowest of them in steps."""
    yield from reversed(passes)
    rate = passes[0] / STEP if passes else 0.0
    while rate >= floor:
        yield rate
        rate /= STEP

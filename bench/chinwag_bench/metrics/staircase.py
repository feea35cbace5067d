"""The search for the highest sustained rate, as a coroutine that knows nothing of servers or
clocks.

It yields offers and is sent answers. First it doubles the rate from its start until a step fails
(or halves it until one passes): short holds, only to get near; a step that fails there is tried
once more with a longer hold, because bursts weigh more in a short one. Then it ascends in steps of
15 % from the last rate that passed until one fails; it never bisects, because servers that batch
are not monotone. At last a fresh, longer hold confirms the highest pass; if that fails, the next
lower step gets its chance."""

from __future__ import annotations

import enum
from collections.abc import Generator
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
    passed, ended = yield from _approach(min(start, cap), cap, approach_factor)
    if passed is None:
        return Outcome(None, ended)
    if ended == "failed":
        passed, ended = yield from _ascend(passed, cap)
    return Outcome((yield from _confirm(passed, start * FLOOR_SHARE)), ended)


def _approach(
    start: float, cap: float, factor: float
) -> Generator[Offer, Answer, tuple[float | None, Ended]]:
    rate, passed = start, None
    while rate >= start * FLOOR_SHARE:
        answer = yield Offer("approach", rate)
        if answer is Answer.FAILED and passed is not None:
            answer = yield Offer("ascend", rate)
        if answer is Answer.NO_TIME:
            return passed, "time"
        if answer is Answer.SUSTAINED:
            # Coming down from a start that was too high, the first pass is near enough.
            if rate >= cap or rate < start:
                return rate, "cap" if rate >= cap else "failed"
            passed, rate = rate, min(rate * factor, cap)
        elif passed is not None:
            return passed, "failed"
        else:
            rate /= factor
    return None, "failed"


def _ascend(passed: float, cap: float) -> Generator[Offer, Answer, tuple[float, Ended]]:
    while passed < cap:
        rate = min(passed * STEP, cap)
        answer = yield Offer("ascend", rate)
        if answer is Answer.NO_TIME:
            return passed, "time"
        if answer is Answer.FAILED:
            return passed, "failed"
        passed = rate
    return passed, "cap"


def _confirm(rate: float, floor: float) -> Generator[Offer, Answer, float | None]:
    while rate >= floor:
        answer = yield Offer("confirm", rate)
        if answer is Answer.SUSTAINED:
            return rate
        if answer is Answer.NO_TIME:
            return None
        rate /= STEP
    return None

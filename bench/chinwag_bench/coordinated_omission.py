"""Coordinated omission: what a client that waits for each answer leaves out of its statistics.

A client that means to ask at fixed times, and waits for each answer before it asks again, asks less
while a server stands still. Counted from when it asked, one question was slow; counted from when it
meant to ask, all that it could not ask meanwhile were late.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Delays:
    """Milliseconds, one of each for every question, in the order of asking."""

    from_sending: list[float] = field(default_factory=list)
    from_plan: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, tuple[float, float]]:
        """ "p50", "p99" and "max" -> from sending, from the plan."""
        return {
            name: (float(np.quantile(self.from_sending, q)), float(np.quantile(self.from_plan, q)))
            for name, q in _QUANTILES.items()
        }


_QUANTILES = {"p50": 0.5, "p99": 0.99, "max": 1.0}


def ask_in_turn(ask: Callable[[], object], *, rate: float, seconds: float) -> Delays:
    """Means to call ``ask``, which returns with the answer, ``rate`` times a second. Where one is
    late, the next follows at once.
    """
    delays = Delays()
    begun = time.monotonic()
    for index in range(int(rate * seconds)):
        planned = begun + index / rate
        time.sleep(max(0.0, planned - time.monotonic()))
        sent = time.monotonic()
        ask()
        answered = time.monotonic()
        delays.from_sending.append(1e3 * (answered - sent))
        delays.from_plan.append(1e3 * (answered - planned))
    return delays

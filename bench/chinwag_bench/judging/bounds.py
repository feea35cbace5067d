"""What a round knows of a value: that it lies between two sides.

A server that ends a search, or a clock that reads it exactly, leaves both sides equal. A generator
that ends the search leaves the high side open; its own lags lie between the sides of a latency.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chinwag_bench.judging.stats import median
from chinwag_bench.records import Hold

SCATTERED_FACTOR = 5.0
"""Rounds further apart than this are shown one by one: no median speaks for them."""
_LAGS = {"p50": "p50", "p90": "p99", "p99": "p99", "p99_9": "max", "max": "max", "mean": "p50"}
"""Quantile of a delay -> quantile of the generator's lags that may be in it."""


@dataclass(frozen=True)
class Bounds:
    """The true value is at least ``low`` and at most ``high``, which is infinite where it is open.

    ``reach`` is how far it may lie at most where a search in steps found it: the next step.
    """

    low: float
    high: float
    step_end: float | None = None

    @property
    def reach(self) -> float:
        return self.high if self.step_end is None else max(self.high, self.step_end)

    @property
    def pair(self) -> tuple[float, float | None]:
        """As a cell has it: ``None`` is open."""
        return self.low, None if math.isinf(self.high) else self.high


ByRound = Mapping[int, Bounds]


def exactly(value: float | None) -> Bounds | None:
    """Both sides equal; ``None`` stays ``None``."""
    return None if value is None else Bounds(value, value)


def of_latency(hold: Hold, key: str) -> Bounds | None:
    """The sides of a delay, ``key`` as in ``latency_ms``; ``None`` where the hold has none.

    The low one is the lower of two: what messages took by themselves, as far as the generator timed
    them (one read in 16, and these may be late ones), and the delay without the generator's lags.
    """
    high = hold.latency_ms.get(key)
    if high is None:
        return None
    lag = _LAGS.get(key, "max")
    own = high - hold.send_lag_ms.get(lag, 0.0) - hold.receive_lag_ms.get(lag, 0.0)
    return Bounds(max(0.0, min(own, hold.service_ms.get(key, own))), high)


def medians(rounds: Sequence[Bounds]) -> Bounds:
    """The medians of lows, of highs and of how far each reaches. Raises ValueError without any."""
    lows, highs = [one.low for one in rounds], [one.high for one in rounds]
    return Bounds(median(lows), median(highs), median([one.reach for one in rounds]))


def are_scattered(rounds: Sequence[Bounds]) -> bool:
    """Whether the rounds contradict each other by more than ``SCATTERED_FACTOR``."""
    least = min(one.high for one in rounds)
    return least > 0 and max(one.low for one in rounds) > SCATTERED_FACTOR * least


def ratio(a: Bounds, b: Bounds) -> Bounds:
    """a / b, as far as it is known."""
    return Bounds(_quotient(a.low, b.high), _quotient(a.high, b.low))


def _quotient(a: float, b: float) -> float:
    if math.isinf(b):
        return 0.0
    if b == 0:
        return 1.0 if a == 0 else math.inf
    return a / b

"""The charts' axes: from a value to a percentage of a chart's width or height, and the marks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_EXACT = 1e-9
"""Logarithms of the same number may differ by less."""


@dataclass(frozen=True)
class Tick:
    """A mark on an axis, in percent from the left or the top; ``below`` says it in other words."""

    at: float
    label: str
    below: str = ""


@dataclass(frozen=True)
class Linear:
    """An axis from zero to ``end``, with a mark at each multiple of ``step``."""

    end: float
    step: float

    @classmethod
    def over(cls, largest: float) -> Linear:
        """The shortest axis of at most five steps of 1, 2 or 5 times a power of ten; 1 for none."""
        if largest <= 0:
            return cls(1.0, 1.0)
        rough = largest / 5
        power = 10 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
        return cls(step * math.ceil(largest / step), step)

    def share(self, value: float) -> float:
        """Percent of the axis, from zero."""
        return 100 * value / self.end

    def marks(self) -> list[float]:
        """The multiples of the step, zero and the end among them."""
        return [self.step * number for number in range(round(self.end / self.step) + 1)]


@dataclass(frozen=True)
class Decades:
    """A logarithmic axis, of milliseconds or of rates; its ends are exponents of ten."""

    low: float
    high: float

    @classmethod
    def around(cls, values: Sequence[float]) -> Decades:
        """The narrowest whole decades that hold the values; those under 0.001 count as that."""
        logs = [math.log10(max(value, 1e-3)) for value in values] or [0.0]
        low = math.floor(min(logs))
        return cls(low, max(math.ceil(max(logs)), low + 1))

    @classmethod
    def fitted(cls, values: Sequence[float]) -> Decades:
        """The narrowest that holds the values and ends in a round number."""
        least, most = min(values, default=1.0), max(values, default=1.0)
        steps = [math.log10(step) for step in (1, 2, 3, 4, 5, 6, 8)]
        low, high = math.log10(max(least, 1e-3)), math.log10(max(most, 1e-3))
        ends = [
            power + step for power in range(math.floor(low), math.ceil(high) + 2) for step in steps
        ]
        start = max(end for end in ends if end <= low + _EXACT)
        return cls(start, min(end for end in ends if end >= high - _EXACT and end > start))

    def top(self, value: float) -> float:
        """Percent from the upper edge."""
        exponent = math.log10(max(value, 10**self.low))
        return 100 * (self.high - exponent) / (self.high - self.low)

    def marks(self) -> list[float]:
        """Both ends, and the powers of ten between them."""
        between = range(math.floor(self.low) + 1, math.ceil(self.high))
        return [10.0**power for power in (self.low, *between, self.high)]

    def ticks(self) -> list[Tick]:
        """A mark at each power of ten, of milliseconds."""
        return [Tick(self.top(mark), f"{mark:.3g} ms") for mark in self.marks()]

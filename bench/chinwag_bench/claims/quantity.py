"""Numbers of which two sides are known: the true one lies between them."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    """At least ``low`` and at most ``high``, which is infinite where nothing is known of it. None
    is below zero.
    """

    low: float
    high: float

    @property
    def is_open(self) -> bool:
        """Whether it may be any higher."""
        return math.isinf(self.high)

    @property
    def pair(self) -> tuple[float, float | None]:
        """As JSON has it: ``None`` is open."""
        return self.low, None if self.is_open else self.high

    def __add__(self, other: Quantity) -> Quantity:
        return Quantity(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Quantity) -> Quantity:
        return Quantity(self.low - other.high, self.high - other.low)

    def __mul__(self, other: Quantity) -> Quantity:
        return Quantity(self.low * other.low, _times(self.high, other.high))

    def __truediv__(self, other: Quantity) -> Quantity:
        return Quantity(_over(self.low, other.high), _over(self.high, other.low))


def exactly(value: float) -> Quantity:
    """Both sides equal."""
    return Quantity(float(value), float(value))


def is_below(left: Quantity, right: Quantity, *, or_equal: bool) -> bool | None:
    """Whether ``left < right``; ``None`` where both sides allow both answers."""
    if left.high < right.low or (or_equal and left.high == right.low):
        return True
    if left.low > right.high or (not or_equal and left.low == right.high):
        return False
    return None


def _times(a: float, b: float) -> float:
    return 0.0 if a == 0 or b == 0 else a * b


def _over(a: float, b: float) -> float:
    if b == 0:
        return 0.0 if a == 0 else math.inf
    return 0.0 if math.isinf(b) else a / b

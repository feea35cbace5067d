"""A figure as an article states it, and the range of numbers that it allows."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

MULTIPLES = {"": 1.0, "K": 1e3, "M": 1e6}
PART = re.compile(r"^(?P<number>\d+(?:\.\d+)?)(?P<multiple>[KM]?)(?:B)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Range:
    """What a quoted figure allows: 89 is (89, 89), "<1" is (0, 1), "2M+" is (2e6, infinity)."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The figure to set a factor against: the end that is finite, or the middle."""
        if math.isinf(self.high):
            return self.low
        return self.high if self.low == 0 else (self.low + self.high) / 2

    @property
    def is_limit(self) -> bool:
        """Whether it says "less than" or "at least", which allow no tolerance."""
        return (self.low == 0) != math.isinf(self.high)


def parse_range(value: float | str) -> Range | None:
    """The numbers in a quote, K and M multiplied out; ``None`` where it is not about a number."""
    if isinstance(value, int | float):
        return Range(float(value), float(value))
    text = value.strip().lstrip("~").replace(",", "")
    if text.startswith("<"):
        top = _number(text[1:])
        return None if top is None else Range(0.0, top)
    if text.endswith("+"):
        bottom = _number(text[:-1])
        return None if bottom is None else Range(bottom, math.inf)
    ends = [_number(part) for part in text.split("-")]
    if len(ends) > 2 or any(end is None for end in ends):
        return None
    return Range(float(ends[0] or 0), float(ends[-1] or 0))


def _number(text: str) -> float | None:
    found = PART.match(text.strip())
    if found is None:
        return None
    return float(found["number"]) * MULTIPLES[found["multiple"].upper()]

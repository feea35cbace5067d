"""Who comes first among those that do what has to hold.

A server's cost is the weighted sum of the logarithms of its merits: of two servers that differ by a
factor of two in one merit and by the inverse in another one of the same weight none is ahead. Both
sides of each merit make both sides of a cost; servers whose costs overlap are tied.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chinwag_bench.deciding.merits import Merit

WEIGHTINGS = 1_000
_SEED = 1
_LEAST = 1e-6
"""Stands for zero, whose logarithm there is not."""


@dataclass(frozen=True)
class Cost:
    value: float
    low: float
    high: float


def cost(merits: Mapping[str, Merit], weights: Mapping[str, float]) -> Cost | None:
    """``None`` where a merit that counts is unknown."""
    if any(name not in merits for name in weights):
        return None
    known = [(merits[name], weight) for name, weight in weights.items()]
    return Cost(
        sum(weight * _log(merit.value) for merit, weight in known),
        sum(weight * _log(merit.sides.low) for merit, weight in known),
        sum(weight * _log(merit.sides.high) for merit, weight in known),
    )


def places(costs: Mapping[str, Cost]) -> dict[str, int]:
    """1 for the first and for all that can't be told from it, and so on."""
    order = sorted(costs, key=lambda name: costs[name].value)
    found: dict[str, int] = {}
    leader: str | None = None
    for index, name in enumerate(order):
        if leader is None or costs[name].low > costs[leader].high:
            leader = name
            found[name] = index + 1
        else:
            found[name] = found[leader]
    return found


def wins(merits: Mapping[str, Mapping[str, Merit]], names: Sequence[str]) -> dict[str, float]:
    """Share of weightings of the named merits in which a server comes first, by values alone: all
    weightings are as likely. Servers of which a merit is unknown don't take part.
    """
    logs = {
        server: [_log(found[name].value) for name in names]
        for server, found in merits.items()
        if all(name in found for name in names)
    }
    if not logs:
        return {}
    chance = random.Random(_SEED)
    first: Counter[str] = Counter()
    for _ in range(WEIGHTINGS):
        weights = [chance.expovariate(1.0) for _ in names]
        first[min(logs, key=lambda one: sum(map(_product, weights, logs[one])))] += 1
    return {server: count / WEIGHTINGS for server, count in first.most_common()}


def _log(value: float) -> float:
    return math.log2(max(_LEAST, value)) if math.isfinite(value) else math.inf


def _product(a: float, b: float) -> float:
    return a * b

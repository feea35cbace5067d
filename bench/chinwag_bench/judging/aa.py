"""A/A: by how much one server differs from itself under a second name, row by row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from chinwag_bench.judging.bounds import Bounds, ByRound, ratio
from chinwag_bench.judging.row import Spec
from chinwag_bench.judging.stats import spread
from chinwag_bench.records import Column, Json

FACTOR_MAX = 2.0
"""A row in which one server differs from itself by more ranks nobody."""

Samples = Mapping[tuple[str, str], ByRound]
"""Row and column -> the sides of each round; empty where the cell has none."""


def differences(columns: Sequence[Column], specs: Sequence[Spec], samples: Samples) -> Json:
    """As ``matrix.Matrix.aa`` describes it."""
    pairs: list[Json] = []
    ranges: dict[str, list[float]] = {}
    spreads: dict[str, float] = {}
    unranked: dict[str, None] = {}
    for column in columns:
        if column.aa_of is None:
            continue
        found: dict[str, list[float]] = {}
        for spec in specs:
            row = spec.row.id
            each = _ratios(samples.get((row, column.aa_of), {}), samples.get((row, column.id), {}))
            values = [one for one in map(_middle, each) if one is not None]
            if not values:
                continue
            found[row] = values
            known = ranges.setdefault(row, [values[0], values[0]])
            ranges[row] = [min(known[0], *values), max(known[1], *values)]
            spreads[row] = max(spreads.get(row, 0.0), spread(values))
            if spec.row.better != "none" and any(map(_differs, each)):
                unranked[row] = None
        pairs.append({"column": column.aa_of, "again": column.id, "ratios": found})
    return {"pairs": pairs, "range": ranges, "spread": spreads, "unranked": list(unranked)}


def _ratios(first: ByRound, again: ByRound) -> list[Bounds]:
    return [ratio(again[index], first[index]) for index in sorted(first.keys() & again.keys())]


def _middle(one: Bounds) -> float | None:
    """One number for a ratio that is known between two; ``None`` where a side is open."""
    if one.low <= 0 or math.isinf(one.high):
        return None
    return math.sqrt(one.low * one.high)


def _differs(one: Bounds) -> bool:
    """For certain, and by more than ``FACTOR_MAX``."""
    return one.low > FACTOR_MAX or one.high < 1 / FACTOR_MAX

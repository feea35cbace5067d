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

WIDE_FACTOR = 2.0
"""Between sides that are further apart no middle speaks for a value."""

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
            each = _pairs(samples.get((row, column.aa_of), {}), samples.get((row, column.id), {}))
            is_rate = spec.row.better == "higher"
            values = [one for pair in each if (one := _middle(*pair, is_rate)) is not None]
            if not values:
                continue
            found[row] = values
            known = ranges.setdefault(row, [values[0], values[0]])
            ranges[row] = [min(known[0], *values), max(known[1], *values)]
            spreads[row] = max(spreads.get(row, 0.0), spread(values))
            differs = any(one <= 0 or max(one, 1 / one) > FACTOR_MAX for one in values)
            if spec.row.better != "none" and differs:
                unranked[row] = None
        pairs.append({"column": column.aa_of, "again": column.id, "ratios": found})
    return {"pairs": pairs, "range": ranges, "spread": spreads, "unranked": list(unranked)}


def _pairs(first: ByRound, again: ByRound) -> list[tuple[Bounds, Bounds]]:
    return [(first[index], again[index]) for index in sorted(first.keys() & again.keys())]


def _middle(first: Bounds, again: Bounds, is_rate: bool) -> float | None:
    """One number for a ratio that is known between two; ``None`` where a side is open. Of times and
    amounts that are known to little more than a bound, the ratio of what was read.
    """
    one = ratio(again, first)
    is_wide = any(side.high > WIDE_FACTOR * side.low for side in (first, again))
    if is_wide and not is_rate and first.high > 0:
        return again.high / first.high if math.isfinite(first.high + again.high) else None
    if one.low <= 0 or math.isinf(one.high):
        return None
    return math.sqrt(one.low * one.high)

"""Measured beside published, a line a figure: how many times the one is the other.

Ratios have no unit, so figures of all rows stand on one axis: 1 is what the article says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from chinwag_bench.judging.matrix import Claim, Matrix, VerdictKind
from chinwag_bench.numbers import number
from chinwag_bench.render import claims
from chinwag_bench.render.axes import Tick

SHOWN = 8
"""Lines that are not folded: those that are furthest from what is published."""
_DECADES_MAX = 3


@dataclass(frozen=True)
class Dumbbell:
    """One figure; ``at`` is a percentage of the axis, as is the chart's ``one_at``."""

    claim: Claim
    kind: VerdictKind
    at: float
    published: str
    measured: str
    times: str


@dataclass(frozen=True)
class DumbbellChart:
    first: list[Dumbbell]
    rest: list[Dumbbell]
    one_at: float
    ticks: list[Tick]


def chart(matrix: Matrix) -> DumbbellChart | None:
    """Every figure of which both sides are numbers, and the measured one was not ended by this
    machine; ``None`` without any.
    """
    judged = [claim for claim in matrix.claims if claims.has_both(claim)]
    if not judged:
        return None
    decades = max(abs(claims.decades(claim)) for claim in judged)
    reach = min(_DECADES_MAX, max(1, math.ceil(decades)))
    order = sorted(judged, key=lambda claim: -abs(claims.decades(claim)))
    lines = [_dumbbell(claim, reach) for claim in order]
    ticks = [
        Tick(_at(power, reach), "published" if power == 0 else _mark(power))
        for power in range(-reach, reach + 1)
    ]
    return DumbbellChart(lines[:SHOWN], lines[SHOWN:], _at(0, reach), ticks)


def _at(decades: float, reach: int) -> float:
    return 50 + 50 * max(-reach, min(reach, decades)) / reach


def _mark(power: int) -> str:
    return f"{10**power:,}x" if power > 0 else f"1/{10**-power:,}"


def _dumbbell(claim: Claim, reach: int) -> Dumbbell:
    factor = claim.verdict.factor
    assert factor is not None
    return Dumbbell(
        claim=claim,
        kind=claim.verdict.kind,
        at=_at(claims.decades(claim), reach),
        published=claims.published(claim),
        measured=claims.measured(claim),
        times=f"{number(factor, 2)}x" if factor >= 1 else f"1/{number(1 / factor, 2)}",
    )

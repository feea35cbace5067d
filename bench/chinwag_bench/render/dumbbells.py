"""Measured beside published, a line a figure: how many times the one is the other.

Ratios have no unit, so figures of all rows stand on one axis: 1 is what the article says. Those
that compare servers stand first: they travel between machines, which absolute figures do not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from chinwag_bench.claims.catalog import Statement, load
from chinwag_bench.judging.matrix import Claim, Matrix, VerdictKind
from chinwag_bench.numbers import number
from chinwag_bench.render import claims
from chinwag_bench.render.axes import Tick

SHOWN = 5
"""Lines that are not folded: of those that come first the furthest from what is published."""
_DECADES_MAX = 3
WITHIN = "within"
"""In the place of a multiple, where what was measured keeps a published range or limit."""


@dataclass(frozen=True)
class Dumbbell:
    """One figure; ``at`` is a percentage of the axis, as is the chart's ``one_at``."""

    claim: Claim
    kind: VerdictKind
    at: float
    band: tuple[float, float] | None
    """Where what is published is a range or a limit, its ends on the axis."""
    whisker: tuple[float, float] | None
    """How far rounds and noise reach, on the axis; ``None`` where the statement is no figure that
    readings are set against."""
    columns: str
    """Whose cells were set against it, as the matrix names them, and that they are defaults."""
    under: str
    """The load, where it is not the row's own."""
    published: str
    published_brief: str
    """Without its unit where the measured one has the same."""
    measured: str
    times: str
    """From the one side of what was measured to the other: "3.2 to 3.9x", "1/15 to 1/12"."""


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
    order = sorted(
        judged, key=lambda claim: (claim.kind != "relation", -abs(claims.decades(claim)))
    )
    first = claims.distinct(order)[:SHOWN]
    rest = [claim for claim in order if claim not in first]
    ticks = [
        Tick(_at(power, reach), "published" if power == 0 else _mark(power))
        for power in range(-reach, reach + 1)
    ]
    shown, folded = ([_dumbbell(matrix, claim, reach) for claim in part] for part in (first, rest))
    return DumbbellChart(shown, folded, _at(0, reach), ticks)


def _at(decades: float, reach: int) -> float:
    return 50 + 50 * max(-reach, min(reach, decades)) / reach


def _mark(power: int) -> str:
    return f"{10**power:,}x" if power > 0 else f"1/{10**-power:,}"


def _dumbbell(matrix: Matrix, claim: Claim, reach: int) -> Dumbbell:
    factor = claim.verdict.factor
    assert factor is not None
    published, measured = claims.published(claim), claims.measured(claim)
    alike = bool(claim.unit) and measured.endswith(f" {claim.unit}")
    statement = next((one for one in load().claim if one.id == claim.id), None)
    band = None if statement is None else _band(statement, reach)
    return Dumbbell(
        claim=claim,
        kind=claim.verdict.kind,
        at=_at(claims.decades(claim), reach),
        band=band,
        whisker=_whisker(claim, statement, reach),
        columns=claims.set_against(matrix, claim),
        under=claims.under(matrix, claim),
        published=published,
        published_brief=published.removesuffix(f" {claim.unit}") if alike else published,
        measured=measured,
        times=WITHIN
        if band is not None and claim.verdict.kind == "holds"
        else _times(_ratios(claim.verdict.measured, statement), factor),
    )


def _ratios(
    pair: tuple[float, float | None] | None, statement: Statement | None
) -> tuple[float, float] | None:
    """Both sides of something measured over what is published; an open one is infinite."""
    expected = None if statement is None else statement.expected
    if pair is None or statement is None or expected is None or expected.middle <= 0:
        return None
    unit = statement.measured_per / expected.middle
    low, high = pair
    return low * unit, math.inf if high is None else high * unit


def _times(ratios: tuple[float, float] | None, factor: float) -> str:
    """``factor`` stands where the sides are not known, or where one of them is no multiple."""
    low, high = ratios or (factor, factor)
    if low <= 0:
        low = high = factor
    if math.isinf(high):
        return f">= {_multiple(low)}"
    least, most = _multiple(low), _multiple(high)
    if least == most:
        return least
    return f"{least.removesuffix('x') if low >= 1 else least} to {most}"


def _multiple(ratio: float) -> str:
    return f"{number(ratio, 2)}x" if ratio >= 1 else f"1/{number(1 / ratio, 2)}"


def _whisker(claim: Claim, statement: Statement | None, reach: int) -> tuple[float, float] | None:
    ratios = _ratios(claim.verdict.interval, statement)
    if ratios is None or ratios[1] <= 0:
        return None
    return _between(ratios, reach)


def _between(ratios: tuple[float, float], reach: int) -> tuple[float, float]:
    """Both on the axis; what is no multiple lies at its left end."""
    low, high = (math.log10(end) if end > 0 else -math.inf for end in ratios)
    return _at(low, reach), _at(high, reach)


def _band(statement: Statement, reach: int) -> tuple[float, float] | None:
    """An open end is that of the axis."""
    found = statement.expected
    if found is None or found.low == found.high or found.middle <= 0:
        return None
    return _between((found.low / found.middle, found.high / found.middle), reach)

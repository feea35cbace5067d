"""What the names of an expression stand for in one run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from chinwag_bench.claims.catalog import Catalog
from chinwag_bench.claims.expression import Missing
from chinwag_bench.claims.quantity import Quantity, exactly
from chinwag_bench.judging.bounds import Bounds
from chinwag_bench.judging.matrix import Cell, Ramp, RatePoint
from chinwag_bench.judging.rate_points import highest_rate, highest_rates, ladder, over_rounds
from chinwag_bench.judging.searches import keeps
from chinwag_bench.judging.stats import SINGLE_ROUND_MARGIN

_DELAY_ROW = "common_p99"
"""Its noise is that of a p99 in rows of which no server was measured twice."""


@dataclass(frozen=True)
class RunValues:
    """A run's values, for ``expression.Values``. ``of_rounds``: not between the medians of the
    rounds' sides, but as far apart as the rounds are, those of a second measurement of the same
    server with them, and one server from itself.
    """

    catalog: Catalog
    cells: Sequence[Cell] = ()
    rate_points: Sequence[RatePoint] = ()
    ramps: Sequence[Ramp] = ()
    of_rounds: bool = False
    itself: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Row -> the lowest and highest ratio of one server's second measurement to its first."""
    again: Mapping[str, str] = field(default_factory=dict)
    """Column -> the one that is its second measurement."""
    in_two: bool = False
    """Whether a value is one of two that are compared. What one server differs from itself is of
    two measurements, so each of them has the root of it."""
    _by_place: dict[tuple[str, str], Cell] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._by_place.update({(cell.row, cell.column): cell for cell in self.cells})

    @cached_property
    def compared(self) -> RunValues:
        """The same for expressions that set measured values against each other."""
        return replace(self, in_two=True)

    @cached_property
    def columns(self) -> frozenset[str]:
        """Of the run."""
        return frozenset(cell.column for cell in self.cells)

    @cached_property
    def _stated(self) -> dict[str, float]:
        found = {}
        for claim in self.catalog.claim:
            expected = claim.expected
            if expected is not None:
                found[claim.id] = expected.middle
        return found

    def found(self, row: str, column: str) -> Cell | None:
        """The cell, if this run has it."""
        return self._by_place.get((row, column))

    def cell(self, row: str, column: str) -> Quantity:
        """In the row's unit. Raises Missing where the run has no such value."""
        cell = self.found(row, column)
        if cell is None:
            raise Missing(f"this run has no {row} of {column}")
        if cell.value is None or cell.low is None:
            raise Missing(f"{column} has no value in {row}")
        found = Quantity(cell.low, math.inf if cell.high is None else cell.high)
        return self._with_noise(found, cell) if self.of_rounds else found

    def _with_noise(self, found: Quantity, cell: Cell) -> Quantity:
        known = [_of_rounds(one) for one in (cell, self._second(cell)) if one is not None]
        low = min(found.low, *(one.low for one in known))
        high = max(found.high, *(one.high for one in known))
        factor = self.apart(cell.row)
        if cell.rounds < 2:
            factor = max(factor, 1 + SINGLE_ROUND_MARGIN)
        if self.in_two:
            factor = math.sqrt(factor)
        return Quantity(low / factor, high * factor)

    def _second(self, cell: Cell) -> Cell | None:
        """Of the same row, from the second measurement of the column's server."""
        found = self.found(cell.row, self.again.get(cell.column, ""))
        return None if found is None or found.low is None else found

    def apart(self, row: str) -> float:
        """By how much one server differs from itself in the row, at least 1."""
        like = _DELAY_ROW if row not in self.itself and row.endswith("_p99") else row
        return max((max(one, 1 / one) for one in self.itself.get(like, ()) if one > 0), default=1.0)

    def said(self, claim: str) -> Quantity:
        """What a statement publishes, in its readings' unit: of a range the middle."""
        return exactly(self._stated[claim])

    def fact(self, name: str) -> Quantity:
        """One of ``[facts]``."""
        return exactly(self.catalog.fact(name))

    def computed(self, name: str, column: str, number: float) -> Quantity:
        """Deliveries/s within ``number`` ms, or ms at ``number`` connections. Raises Missing."""
        if name == "ramp_p99":
            return self._ramp_p99(column, number)
        rounds = self._rates_within(name, column, number)
        if not rounds:
            quantile = name.removeprefix("rate_within_")
            raise Missing(f"{column} has no hold near a {quantile} of {number:g} ms")
        if self.of_rounds:
            known = rounds + self._rates_within(name, self.again.get(column, ""), number)
            return Quantity(min(one.low for one in known), max(one.high for one in known))
        found = over_rounds(rounds)
        if name == "rate_within_p99":
            found = highest_rate(ladder(self._holds(column)), number) or found
        return Quantity(found.low, found.high)

    def _rates_within(self, name: str, column: str, limit_ms: float) -> list[Bounds]:
        points = self._holds(column)
        median = name == "rate_within_p50"
        found = _rates_within_p50(points, limit_ms) if median else highest_rates(points, limit_ms)
        return list(found.values())

    def _holds(self, column: str) -> list[RatePoint]:
        return [one for one in self.rate_points if one.column == column and not one.only_seen]

    def _ramp_p99(self, column: str, connections: float) -> Quantity:
        found = [
            step.p99_ms
            for ramp in self.ramps
            if ramp.column == column
            for step in ramp.steps
            if step.connections >= connections and step.p99_ms is not None
        ]
        if not found:
            raise Missing(f"{column} has no step of a ramp with {connections:,.0f} connections")
        return exactly(found[0])


def _of_rounds(cell: Cell) -> Quantity:
    """As far apart as the cell's rounds are."""
    assert cell.low is not None
    low, high = cell.interval or (cell.low, cell.high)
    return Quantity(min(low, cell.low), math.inf if high is None else max(high, cell.high or 0.0))


def _is_late(point: RatePoint, p50_limit_ms: float) -> bool:
    """By the server: the generator's own delay, a cold start or a disturbance are none of its."""
    is_evidence = point.kept and not (point.by_generator or point.only_seen)
    return is_evidence and point.p50_ms > p50_limit_ms


def _rates_within_p50(points: Sequence[RatePoint], limit_ms: float) -> dict[int, Bounds]:
    """By round: from the highest rate kept with such a median to the next one that wasn't."""
    found = {}
    for index in sorted({one.round for one in points}):
        own = [one for one in points if one.round == index]
        held = [one for one in own if keeps(one, math.inf) and one.p50_ms <= limit_ms]
        best = max(held, key=lambda one: one.deliveries_per_s, default=None)
        if best is None:
            continue
        above = [
            one.deliveries_per_s
            for one in own
            if one.deliveries_per_s > best.deliveries_per_s
            and (one.by_server or _is_late(one, limit_ms))
        ]
        found[index] = Bounds(best.carried, min(above, default=math.inf))
    return found

"""What a run knows of one server that a decision asks for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chinwag_bench.claims.catalog import load
from chinwag_bench.claims.expression import Missing
from chinwag_bench.claims.quantity import Quantity
from chinwag_bench.claims.values import RunValues
from chinwag_bench.judging.matrix import Matrix, RatePoint
from chinwag_bench.records import Column


@dataclass(frozen=True)
class Fact:
    """A cell's value, and of which column it is."""

    value: float
    """The side that promises less."""
    sides: Quantity
    """As far apart as the rounds are, and the root of what one server is from itself: of that both
    of its measurements have a part. 10 % where there is one round."""
    column: str
    is_open: bool
    """Whether the true value may be any higher."""


@dataclass(frozen=True)
class Facts:
    """Of one column, and where a run measures something of one variant a server, of that one."""

    column: Column
    matrix: Matrix
    siblings: Sequence[str]
    """Columns of the same server, this one first."""
    values: RunValues

    def of(self, row: str) -> Fact | None:
        """``None`` where neither the column nor another one of its server has a value."""
        for column in self.siblings:
            cell = self.values.found(row, column)
            if cell is None or cell.value is None or not cell.may_rank:
                continue
            try:
                sides = self.values.cell(row, column)
            except Missing:
                continue
            return Fact(cell.value, sides, column, cell.is_open)
        return None

    def value(self, row: str) -> float | None:
        """The side that promises less."""
        found = self.of(row)
        return None if found is None else found.value

    @property
    def measured_cores(self) -> int:
        """Of the server, in the run."""
        return max(1, len(self.matrix.run.plan.get("server_cores", [])))

    @property
    def is_one_thread(self) -> bool:
        """Whether further cores are of no use to one process of it."""
        return self.column.threads == "one"

    @property
    def rate_points(self) -> list[RatePoint]:
        """The column's own holds."""
        return [one for one in self.matrix.rate_points if one.column == self.column.id]


def network_gbit_per_s(matrix: Matrix, deliveries_per_s: float) -> float | None:
    """What so many deliveries of the throughput's load take of a network, headers of packets not
    counted; ``None`` where the run has no size of a frame.
    """
    if matrix.floor is None or not matrix.floor.frame_bytes:
        return None
    return deliveries_per_s * matrix.floor.frame_bytes * 8 / 1e9


def card_gbit() -> float:
    """What the network of article A's type of machine carries."""
    return load().facts["network_bits_of_type"].value / 1e9


def all_facts(matrix: Matrix) -> list[Facts]:
    """Of each measured column; a second measurement is no other choice."""
    values = RunValues(
        load(),
        matrix.cells,
        matrix.rate_points,
        matrix.ramps,
        of_rounds=True,
        itself={row: list(map(math.sqrt, found)) for row, found in matrix.aa["range"].items()},
    )
    columns = [one for one in matrix.columns if one.status == "ok" and one.aa_of is None]
    return [
        Facts(
            column,
            matrix,
            [column.id, *(o.id for o in columns if o.server == column.server and o != column)],
            values,
        )
        for column in columns
    ]

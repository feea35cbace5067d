"""Two runs side by side: what changed, and what stood in the way of comparing."""

from __future__ import annotations

from pathlib import Path

import msgspec

from chinwag_bench.compare.circumstances import circumstances, incomparable
from chinwag_bench.compare.difference import Difference, decide, difference
from chinwag_bench.compare.verdicts import Verdicts, verdicts
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import Cell, Matrix, Row


class Comparison(msgspec.Struct, kw_only=True):
    """All differences, in the matrix's order, and all that makes the runs differ besides."""

    before: str
    after: str
    warnings: list[str]
    rows: list[Row]
    differences: list[Difference]
    verdicts: Verdicts

    @property
    def significant(self) -> list[Difference]:
        return [one for one in self.differences if one.significant]

    def summary(self) -> str:
        """Of the cells."""
        compared = sum(one.kind not in ("unclear", "absent") for one in self.differences)
        unclear = sum(one.kind == "unclear" for one in self.differences)
        rest = f"{compared} compared" + (f", {unclear} can't be told" if unclear else "")
        if not self.significant:
            return f"no significant change ({rest})"
        count = len(self.significant)
        noun = "change" if count == 1 else "changes"
        kinds = [one.kind for one in self.significant]
        parts = [f"{kinds.count(k)} {k}" for k in ("better", "worse", "changed") if k in kinds]
        return f"{count} significant {noun}: {', '.join(parts)} ({rest})"


def compare(before: Path, after: Path) -> Comparison:
    """Judges both directories and compares cell by cell. Raises ``UnreadableResult``."""
    first, second = judge(before), judge(after)
    rows = [row for row in first.rows if row.id in {other.id for other in second.rows}]
    old, new = _cells(first), _cells(second)
    columns = {column.id for column in second.columns}
    shared = [column.id for column in first.columns if column.id in columns]
    differences = [
        difference(
            row,
            (old[row.id, column], new[row.id, column]),
            aa_spread=max(_aa(first, row), _aa(second, row)),
            rates=_rates(row, column, old, new),
            obstacle=incomparable(row, first.run, second.run),
            seed=first.run.seed,
        )
        for row in rows
        for column in shared
    ]
    return Comparison(
        before=first.run.id,
        after=second.run.id,
        warnings=circumstances(first, second),
        rows=rows,
        differences=decide(differences, {row.id: row for row in rows}),
        verdicts=verdicts(first.claims, second.claims),
    )


def _cells(matrix: Matrix) -> dict[tuple[str, str], Cell]:
    return {(cell.row, cell.column): cell for cell in matrix.cells}


def _aa(matrix: Matrix, row: Row) -> float:
    return float(matrix.aa["spread"].get(row.id, 0.0))


def _rates(
    row: Row,
    column: str,
    old: dict[tuple[str, str], Cell],
    new: dict[tuple[str, str], Cell],
) -> tuple[float, float] | None:
    """The rates at which a row's latencies were taken, where the row is one of latencies."""
    point, _, rest = row.id.partition("_")
    key = (f"{point}_rate", column)
    if rest == "rate" or key not in old or key not in new:
        return None
    first, second = old[key].value, new[key].value
    return None if first is None or second is None else (first, second)

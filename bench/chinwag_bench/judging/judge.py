"""From raw records to the decision matrix. Reads one result directory and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import product
from pathlib import Path

import msgspec

from chinwag_bench.judging import (
    aa,
    checks,
    claims,
    curves,
    published,
    ramps,
    rate_points,
    verdict,
)
from chinwag_bench.judging.bounds import ByRound
from chinwag_bench.judging.cells import measured
from chinwag_bench.judging.evidence import Evidence, load
from chinwag_bench.judging.matrix import Cell, Matrix, Published
from chinwag_bench.judging.near_ceiling import near_ceiling
from chinwag_bench.judging.ranking import Entry, rank
from chinwag_bench.judging.row import Spec
from chinwag_bench.judging.rows import SPECS
from chinwag_bench.records import Column, Throughput


def judge(result_dir: Path) -> Matrix:
    """The matrix of a result directory. Raises UnreadableResult where it can't be read."""
    evidence = load(result_dir)
    columns = evidence.run.columns
    quotes = {column.id: published.figures(column) for column in columns}
    specs = [s for s in SPECS if not s.needs_article or any(s.row.id in q for q in quotes.values())]
    samples: dict[tuple[str, str], ByRound] = {}
    cells = []
    for spec, column in product(specs, columns):
        cell, samples[spec.row.id, column.id] = measured(spec, column, evidence)
        cells.append(cell)
    noise = aa.differences(columns, specs, samples)
    again = {column.id for column in columns if column.aa_of is not None}
    for spec in specs:
        if spec.row.id not in noise["unranked"]:
            entries = _entries(spec, cells, samples, again)
            rank(entries, spec.row.better, noise["spread"].get(spec.row.id, 0.0))
    for cell in cells:
        _add_verdicts(cell, quotes[cell.column].get(cell.row, []))
    return Matrix(
        run=msgspec.structs.replace(evidence.run, notes=[*evidence.run.notes, *evidence.notes]),
        rows=[spec.row for spec in specs],
        columns=[_with_stack(column) for column in columns],
        cells=cells,
        curves=curves.all_curves(evidence),
        ramps=ramps.all_ramps(evidence),
        rate_points=rate_points.all_points(evidence),
        floor=evidence.floor,
        calibration=evidence.calibration,
        near_ceiling=near_ceiling(evidence.calibration, _loads(evidence), cells),
        aa=noise,
        claims=claims.all_claims(),
        checks=checks.all_checks(evidence, noise),
    )


def _loads(evidence: Evidence) -> list[str]:
    """The load profiles of the throughput records."""
    records = evidence.records["throughput"]
    return list({record.profile: None for record in records if isinstance(record, Throughput)})


def _entries(
    spec: Spec, cells: Sequence[Cell], samples: aa.Samples, again: Collection[str]
) -> list[Entry]:
    return [
        Entry(cell, samples[cell.row, cell.column], cell.column not in again)
        for cell in cells
        if cell.row == spec.row.id and cell.value is not None
    ]


def _add_verdicts(cell: Cell, quotes: Sequence[Published]) -> None:
    for quote in quotes:
        quote.verdict = verdict.judge_figure(cell, quote)
        cell.published.append(quote)
    if cell.published:
        cell.verdict = cell.published[0].verdict


def _with_stack(column: Column) -> Column:
    """Says in the caveats that the article measured other versions."""
    stack = published.stack(column)
    if stack is None:
        return column
    here = ", ".join(f"{name} {version}" for name, version in column.versions.items())
    caveat = f"article A measured {stack}; here: {here or 'versions unknown'}"
    return msgspec.structs.replace(column, caveats=[*column.caveats, caveat])

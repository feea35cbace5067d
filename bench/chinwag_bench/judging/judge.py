"""From raw records to the decision matrix. Reads one result directory and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import product
from pathlib import Path

import msgspec

from chinwag_bench.judging import checks, claims, curves, published, ramps, verdict
from chinwag_bench.judging.cells import ByRound, measured
from chinwag_bench.judging.evidence import Evidence, load
from chinwag_bench.judging.near_ceiling import near_ceiling
from chinwag_bench.judging.ranking import Entry, rank
from chinwag_bench.judging.rows import SPECS, Spec
from chinwag_bench.judging.stats import paired_ratios, spread
from chinwag_bench.records import Cell, Column, Json, Matrix, Published, Throughput

Samples = dict[tuple[str, str], ByRound]
"""Row and column -> the value of each round; only where the cell has one."""


def judge(result_dir: Path) -> Matrix:
    """The matrix of a result directory. Raises UnreadableResult where it can't be read."""
    evidence = load(result_dir)
    columns = evidence.run.columns
    quotes = {column.id: published.figures(column) for column in columns}
    specs = [s for s in SPECS if not s.needs_article or any(s.row.id in q for q in quotes.values())]
    samples: Samples = {}
    cells = []
    for spec, column in product(specs, columns):
        cell, samples[spec.row.id, column.id] = measured(spec, column, evidence)
        cells.append(cell)
    aa = _aa(columns, specs, samples)
    again = {column.id for column in columns if column.aa_of is not None}
    for spec in specs:
        entries = _entries(spec, cells, samples, again)
        rank(entries, spec.row.better, aa["spread"].get(spec.row.id, 0.0), evidence.run.seed)
    for cell in cells:
        _add_verdicts(cell, quotes[cell.column].get(cell.row, []))
    return Matrix(
        run=msgspec.structs.replace(evidence.run, notes=[*evidence.run.notes, *evidence.notes]),
        rows=[spec.row for spec in specs],
        columns=[_with_stack(column) for column in columns],
        cells=cells,
        curves=curves.all_curves(evidence),
        ramps=ramps.all_ramps(evidence),
        floor=evidence.floor,
        calibration=evidence.calibration,
        near_ceiling=near_ceiling(evidence.calibration, _loads(evidence), cells),
        aa=aa,
        claims=claims.all_claims(),
        checks=checks.all_checks(evidence, aa),
    )


def _loads(evidence: Evidence) -> list[str]:
    """The load profiles of the throughput records."""
    records = evidence.records["throughput"]
    return list({record.profile: None for record in records if isinstance(record, Throughput)})


def _aa(columns: Sequence[Column], specs: Sequence[Spec], samples: Samples) -> Json:
    """Per pair, and per row the largest of the pairs: how far two names of one server differ."""
    pairs: list[Json] = []
    worst: dict[str, float] = {}
    for column in columns:
        if column.aa_of is None:
            continue
        found = {}
        for spec in specs:
            first = samples.get((spec.row.id, column.aa_of), {})
            ratios = paired_ratios(samples[spec.row.id, column.id], first)
            if ratios:
                found[spec.row.id] = spread(ratios)
                worst[spec.row.id] = max(worst.get(spec.row.id, 0.0), found[spec.row.id])
        pairs.append({"column": column.aa_of, "again": column.id, "spread": found})
    return {"pairs": pairs, "spread": worst}


def _entries(
    spec: Spec, cells: Sequence[Cell], samples: Samples, again: Collection[str]
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

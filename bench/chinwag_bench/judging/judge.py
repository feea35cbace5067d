"""From raw records to the decision matrix. Reads one result directory, experiments with it, and
nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import product
from pathlib import Path

import msgspec

from chinwag_bench.claims import cases, judged
from chinwag_bench.claims.catalog import Catalog
from chinwag_bench.claims.verdict import Judge
from chinwag_bench.judging import (
    aa,
    checks,
    curves,
    fault_timelines,
    ramps,
    rate_points,
)
from chinwag_bench.judging.bounds import ByRound
from chinwag_bench.judging.cells import measured
from chinwag_bench.judging.evidence import Evidence, experiments_of, load
from chinwag_bench.judging.matrix import Cell, Matrix
from chinwag_bench.judging.near_ceiling import near_any_ceiling
from chinwag_bench.judging.ranking import Entry, rank, threshold
from chinwag_bench.judging.row import Spec
from chinwag_bench.judging.rows import KNOWN, specs_of
from chinwag_bench.metrics.registry import BY_NAME
from chinwag_bench.metrics.throughput import Throughput
from chinwag_bench.records import Column


def _is_of(spec: Spec, evidence: Evidence) -> bool:
    """Whether the run measures it, or means to: what it leaves out has no row without a figure of
    an article's.
    """
    settings = evidence.run.plan.get("settings")
    if settings is None or spec.source not in BY_NAME or settings.get(spec.source) is not None:
        return True
    return any(evidence.of(spec.source, column.id, spec.load) for column in evidence.run.columns)


def judge(result_dir: Path) -> Matrix:
    """The matrix of a result directory. Raises UnreadableResult where it can't be read."""
    evidence = load(result_dir)
    columns = evidence.run.columns
    catalog = judged.known(KNOWN)
    quoted = {row for row, _ in judged.placed_in(catalog, columns)}
    specs = [
        spec
        for spec in specs_of(evidence.run)
        if spec.row.id in quoted or (not spec.needs_article and _is_of(spec, evidence))
    ]
    samples: dict[tuple[str, str], ByRound] = {}
    cells = []
    for spec, column in product(specs, columns):
        cell, rounds = measured(spec, column, evidence)
        samples[spec.row.id, column.id] = rounds if cell.may_rank else {}
        cells.append(cell)
    noise = aa.differences(columns, specs, samples)
    again = {column.id for column in columns if column.aa_of is not None}
    noise["apart"] = {}
    for spec in specs:
        row, entries = spec.row, _entries(spec, cells, samples, again)
        if row.better != "none" and row.id not in noise["unranked"]:
            noise["apart"][row.id] = threshold(noise["range"].get(row.id), entries)
            rank(entries, row.better, noise["apart"][row.id])
    points, climbed = rate_points.all_points(evidence), ramps.all_ramps(evidence)
    judge_ = judged.judge_of(catalog, cells, points, climbed, noise)
    judged.place_figures(judge_, cells, columns)
    below = _experiments(result_dir)
    apart = None if below is None else _judge_of(below, catalog)
    return Matrix(
        run=msgspec.structs.replace(evidence.run, notes=[*evidence.run.notes, *evidence.notes]),
        rows=[spec.row for spec in specs],
        columns=[_with_stack(column, catalog) for column in columns],
        cells=cells,
        curves=curves.all_curves(evidence),
        ramps=climbed,
        fault_timelines=fault_timelines.all_timelines(evidence),
        rate_points=points,
        floor=evidence.floor,
        calibration=evidence.calibration,
        near_ceiling=near_any_ceiling(
            evidence.calibration, _loads(evidence), _other_loads(evidence), cells
        ),
        aa=noise,
        claims=judged.all_claims(judge_, apart),
        cases=cases.all_cases(judge_, apart),
        experiments=None if below is None else below.run.id,
        checks=checks.all_checks(evidence, noise),
    )


def _experiments(result_dir: Path) -> Matrix | None:
    folder = experiments_of(result_dir)
    return None if folder is None else judge(folder)


def _judge_of(matrix: Matrix, catalog: Catalog) -> Judge:
    return judged.judge_of(catalog, matrix.cells, matrix.rate_points, matrix.ramps, matrix.aa)


def _loads(evidence: Evidence) -> list[str]:
    """The load profiles of the throughput records."""
    records = evidence.records["throughput"]
    return list({record.profile: None for record in records if isinstance(record, Throughput)})


def _other_loads(evidence: Evidence) -> list[str]:
    return list({record.load: None for record in evidence.records["load_throughput"]})


def _entries(
    spec: Spec, cells: Sequence[Cell], samples: aa.Samples, again: Collection[str]
) -> list[Entry]:
    return [
        Entry(cell, samples[cell.row, cell.column], cell.column not in again)
        for cell in cells
        if cell.row == spec.row.id and cell.may_rank
    ]


def _with_stack(column: Column, catalog: Catalog) -> Column:
    """Says in the caveats that the article measured other versions."""
    stack = catalog.articles["A"].stacks.get(column.published or "")
    if stack is None:
        return column
    here = ", ".join(f"{name} {version}" for name, version in column.versions.items())
    caveat = f"article A measured {stack}; here: {here or 'versions unknown'}"
    return msgspec.structs.replace(column, caveats=[*column.caveats, caveat])

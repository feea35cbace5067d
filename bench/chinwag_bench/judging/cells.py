"""A cell's value, interval, limits and notes, from the records of one row and one column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from chinwag_bench.judging.evidence import Evidence, disturbed_by, kept
from chinwag_bench.judging.rows import Spec
from chinwag_bench.judging.stats import interval, median
from chinwag_bench.records import (
    Cell,
    Column,
    Effort,
    Limited,
    Memory,
    Paced,
    Raw,
    Storm,
    Throughput,
)

ByRound = dict[int, float]
NOT_MEASURED = "not measured by this version"


def measured(spec: Spec, column: Column, evidence: Evidence) -> tuple[Cell, ByRound]:
    """The cell without rank and verdict, and its value for each round."""
    cell = Cell(row=spec.row.id, column=column.id, value=None, unit=spec.row.unit)
    if spec.source == "effort":
        return cell, _effort(cell, spec, _effort_of(column, evidence.run.effort))
    made = evidence.of(spec.source, column.id)
    used = kept(made)
    cell.reason = _no_value(spec, column, used)
    if cell.reason is not None:
        return cell, {}
    values = {r.round: v for r in used if r.status == "ok" and (v := spec.value(r)) is not None}
    _fill(cell, list(values.values()), evidence.run.seed)
    good = [record for record in used if record.round in values]
    _mark_limits(cell, spec, good)
    cell.notes += _round_notes(made, used, len(values))
    return cell, values


def _effort_of(column: Column, efforts: dict[str, Effort]) -> Effort | None:
    """By column; runs from before variants could have builds of their own have it by server."""
    return efforts.get(column.aa_of or column.id) or efforts.get(column.server)


def _effort(cell: Cell, spec: Spec, effort: Effort | None) -> ByRound:
    """Effort belongs to a column, not to a round; it is known even where nothing was measured."""
    value = None if effort is None else spec.value(effort)
    if value is None:
        cell.reason = "not counted in this run"
        return {}
    _fill(cell, [value], seed=0)
    return {1: value}


def _fill(cell: Cell, values: list[float], seed: int) -> None:
    cell.value, cell.samples, cell.rounds = median(values), values, len(values)
    found = interval(values, seed)
    if found is not None:
        cell.interval, cell.coverage = (found.low, found.high), found.coverage


def _no_value(spec: Spec, column: Column, used: Sequence[Raw]) -> str | None:
    """Why the cell has no value, or ``None`` if it has one."""
    if spec.source == "none":
        return "not measurable" if spec.row.id == "learning" else NOT_MEASURED
    if column.status != "ok":
        return column.reason or f"the server is {column.status}"
    if not used:
        return "not measured in this run"
    reasons = [reason for record in used if (reason := _failure(spec, record)) is not None]
    if len(reasons) == len(used):
        return Counter(reasons).most_common(1)[0][0]
    overloaded = [record for record in used if _unsustained(record) is not None]
    if spec.is_latency and 2 * len(overloaded) > len(used):
        return f"can't sustain this rate: {_unsustained(overloaded[-1])}"
    return None


def _failure(spec: Spec, record: Raw) -> str | None:
    """Why one record gives the row no number."""
    if record.status != "ok":
        return record.reason or f"the cell is {record.status}"
    if spec.value(record) is not None:
        return None
    if isinstance(record, Throughput) and record.best is None:
        return record.reason or "no rate was sustained"
    return record.reason or _unsustained(record) or "the record has no such value"


def _unsustained(record: Raw) -> str | None:
    if isinstance(record, Paced) and record.step is not None and not record.step.sustained:
        return record.step.why_not or "not delivered in full and in time"
    return None


def _mark_limits(cell: Cell, spec: Spec, records: Sequence[Raw]) -> None:
    """What ended the measurement, and whether that leaves one side of the value open."""
    limited = [record for record in records if isinstance(record, Limited)]
    if limited:
        ends = [record.limited_by for record in limited if record.limited_by]
        cell.limited_by = ", ".join(name for name, _ in Counter(ends).most_common()) or None
        if spec.is_rate:
            cell.lower_bound = any(record.lower_bound for record in limited)
    cell.notes += dict.fromkeys(note for record in records for note in spec.notes(record))
    limits = _generator_limits(records) if spec.is_rate or spec.is_latency else []
    if limits:
        cell.notes.append(f"generator-limited: {'; '.join(limits)}")
        if spec.is_latency:
            cell.limited_by, cell.upper_bound = "generator", True
    if isinstance(records[0], Memory):
        cell.notes += _memory_notes(cell, records)


def _generator_limits(records: Sequence[Raw]) -> list[str]:
    found: list[str] = []
    for record in records:
        steps = []
        if isinstance(record, Storm) and record.generator_limited:
            found.append(f"CPU {record.generator_cpu:.2f}")
        if isinstance(record, Throughput) and record.lower_bound:
            steps = [*record.steps, *([record.best] if record.best else [])]
        elif isinstance(record, Paced) and record.step is not None:
            steps = [record.step]
        for step in steps:
            if step.hold.generator_limited:
                found += step.hold.generator_limits
    return list(dict.fromkeys(found))


def _memory_notes(cell: Cell, records: Sequence[Raw]) -> list[str]:
    memory = [record for record in records if isinstance(record, Memory)]
    counts = sorted({record.connections for record in memory})
    notes = [f"with {', '.join(f'{count:,}' for count in counts)} connections"]
    methods = {r.points["joined"].kernel_method for r in memory if "joined" in r.points}
    if cell.value is not None and cell.value < 0:
        notes.append("below zero: too few connections to stand out from the empty server's noise")
    if cell.row == "memory_kernel":
        notes.append(f"kernel memory by {', '.join(sorted(methods))}")
    return notes


def _round_notes(made: Sequence[Raw], used: Sequence[Raw], valued: int) -> list[str]:
    notes = []
    for record in made:
        reasons = disturbed_by(record)
        if reasons:
            fate = "kept" if record in used else "repeated"
            notes.append(f"round {record.round} was disturbed ({', '.join(reasons)}) and {fate}")
    if len(made) > len(used):
        notes.append(f"{len(made)} rounds were made, {len(used)} are used")
    if valued < len(used):
        notes.append(f"{len(used) - valued} of {len(used)} rounds gave no value")
    for record in used:
        why = _unsustained(record)
        if why is not None:
            notes.append(f"round {record.round} was not sustained: {why}")
    return notes

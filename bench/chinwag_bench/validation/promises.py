"""What run.json promises: each column measured as often as its profile says, or a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from chinwag_bench.metrics.latency import Latency
from chinwag_bench.records import Record, Run
from chinwag_bench.runs.promised import promised
from chinwag_bench.runs.rawlog import metric_of
from chinwag_bench.validation.problem import Problem
from chinwag_bench.validation.raw_lines import RawLine

Cell = tuple[str, str, int]
"""Metric with its load, column, round."""


def promise_problems(run: Run, raw: list[RawLine[Record]]) -> Iterator[Problem]:
    """Records of unknown columns, columns and records without a reason, and missing records."""
    columns = {column.id: column for column in run.columns}
    for line in raw:
        column = columns.get(line.record.column)
        if column is None:
            yield line.problem(f"column {line.record.column!r} is not in run.json")
        elif column.status != "ok":
            yield line.problem(f"column {column.id!r} is {column.status} in run.json")
        if line.record.status != "ok" and not line.record.reason:
            yield line.problem(f"the record is {line.record.status} and gives no reason")
    for column in run.columns:
        if column.status != "ok" and not column.reason:
            yield _in_run(f"column {column.id!r} is {column.status} and gives no reason")
    yield from _missing(run, raw)


def _missing(run: Run, raw: list[RawLine[Record]]) -> Iterator[Problem]:
    promised = _promised(run)
    if promised is None:
        yield _in_run("`plan.settings` is not a run profile, so nothing tells what was promised")
        return
    absent = promised - {_cell(line.record) for line in raw}
    if run.finished_at is None:
        text = (
            f"the run was not finished: {len(absent)} of {len(promised)} measurements are missing"
        )
        yield _in_run(f"{text}; go on with `chinwag run --resume`")
        return
    for (metric, column), count in Counter((cell[0], cell[1]) for cell in sorted(absent)).items():
        yield _in_run(f"{column}: {metric} was not measured in {count} of the promised rounds")


def _promised(run: Run) -> set[Cell] | None:
    found = promised(run)
    if found is None:
        return None
    return {
        (_named(one.kind, one.load), column, number)
        for one in found
        for column in one.columns
        for number in range(1, one.count + 1)
    }


def _cell(record: Record) -> Cell | None:
    """What a record fulfils. Older runs have holds at half of a column's own rate: no promise."""
    if isinstance(record, Latency) and record.point != "common":
        return None
    return _named(type(record), record.load), record.column, record.round


def _named(kind: type[Record], load: str) -> str:
    return f"{metric_of(kind)} ({load})" if load else metric_of(kind)


def _in_run(what: str) -> Problem:
    return Problem("run.json", None, what)

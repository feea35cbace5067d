"""What run.json promises: each column measured as often as its profile says, or a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from chinwag_bench.records import Latency, Raw, Run
from chinwag_bench.runs.profile import RunProfile, profile_of_run
from chinwag_bench.runs.rawlog import metric_of
from chinwag_bench.validation.problem import Problem
from chinwag_bench.validation.raw_lines import RawLine

Cell = tuple[str, str, int]
"""Metric, column, round. Latency's two points are two metrics."""
LATENCY_POINTS = ["latency (common)", "latency (half)"]


def promise_problems(run: Run, raw: list[RawLine[Raw]]) -> Iterator[Problem]:
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


def _missing(run: Run, raw: list[RawLine[Raw]]) -> Iterator[Problem]:
    promised = _promised(run)
    if promised is None:
        yield _in_run("`plan.settings` is not a run profile, so nothing tells what was promised")
        return
    absent = promised - {cell for line in raw for cell in _cells(line)}
    if run.finished_at is None:
        text = (
            f"the run was not finished: {len(absent)} of {len(promised)} measurements are missing"
        )
        yield _in_run(f"{text}; go on with `chinwag run --resume`")
        return
    for (metric, column), count in Counter((cell[0], cell[1]) for cell in sorted(absent)).items():
        yield _in_run(f"{column}: {metric} was not measured in {count} of the promised rounds")


def _promised(run: Run) -> set[Cell] | None:
    try:
        profile = profile_of_run(run.plan.get("settings"))
    except msgspec.ValidationError:
        return None
    return {
        (name, column.id, number)
        for column in run.columns
        if column.status == "ok"
        for name, count in _times(profile)
        for number in range(1, count + 1)
    }


def _times(profile: RunProfile) -> Iterator[tuple[str, int]]:
    """How often each column is to have a record of each metric, and of each point of latency."""
    for metric, settings in profile.metrics():
        count = settings.rounds(profile.rounds)
        for kind in (metric.record, *settings.also()):
            names = LATENCY_POINTS if kind is Latency else [metric_of(kind)]
            yield from ((name, count) for name in names)


def _cells(line: RawLine[Raw]) -> list[Cell]:
    """What a record fulfils. A round that failed before its first point stands for both."""
    record = line.record
    names = [metric_of(record)]
    if isinstance(record, Latency):
        both = record.status == "failed" and record.step is None
        names = LATENCY_POINTS if both else [f"latency ({record.point})"]
    return [(name, record.column, record.round) for name in names]


def _in_run(what: str) -> Problem:
    return Problem("run.json", None, what)

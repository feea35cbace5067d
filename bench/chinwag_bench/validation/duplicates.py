"""A cell is measured once, and again only as a numbered repeat: else two runs wrote into the
directory, and both load the machine that the other one measured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from chinwag_bench.records import Run
from chinwag_bench.runs.rawlog import metric_of
from chinwag_bench.validation.problem import Problem
from chinwag_bench.validation.raw_lines import RawLine

_WITHIN_A_METRIC = ("point", "load")
"""What tells records of a metric, column and round apart, where it has several."""


def duplicate_problems(run: Run, raw: Sequence[RawLine[Any]]) -> Iterator[Problem]:
    """Columns that stand twice in run.json, and records of one attempt at one cell that stand twice
    below raw/.
    """
    for column, count in Counter(column.id for column in run.columns).items():
        if count > 1:
            yield Problem("run.json", None, f"column {column!r} stands there {count} times")
    first: dict[tuple[Any, ...], RawLine[Any]] = {}
    for line in raw:
        record = line.record
        metric, attempt = metric_of(record), int(record.disturbance.get("attempt", 1))
        within = [getattr(record, name, "") for name in _WITHIN_A_METRIC]
        known = first.setdefault((metric, record.column, record.round, attempt, *within), line)
        if known is not line:
            yield line.problem(
                f"{record.column}, round {record.round}, {metric}: measured in line "
                f"{known.number} already, and this is no repeat (attempt {attempt} both times)"
            )

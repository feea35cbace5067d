"""One line about one measured cell, for the progress output."""

from __future__ import annotations

from chinwag_bench.metrics.registry import BY_NAME
from chinwag_bench.records import Record
from chinwag_bench.runs.rawlog import metric_of


def describe(record: Record) -> str:
    """What was measured, with its unit, or why nothing was."""
    what = record.reason
    if record.status == "ok":
        what = BY_NAME[metric_of(record)].describe(record)
    return f"{record.column}, round {record.round}: {what}"

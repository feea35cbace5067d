"""The ways up to max connections, for their charts."""

from __future__ import annotations

from chinwag_bench.judging.evidence import Evidence
from chinwag_bench.judging.matrix import Ramp
from chinwag_bench.judging.repeats import kept
from chinwag_bench.metrics.connections import Connections


def all_ramps(evidence: Evidence) -> list[Ramp]:
    """One ramp for each column that climbed: of several rounds the one with the median maximum."""
    found = []
    for column in evidence.run.columns:
        records = [
            record
            for record in kept(evidence.of("connections", column.id))
            if isinstance(record, Connections) and record.status == "ok" and record.steps
        ]
        if records:
            found.append(_ramp(records))
    return found


def _ramp(records: list[Connections]) -> Ramp:
    middle = sorted(records, key=lambda record: record.connections)[(len(records) - 1) // 2]
    return Ramp(column=middle.column, steps=middle.steps, stopped=middle.stopped)

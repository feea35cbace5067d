"""The matrix's rows, collected from the metrics that measure them."""

from __future__ import annotations

from chinwag_bench.claims import rows as articles
from chinwag_bench.judging import effort
from chinwag_bench.judging.row import Spec
from chinwag_bench.metrics import (
    broadcast,
    cluster,
    connections,
    cpu_at_n,
    fault_recovery,
    hot_upgrade,
    latency,
    memory,
    robustness,
    start,
    storm,
    throughput,
)
from chinwag_bench.metrics.registry import METRICS
from chinwag_bench.records import Run

_UNDER_LOAD = (throughput.METRIC, latency.METRIC, broadcast.METRIC)
_BESIDE = (
    *(memory.METRIC, connections.METRIC, storm.METRIC, cpu_at_n.METRIC),
    *(start.METRIC, fault_recovery.METRIC, hot_upgrade.METRIC, robustness.METRIC),
    cluster.METRIC,
)
_FIRST = [spec for metric in _UNDER_LOAD for spec in metric.rows]
_MEASURED = [*(spec for metric in _BESIDE for spec in metric.rows), *effort.rows()]
_LAST = [*_MEASURED, *articles.rows({spec.row.id for spec in [*_FIRST, *_MEASURED]})]
SPECS: list[Spec] = [*_FIRST, *_LAST]
"""Those that every run has."""
KNOWN = frozenset(spec.row.id for spec in SPECS) | {
    spec.row.id for metric in METRICS for spec in metric.possible_rows()
}
"""Ids of all rows that a matrix can have, for those who name one."""


def specs_of(run: Run) -> list[Spec]:
    """All rows of a run's matrix, in its order; those about one load stand together."""
    by_load: dict[str, list[Spec]] = {}
    for metric in METRICS:
        for spec in metric.rows_of_run(run):
            by_load.setdefault(spec.row.group, []).append(spec)
    return [*_FIRST, *(spec for specs in by_load.values() for spec in specs), *_LAST]

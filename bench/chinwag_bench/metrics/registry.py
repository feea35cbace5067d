"""Every metric, in the order of measuring: throughput first, because latency's common rate depends
on all of it.
"""

from __future__ import annotations

from typing import Any, Union

from chinwag_bench.metrics import (
    broadcast,
    cluster,
    connections,
    cores,
    cpu_at_n,
    fault_recovery,
    hot_upgrade,
    latency,
    load_latency,
    load_throughput,
    memory,
    robustness,
    start,
    storm,
    throughput,
)
from chinwag_bench.metrics.metric import Metric
from chinwag_bench.records import Record

METRICS: tuple[Metric, ...] = (
    throughput.METRIC,
    latency.METRIC,
    memory.METRIC,
    cpu_at_n.METRIC,
    connections.METRIC,
    storm.METRIC,
    broadcast.METRIC,
    load_throughput.METRIC,
    load_latency.METRIC,
    start.METRIC,
    fault_recovery.METRIC,
    hot_upgrade.METRIC,
    cluster.METRIC,
    robustness.METRIC,
    cores.METRIC,
)
BY_NAME: dict[str, Metric] = {metric.name: metric for metric in METRICS}
KINDS: dict[str, type[Record]] = {metric.name: metric.record for metric in METRICS}
"""Name -> record, in the order of measuring."""
ANY_RECORD: Any = Union[tuple(KINDS.values())]  # noqa: UP007
"""What a decoder is told that does not know the metric; the tag says which it is."""

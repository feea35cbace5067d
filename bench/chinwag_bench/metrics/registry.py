"""Every metric, in the order of measuring: throughput first, because latency's common rate depends
on all of it.
"""

from __future__ import annotations

from chinwag_bench.metrics import (
    broadcast,
    connections,
    cpu_at_n,
    latency,
    memory,
    start,
    storm,
    throughput,
)
from chinwag_bench.metrics.metric import Metric

METRICS: tuple[Metric, ...] = (
    throughput.METRIC,
    latency.METRIC,
    memory.METRIC,
    cpu_at_n.METRIC,
    connections.METRIC,
    storm.METRIC,
    broadcast.METRIC,
    start.METRIC,
)
BY_NAME: dict[str, Metric] = {metric.name: metric for metric in METRICS}

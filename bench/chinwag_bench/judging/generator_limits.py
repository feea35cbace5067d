"""Whether the load generator held a hold back: from what it reports of itself, by fixed limits."""

from __future__ import annotations

from chinwag_bench.records import Hold

CPU_SHARE_MAX = 0.9
"""Of the cores that its processes can use."""
LAG_FLOOR_MS = 2.0
LAG_SHARE_OF_P99 = 0.1
"""A lag is too long when its p99 is over ``LAG_FLOOR_MS`` and over this share of the delay's."""
MISSING_SHARE_MAX = 0.01
"""Where more never came, the 99th percentile of all deliveries is one of them: it has no lag."""


def generator_limits(hold: Hold, cores: int) -> list[str]:
    """What limited the generator: "cpu", "send lag", "receive lag"; empty when nothing did.

    ``cores``: how many the run gave to it.
    """
    limits = []
    if hold.generator_cpu > CPU_SHARE_MAX * usable_cores(hold.generator_processes, cores):
        limits.append("cpu")
    if hold.expected - hold.delivered > MISSING_SHARE_MAX * hold.expected:
        return limits
    lag_ms_max = max(LAG_FLOOR_MS, LAG_SHARE_OF_P99 * hold.latency_ms["p99"])
    for name, lag_ms in (("send lag", hold.send_lag_ms), ("receive lag", hold.receive_lag_ms)):
        if lag_ms.get("p99", 0.0) > lag_ms_max:
            limits.append(name)
    return limits


def usable_cores(processes: int, cores: int) -> int:
    """Each process has one thread."""
    return max(1, min(processes, cores))

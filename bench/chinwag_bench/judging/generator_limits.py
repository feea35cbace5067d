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


def generator_limits(hold: Hold, cores: int, *, server_is_busy: bool = False) -> list[str]:
    """What limited the generator: "cpu", "send lag", "receive lag"; empty when nothing did.

    ``cores``: how many the run gave to it. ``server_is_busy``: whether the server had no CPU time
    left. Where both are out of it, lags tell them apart: what waits for a generator that is behind
    waits in the kernel, between the time stamps by which the receive lag is known.
    """
    lags = _long_lags(hold)
    is_busy = hold.generator_cpu > CPU_SHARE_MAX * usable_cores(hold.generator_processes, cores)
    limits = ["cpu"] if is_busy and (lags or not server_is_busy) else []
    if hold.expected - hold.delivered > MISSING_SHARE_MAX * hold.expected:
        return limits
    return limits + lags


def usable_cores(processes: int, cores: int) -> int:
    """Each process has one thread."""
    return max(1, min(processes, cores))


def _long_lags(hold: Hold) -> list[str]:
    lag_ms_max = max(LAG_FLOOR_MS, LAG_SHARE_OF_P99 * hold.latency_ms.get("p99", 0.0))
    lags = {"send lag": hold.send_lag_ms, "receive lag": hold.receive_lag_ms}
    return [name for name, lag_ms in lags.items() if lag_ms.get("p99", 0.0) > lag_ms_max]

"""Whether the load generator can be trusted on this machine at all, asked before anything is
measured.
"""

from __future__ import annotations

from typing import Any

from chinwag_bench.judging.generator_limits import generator_limits
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.metrics.cell import Place, bout
from chinwag_bench.metrics.latency import Settings


def check(place: Place, load: LoadProfile, settings: Settings) -> dict[str, Any]:
    """One hold at the lowest rate that the run compares latencies at, against any conforming
    server.

    Returns what the generator says of itself: ``ok`` is false when it is the limit even there.
    Raises ``ServerError`` or ``GeneratorError``."""
    with bout(place, load, settings.connections) as pair:
        step, _ = pair.hold(settings.common_deliveries_per_s_min, settings.hold, "headroom")
        niceness = pair.generator.niceness
    hold = step.hold
    limits = generator_limits(hold, len(place.site.cpus.generator))
    return {
        "ok": not limits,
        "column": place.target.id,
        "deliveries_per_s": hold.deliveries_per_s,
        "generator_cpu": hold.generator_cpu,
        "generator_processes": hold.generator_processes,
        "generator_niceness": niceness,
        "send_lag_p99_ms": hold.send_lag_ms["p99"],
        "receive_lag_p99_ms": hold.receive_lag_ms["p99"],
        "limits": limits,
    }

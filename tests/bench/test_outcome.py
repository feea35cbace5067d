"""One line a cell."""

import pytest
from chinwag_bench.metrics.broadcast import Broadcast
from chinwag_bench.metrics.connections import Connections
from chinwag_bench.metrics.cpu_at_n import CpuAtN
from chinwag_bench.metrics.latency import Latency
from chinwag_bench.metrics.memory import Memory
from chinwag_bench.metrics.start import Start
from chinwag_bench.metrics.throughput import Throughput
from chinwag_bench.records import Hold, MemoryPoint, Step
from chinwag_bench.runs.outcome import describe

PLAIN = {"column": "go", "round": 2, "started_at": 0.0, "seconds": 1.0, "status": "ok"}


def step(sustained=True):
    fields = dict.fromkeys(Hold.__struct_fields__, 0)
    latencies = {"p50": 1.0, "p99": 2.5}
    hold = Hold(**fields | {"deliveries_per_s": 1234.4, "latency_ms": latencies})
    why_not = None if sustained else "too slow"
    return Step(
        hold=hold,
        server_cpu_s=1,
        cpu_us_per_delivery=None,
        sustained=sustained,
        why_not=why_not,
    )


def point(size):
    return MemoryPoint(user_bytes=size, kernel_bytes=None, kernel_method="none")


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (Start(**PLAIN | {"status": "failed"}, reason="it died"), "it died"),
        (
            Throughput(**PLAIN, best=step(), lower_bound=True, limited_by="generator"),
            ">= 1,234 deliveries/s (ended by: generator)",
        ),
        (
            Throughput(**PLAIN, best=step(), cpu_us_per_delivery=4.2, limited_by="server"),
            "1,234 deliveries/s, 4.20 us CPU each (ended by: server)",
        ),
        (Throughput(**PLAIN), "no rate was sustained"),
        (Latency(**PLAIN, step=step()), "common rate: p50 1.00 ms, p99 2.50 ms"),
        (
            Latency(**PLAIN, point="half", step=step(sustained=False)),
            "half rate: p50 1.00 ms, p99 2.50 ms, not sustained: too slow",
        ),
        (
            Memory(
                **PLAIN,
                connections=1000,
                points={"empty": point(1 << 20), "joined": point(3 << 20)},
            ),
            "1,000 connections, 3 MiB, 2,097 user bytes a connection",
        ),
        (
            CpuAtN(**PLAIN, connections=10_000, user_share=0.02, system_share=0.03),
            "10,000 connections, 5.0% of the cores (2.0% user, 3.0% system)",
        ),
        (
            Connections(**PLAIN, connections=20_000, lower_bound=True, stopped="the cap"),
            ">= 20,000 connections (ended by: the cap)",
        ),
        (
            Broadcast(**PLAIN, members=1000, messages_per_s=5, step=step()),
            "1 to 1,000, 5 a second: p99 2.50 ms",
        ),
        (
            Start(**PLAIN, health_s=0.5, first_message_s=0.75),
            "ready after 0.500 s, first message after 0.750 s",
        ),
    ],
)
def test_a_cell_is_described(record, said):
    assert describe(record) == f"go, round 2: {said}"

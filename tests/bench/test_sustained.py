"""The definition of "sustained", rule by rule."""

import msgspec
import pytest
from chinwag_bench.metrics.sustained import find_failure
from chinwag_bench.records import Hold

GOOD = Hold(
    offered_messages_per_s=100,
    hold_s=4,
    sent=400,
    expected=2200,
    delivered=2200,
    lost=0,
    duplicated=0,
    reordered=0,
    corrupted=0,
    messages_per_s=100,
    deliveries_per_s=550,
    latency_ms={"mean": 2, "p50": 1, "p90": 3, "p99": 1000.0, "p99_9": 1100, "max": 1200},
    quarter_mean_ms=[1, 10, 50, 90],
    outstanding_after_drain=0,
    send_lag_ms={},
    receive_lag_ms={},
    generator_cpu=0.5,
    generator_limited=False,
    generator_limits=[],
    little={},
    closes={},
    wire_bytes_per_delivery=1100,
)


def test_a_hold_at_every_limit_is_sustained():
    """p99 of exactly 1 s; 80 ms more in the 4th quarter than in the 2nd, which is 2 % of 4 s."""
    assert find_failure(GOOD) is None


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"latency_ms": GOOD.latency_ms | {"p99": 1000.1}}, "latency", "p99"),
        ({"quarter_mean_ms": [1, 10, 50, 90.1]}, "latency", "delay grows: 80.1 ms"),
        ({"outstanding_after_drain": 1}, "loss", "1 deliveries outstanding"),
        ({"lost": 1, "delivered": 2199}, "loss", "2199 of 2200 delivered (1 lost)"),
        ({"duplicated": 2}, "loss", "2 duplicated"),
        ({"corrupted": 1}, "loss", "1 corrupted"),
        ({"delivered": 2199}, "loss", "none accounted for"),
        ({"closes": {"1013": 2, "reset": 1}}, "loss", "connections ended: 2 x 1013, 1 x reset"),
        ({"sent": 390}, "generator", "only 390 of 400 planned messages"),
    ],
)
def test_each_rule_is_kept(change, kind, said):
    failure = find_failure(msgspec.structs.replace(GOOD, **change))
    assert failure is not None
    assert failure.kind == kind
    assert said in failure.text


def test_falling_delays_are_no_growth():
    assert find_failure(msgspec.structs.replace(GOOD, quarter_mean_ms=[900, 500, 10, 1])) is None

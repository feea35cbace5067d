"""When the load generator was what limited a hold."""

import msgspec
import pytest
from chinwag_bench.judging.generator_limits import generator_limits

from .result_builder import hold

CALM = {"mean": 2.0, "p50": 1.0, "p90": 3.0, "p99": 5.0, "p99_9": 6.0, "max": 7.0}
SLOW = CALM | {"p99": 100.0, "p99_9": 110.0, "max": 120.0}


@pytest.mark.parametrize(
    ("cpu", "processes", "cores", "limited"),
    [
        (0.9, 1, 1, False),
        (0.91, 1, 1, True),
        (0.91, 1, 4, True),
        (1.7, 2, 2, False),
        (1.81, 2, 2, True),
        (0.91, 4, 1, True),
        (1.81, 4, 2, True),
        (0.91, 1, 0, True),
    ],
)
def test_cpu_is_counted_on_the_cores_that_its_processes_can_use(cpu, processes, cores, limited):
    made = hold(1000, CALM, generator_cpu=cpu, generator_processes=processes)
    assert generator_limits(made, cores) == (["cpu"] if limited else [])
    assert generator_limits(made, cores, server_is_busy=True) == []
    made.send_lag_ms["p99"] = 2.1
    both = [*(["cpu"] if limited else []), "send lag"]
    assert generator_limits(made, cores, server_is_busy=True) == both


@pytest.mark.parametrize("name", ["send lag", "receive lag"])
@pytest.mark.parametrize(
    ("delays", "lag_ms", "limited"),
    [(CALM, 2.0, False), (CALM, 2.1, True), (SLOW, 10.0, False), (SLOW, 10.1, True)],
)
def test_a_lag_is_too_long_over_2_ms_and_a_tenth_of_the_p99(name, delays, lag_ms, limited):
    field = name.replace(" ", "_") + "_ms"
    made = hold(1000, delays, **{field: {"p50": 0.1, "p99": lag_ms, "max": 99.0}})
    assert generator_limits(made, 1) == ([name] if limited else [])


def test_what_the_generator_itself_decided_is_not_asked():
    made = hold(1000, CALM, generator_limited=True, generator_limits=["cpu"])
    assert generator_limits(made, 1) == []


@pytest.mark.parametrize("delivered_share", [0.98, 0.995])
def test_a_lag_explains_no_delivery_that_never_came(delivered_share):
    """A server that stands still for the rest of a hold leaves short delays of a few deliveries."""
    made = hold(1000, CALM, send_lag_ms={"p50": 0.1, "p99": 9.0, "max": 99.0})
    made = msgspec.structs.replace(made, delivered=int(made.expected * delivered_share))
    assert generator_limits(made, 1) == (["send lag"] if delivered_share > 0.99 else [])

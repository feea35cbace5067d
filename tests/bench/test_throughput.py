"""What ended a staircase, and whether the server might have done more."""

from types import SimpleNamespace

import pytest
from chinwag_bench.metrics.staircase import Outcome
from chinwag_bench.metrics.sustained import Failure
from chinwag_bench.metrics.throughput import limit


def step(*, generator_limited=False, cpu_s=0.5):
    hold = SimpleNamespace(generator_limited=generator_limited, hold_s=1.0)
    return SimpleNamespace(hold=hold, server_cpu_s=cpu_s)


def search(best=None, failed=None, kind="latency"):
    failure = Failure(kind, "") if failed else None
    return SimpleNamespace(best=best, failed_step=failed, failure=failure)


@pytest.mark.parametrize(
    ("found", "ended", "expected"),
    [
        (search(best=step(generator_limited=True), failed=step()), "failed", ("generator", True)),
        (search(best=step(), failed=step(generator_limited=True)), "failed", ("generator", True)),
        (search(best=step(), failed=step(), kind="generator"), "failed", ("generator", True)),
        (search(best=step()), "cap", ("cap", True)),
        (search(best=step(), failed=step()), "time", ("cap", True)),
        (search(best=step(), failed=step(cpu_s=1.8)), "failed", ("server", False)),
        (search(best=step(), failed=step()), "failed", ("latency", False)),
        (search(best=step(), failed=step(), kind="loss"), "failed", ("loss", False)),
    ],
)
def test_the_limit_is_named(found, ended, expected):
    """Two server cores: 1.8 CPU seconds in one second are 90 % of them."""
    assert limit(found, Outcome(1.0, ended), server_cores=2) == expected

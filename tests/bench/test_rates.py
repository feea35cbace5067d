"""The rates of phase B, from throughputs made by hand."""

import pytest
from chinwag_bench.metrics.rates import common_rate, sustained_rates
from chinwag_bench.metrics.start import Start
from chinwag_bench.metrics.throughput import Throughput
from chinwag_bench.records import Hold, Step


def throughput(column, number, rate):
    """A record whose best step reached ``rate`` deliveries a second, or none."""
    plain = {"column": column, "round": number, "started_at": 0.0, "seconds": 1.0}
    if rate is None:
        return Throughput(**plain, status="ok")
    stated = {"deliveries_per_s": rate, "latency_ms": {"p99": 1.0}}
    hold = Hold(**dict.fromkeys(Hold.__struct_fields__, 0) | stated)
    step = Step(hold=hold, server_cpu_s=0, cpu_us_per_delivery=None, sustained=True)
    return Throughput(**plain, status="ok", best=step)


def test_a_column_s_rate_is_the_median_of_its_rounds():
    records = [throughput("go", number, rate) for number, rate in enumerate([100, 900, 200])]
    assert sustained_rates(records, Throughput) == {"go": 200}


def test_of_a_repeated_round_the_last_counts():
    records = [throughput("go", 1, 100), throughput("go", 1, 300), throughput("go", 1, None)]
    assert sustained_rates(records[:2], Throughput) == {"go": 300}
    assert sustained_rates(records, Throughput) == {}


def test_of_a_repeated_round_the_one_counts_that_the_judge_keeps():
    """A repeat that failed, or was disturbed itself, replaces no quiet one."""
    good, failed, disturbed = (throughput("go", 1, rate) for rate in (100, None, 70))
    failed.status = "failed"
    disturbed.disturbance = {"reasons": ["steal 4.7% of CPU time (limit 2%)"]}
    for made in ([good, failed], [good, disturbed], [failed, disturbed, good]):
        assert sustained_rates(made, Throughput) == {"go": 100}
    assert sustained_rates([failed, disturbed], Throughput) == {"go": 70}


def test_other_records_are_passed_over():
    start = Start(column="go", round=1, started_at=0, seconds=1, status="ok")
    assert sustained_rates([start], Throughput) == {}


@pytest.mark.parametrize(
    ("rates", "expected"),
    [({"a": 40_000, "b": 30_000}, 15_000), ({"a": 40_000, "b": 2_000}, 5_000), ({}, 5_000)],
)
def test_the_common_rate_is_half_of_the_lowest_but_not_too_low(rates, expected):
    assert common_rate(rates, 5_000) == expected

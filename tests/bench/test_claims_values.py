"""What a statement's computations read out of a column's holds and its ramp."""

from __future__ import annotations

import math

import msgspec
import pytest
from chinwag_bench.claims.catalog import load
from chinwag_bench.claims.expression import Missing, value
from chinwag_bench.claims.values import RunValues
from chinwag_bench.judging.matrix import Ramp, RatePoint
from chinwag_bench.records import RampStep

from .result_builder import made_cell


def hold(rate: float, p50: float, p99: float, *, kept: bool = True, round_: int = 1) -> RatePoint:
    return RatePoint(
        column="go",
        round=round_,
        deliveries_per_s=rate,
        p50_ms=p50,
        p99_ms=(p99, p99),
        kept=kept,
        by_server=not kept,
        messages=1000,
        hold_s=2.0,
        cpu_us_per_delivery=None,
    )


HOLDS = [
    hold(100_000, 2.0, 20.0),
    hold(110_000, 8.0, 60.0),
    hold(120_000, 15.0, 95.0),
    hold(130_000, 400.0, 2000.0, kept=False),
]


def with_holds(*holds: RatePoint) -> RunValues:
    return RunValues(load(), rate_points=holds)


@pytest.mark.parametrize(
    ("expression", "low", "high"),
    [
        ("rate_within_p99[go](89)", 110_000, 120_000),
        ("rate_within_p99[go](20)", 100_000, 110_000),
        ("rate_within_p99[go](1000)", 120_000, 130_000),
        ("rate_within_p50[go](12)", 110_000, 120_000),
        ("rate_within_p50[go](20)", 120_000, 130_000),
    ],
)
def test_a_rate_lies_between_what_kept_a_delay_and_what_did_not(
    expression: str, low: float, high: float
) -> None:
    found = value(expression, with_holds(*HOLDS))
    assert found.low == low
    assert found.high in (low, high), "a step of the search apart is as good as found"


def test_a_rate_that_nothing_broke_is_open() -> None:
    found = value("rate_within_p50[go](12)", with_holds(*HOLDS[:2]))
    assert (found.low, found.high) == (110_000, math.inf)


@pytest.mark.parametrize("spoilt", ["by_generator", "only_seen"])
def test_a_late_median_that_is_not_surely_the_server_s_breaks_nothing(spoilt: str) -> None:
    kept, late = HOLDS[0], msgspec.structs.replace(HOLDS[1], p50_ms=50.0)
    assert value("rate_within_p50[go](12)", with_holds(kept, late)).high < math.inf
    late = msgspec.structs.replace(late, **{spoilt: True})
    assert value("rate_within_p50[go](12)", with_holds(kept, late)).high == math.inf


def test_a_delay_that_no_hold_had_is_missing() -> None:
    for expression in ("rate_within_p50[go](1)", "rate_within_p99[rust](89)"):
        with pytest.raises(Missing):
            value(expression, with_holds(*HOLDS))


def test_a_ramp_has_a_p99_at_its_first_step_with_so_many_connections() -> None:
    steps = [
        RampStep(connections=count, seconds=1.0, p99_ms=p99, user_bytes=1)
        for count, p99 in ((8_000, 1.0), (12_000, 2.5), (16_000, None))
    ]
    values = RunValues(load(), ramps=[Ramp(column="go", steps=steps)])
    assert value("ramp_p99[go](10000)", values).pair == (2.5, 2.5)
    with pytest.raises(Missing, match="no step of a ramp with 13,000 connections"):
        value("ramp_p99[go](13000)", values)


def test_noise_widens_what_is_known_of_a_cell() -> None:
    cells = [made_cell("memory_joined", 100.0), made_cell("common_p99", 10.0, 20.0, 30.0)]
    noisy = RunValues(load(), cells, of_rounds=True)
    single, several = (value(f"{row}[go]", noisy) for row in ("memory_joined", "common_p99"))
    assert single.pair == (pytest.approx(100 / 1.1), pytest.approx(110))
    assert several.pair == (10, 30)
    twice = RunValues(load(), cells, of_rounds=True, itself={"common_p99": (0.8, 1.1)})
    assert value("common_p99[go]", twice).pair == (pytest.approx(8), pytest.approx(37.5))
    assert value("common_p99[go]", RunValues(load(), cells)).pair == (20, 20)

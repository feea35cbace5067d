"""Statistics against values worked out by hand, and the intervals' coverage by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from chinwag_bench.judging.stats import (
    Interval,
    change_p,
    false_discoveries_controlled,
    interval,
    median,
    min_max_coverage,
    spread,
    unpaired_ratio,
)


def test_median_of_odd_and_even_counts() -> None:
    assert median([9, 1, 4]) == 4
    assert median([9, 1, 4, 6]) == 5


def test_median_needs_samples() -> None:
    with pytest.raises(ValueError, match="no samples"):
        median([])


@pytest.mark.parametrize(
    ("rounds", "coverage"), [(1, 0.0), (2, 0.5), (3, 0.75), (5, 0.9375), (7, 0.984375)]
)
def test_coverage_of_the_range(rounds: int, coverage: float) -> None:
    assert min_max_coverage(rounds) == coverage


def test_coverage_of_no_rounds_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        min_max_coverage(0)


def test_up_to_seven_rounds_the_interval_is_the_range() -> None:
    assert interval([5, 2, 3]) == Interval(2, 5, 0.75)
    assert interval([1, 2, 3, 4, 5, 6, 7]) == Interval(1, 7, 0.984375)


def test_one_round_has_no_interval() -> None:
    assert interval([5]) is None


def test_from_eight_rounds_the_interval_is_narrower_than_the_range_and_repeats() -> None:
    samples = [10, 11, 12, 13, 14, 15, 16, 90]
    found = interval(samples, seed=3)
    assert found is not None
    assert found.coverage == 0.95
    assert 10 <= found.low <= 13.5 <= found.high < 90
    assert interval(samples, seed=3) == found


def test_equal_samples_make_a_point() -> None:
    assert interval([4.0] * 9) == Interval(4, 4, min_max_coverage(9))


def test_spread_is_the_same_in_both_directions() -> None:
    assert spread([1.1]) == pytest.approx(0.1)
    assert spread([1 / 1.1]) == pytest.approx(0.1)
    assert spread([0.0]) == math.inf


@pytest.mark.parametrize(("rounds", "trials"), [(3, 4000), (5, 4000), (9, 200)])
def test_intervals_hold_the_median_as_often_as_they_say(rounds: int, trials: int) -> None:
    rng = np.random.default_rng(20260921)
    held = 0
    for trial in range(trials):
        found = interval(list(rng.lognormal(0.0, 0.5, rounds)), seed=trial)
        assert found is not None
        held += found.low <= 1.0 <= found.high
    expected = min_max_coverage(rounds) if rounds < 8 else 0.95
    # Three standard errors; the bootstrap of nine rounds is allowed to be a little off.
    margin = 3 * math.sqrt(expected * (1 - expected) / trials) + (0.03 if rounds >= 8 else 0.0)
    assert held / trials == pytest.approx(expected, abs=margin)


def test_the_ratio_of_unpaired_rounds_spans_the_ends_of_both_ranges() -> None:
    assert unpaired_ratio([10, 20, 40], [20, 30, 40]) == Interval(0.5, 4.0, 0.75 * 0.75)
    assert unpaired_ratio([10], [20, 30]) is None


def test_the_ratio_of_many_rounds_is_bootstrapped_and_repeatable() -> None:
    rng = np.random.default_rng(3)
    before, after = rng.normal(100, 2, 12), rng.normal(120, 2, 12)
    found = unpaired_ratio(list(before), list(after), seed=5)
    assert found is not None
    assert found.coverage == 0.95
    assert 1.15 < found.low < found.high < 1.25
    assert found == unpaired_ratio(list(before), list(after), seed=5)


def test_noise_is_rarely_called_a_change() -> None:
    rng = np.random.default_rng(4)
    found = [
        change_p(list(rng.lognormal(0, 0.1, 3)), list(rng.lognormal(0, 0.1, 3)), margin=0.0)
        for _ in range(2000)
    ]
    assert sum(p < 0.05 for p in found) / len(found) == pytest.approx(0.04, abs=0.015)


def test_a_change_is_one_only_beyond_the_margin() -> None:
    old, new = [10.0, 10.2, 10.4], [14.0, 14.2, 14.4]
    assert change_p(old, new, margin=0.0) < 0.001
    assert change_p(new, old, margin=0.0) < 0.001
    assert change_p(old, new, margin=0.25) > change_p(old, new, margin=0.1)
    assert change_p(old, new, margin=0.5) == 1.0


def test_samples_that_agree_by_luck_are_not_free_of_noise() -> None:
    assert change_p([10.0] * 3, [10.05] * 3, margin=0.0) > 0.3
    assert change_p([10.0] * 3, [20.0] * 3, margin=0.0) < 1e-3
    with pytest.raises(ValueError, match="two a side"):
        change_p([10.0], [20.0], margin=0.0)


def test_many_looks_find_no_change_in_noise() -> None:
    assert false_discoveries_controlled([]) == []
    assert min(false_discoveries_controlled([k / 100 for k in range(1, 101)])) > 0.9
    assert false_discoveries_controlled([1e-6, *([0.5] * 99)])[0] == pytest.approx(1e-4)

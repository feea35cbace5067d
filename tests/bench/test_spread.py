"""Which rates are held so that the highest one within a p99 is known."""

import math

import pytest
from chinwag_bench.metrics.spread import Seen, next_rate
from chinwag_bench.metrics.staircase import STEP

LIMITS_MS = (10.0, 100.0, 1000.0)


def p99_at(rate):
    """Delay of a server that does 100,000 a second and batches: within 10 ms to half of it."""
    load = rate / 100_000
    return math.inf if load > 1 else 5.0 if load <= 0.5 else 50.0 if load <= 0.8 else 700.0


def seen(*rates):
    return [Seen(rate, p99_at(rate)) for rate in rates]


def test_the_middle_of_the_widest_gap_is_next():
    """Within 10 ms lies 20,000 and not 80,000; within 100 ms 80,000 and not 95,000."""
    found = next_rate(seen(20_000, 80_000, 95_000, 105_000), LIMITS_MS, 1.0)
    assert found == pytest.approx(40_000)


def test_held_rates_close_in_until_every_limit_is_known_to_a_step():
    points = seen(20_000, 95_000, 105_000)
    for _ in range(20):
        rate = next_rate(points, LIMITS_MS, 1.0)
        if rate is None:
            break
        points += seen(rate)
    assert rate is None
    for limit_ms, truth in ((10.0, 50_000), (100.0, 80_000), (1000.0, 100_000)):
        within = max(one.deliveries_per_s for one in points if one.p99_ms <= limit_ms)
        assert truth / STEP <= within <= truth


def test_where_no_rate_is_within_a_limit_it_goes_down_as_far_as_the_floor():
    points = [Seen(1000.0, 50.0), Seen(1100.0, math.inf)]
    assert next_rate(points, (10.0,), 100.0) == pytest.approx(500.0)
    assert next_rate(points, (10.0,), 501.0) is None


def test_a_gap_that_is_no_wider_than_a_step_is_known():
    assert next_rate(seen(45_000, 51_000), (10.0,), 1.0) is None
    assert next_rate(seen(44_000, 51_000), (10.0,), 1.0) is not None


def test_a_short_hold_shows_what_is_too_much_and_not_what_is_kept():
    short = [Seen(20_000, 5.0, is_long=False), Seen(80_000, 50.0, is_long=False)]
    assert next_rate(short, (10.0,), 1.0) == pytest.approx(40_000)
    assert next_rate([*short, Seen(40_000, 5.0)], (10.0,), 1.0) == pytest.approx(
        math.sqrt(40_000 * 80_000)
    )


def test_a_round_looks_first_where_earlier_ones_found_the_limit():
    """It begins near the top, far above 10 ms: two holds, and it has looked on both sides."""
    before = seen(45_000, 60_000, 95_000)
    points = seen(95_000, 105_000)
    below = next_rate(points, (10.0,), 1.0, before)
    assert below == pytest.approx(45_000, rel=0.05)
    above = next_rate([*points, *seen(below)], (10.0,), 1.0, before)
    assert above == 60_000
    middle = next_rate([*points, *seen(below, above)], (10.0,), 1.0, before)
    assert middle == pytest.approx(math.sqrt(below * above))


def test_nothing_above_leaves_nothing_to_close_in_on():
    assert next_rate(seen(20_000), LIMITS_MS, 1.0) is None
    assert next_rate([], LIMITS_MS, 1.0) is None
    assert next_rate(seen(20_000, 95_000), (), 1.0) is None

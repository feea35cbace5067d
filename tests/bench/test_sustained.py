"""The definition of "sustained", rule by rule."""

import msgspec
import numpy as np
import pytest
from chinwag_bench.judging.sustained import (
    SustainedLimits,
    carried_deliveries_per_s,
    delay_trend,
    find_failure,
    limits_of,
    offered_deliveries_per_s,
)
from chinwag_bench.records import DelayBins, Hold

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
BIN_S = 0.1


def with_delays(mean_ms, hold_s=None, deliveries=None, **changes):
    """The good hold, with these means of bins of 100 ms."""
    count = len(mean_ms)
    bins = DelayBins(
        bin_s=BIN_S, deliveries=deliveries or [100] * count, mean_ms=[float(ms) for ms in mean_ms]
    )
    hold_s = hold_s or count * BIN_S
    scaled = {"hold_s": hold_s, "sent": round(100 * hold_s)}
    scaled |= {"expected": round(550 * hold_s), "delivered": round(550 * hold_s)}
    return msgspec.structs.replace(GOOD, delay_bins=bins, **scaled | changes)


def times(seconds):
    """Middles of the bins of a hold."""
    return (np.arange(round(seconds / BIN_S)) + 0.5) * BIN_S


def noise(seconds, ms=5.0, seed=1):
    return np.random.default_rng(seed).normal(0, ms, round(seconds / BIN_S))


def paused(seconds, at_s, length_ms, load):
    """Delays with one pause, whose backlog is made up for with what the load leaves."""
    since_s = times(seconds) - at_s
    left = length_ms - since_s * 1000 * (1 - load)
    return np.where(since_s >= 0, np.maximum(left, 0.0), 0.0) + 1


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


def test_a_hold_in_which_nothing_was_sent_says_nothing_of_the_server():
    none = {"sent": 0, "expected": 0, "delivered": 0, "offered_messages_per_s": 0.1}
    delays = dict.fromkeys(GOOD.latency_ms, 0.0)
    failure = find_failure(msgspec.structs.replace(GOOD, **none, latency_ms=delays))
    assert failure is not None
    assert (failure.kind, "nothing was sent" in failure.text) == ("generator", True)


def test_falling_delays_are_no_growth():
    assert find_failure(msgspec.structs.replace(GOOD, quarter_mean_ms=[900, 500, 10, 1])) is None
    assert find_failure(with_delays(900 - 200 * times(2.5))) is None


@pytest.mark.parametrize("seconds", [0.7, 1.5, 2.5, 15.0])
@pytest.mark.parametrize("overload", [0.05, 0.3])
def test_a_ramp_is_found_in_short_holds_and_long_ones(seconds, overload):
    hold = with_delays(10 + 1000 * overload * times(seconds) + noise(seconds, ms=1.0))
    failure = find_failure(hold)
    assert failure is not None
    assert failure.kind == "latency"
    assert "delay grows" in failure.text
    assert not failure.perhaps_a_burst


@pytest.mark.parametrize("at", [0.3, 0.55, 0.7, 0.9])
@pytest.mark.parametrize(("length_ms", "load"), [(40, 0.9), (100, 0.5), (300, 0.3)])
def test_a_pause_that_is_made_up_for_is_no_growth(at, length_ms, load):
    """A collector's pause in the second half puts the fourth quarter above the second."""
    assert find_failure(with_delays(paused(2.5, 2.5 * at, length_ms, load))) is None


def test_a_pause_that_the_quarters_take_for_growth_is_none_with_bins():
    delays = paused(2.5, 1.9, 150, 0.8)
    quarters = [float(part.mean()) for part in np.array_split(delays, 4)]
    hold = with_delays(delays, quarter_mean_ms=quarters)
    assert find_failure(hold) is None
    without = find_failure(msgspec.structs.replace(hold, delay_bins=None))
    assert without is not None
    assert without.perhaps_a_burst


@pytest.mark.parametrize("seconds", [0.7, 1.5, 2.5])
def test_a_stall_that_is_not_made_up_for_may_be_a_burst(seconds):
    """Most of a second lost at once, at a load that leaves nothing for catching up."""
    failure = find_failure(with_delays(paused(seconds, seconds * 0.45, 700, 0.99)))
    assert failure is not None
    assert failure.perhaps_a_burst


def test_a_ramp_with_a_stall_on_top_is_no_mere_burst():
    delays = paused(2.5, 1.2, 300, 1.0) + 100 * times(2.5)
    failure = find_failure(with_delays(delays))
    assert failure is not None
    assert not failure.perhaps_a_burst


def test_a_p99_by_one_stall_may_be_a_burst_and_one_by_a_ramp_is_none():
    late = GOOD.latency_ms | {"p99": 1500.0}
    stall = find_failure(with_delays(paused(2.5, 1.0, 1500, 0.5), latency_ms=late))
    ramp = find_failure(with_delays(600 * times(2.5), latency_ms=late))
    assert (stall.perhaps_a_burst, ramp.perhaps_a_burst) == (True, False)


def test_noise_alone_is_hardly_ever_growth():
    """Of independent noise far above what growth is allowed: one hold in a hundred."""
    failed = [
        find_failure(with_delays(200 + noise(1.5, ms=100.0, seed=seed))) for seed in range(300)
    ]
    assert sum(failure is not None for failure in failed) <= 9


def test_noise_that_lasts_is_hardly_ever_growth():
    """Neighbouring bins share a backlog: taken for independent, they would look like a ramp."""
    rng = np.random.default_rng(3)
    failures = 0
    for _ in range(300):
        delays = [0.0]
        for shock in rng.normal(0, 10, 24):
            delays.append(0.7 * delays[-1] + shock)
        failures += find_failure(with_delays(np.array(delays) + 100)) is not None
    assert failures <= 15


def test_an_overload_whose_order_hides_it_shows_in_what_was_put_off():
    """A server that serves some connections long before others: delays of neighbouring bins differ
    by more than they grow, but a tenth of the deliveries is not there at the end."""
    delays = 110 * times(1.5) + 200 + noise(1.5, ms=150.0)
    kept = with_delays(delays)
    assert delay_trend(kept).margin > delay_trend(kept).slope > 0.02
    assert find_failure(kept) is None
    failure = find_failure(msgspec.structs.replace(kept, deliveries_per_s=0.9 * 550))
    assert failure is not None
    assert failure.perhaps_a_burst


@pytest.mark.parametrize(("slope", "sustained"), [(0.019, True), (0.021, False)])
def test_growth_counts_only_above_the_share_that_is_allowed(slope, sustained):
    """However sure it is."""
    assert (find_failure(with_delays(1000 * slope * times(2.5))) is None) is sustained


def test_the_limits_are_the_caller_s():
    ramp = with_delays(30 * times(2.5))
    assert find_failure(ramp) is not None
    assert find_failure(ramp, SustainedLimits(growth_share_max=0.04)) is None
    quick = with_delays([1.0] * 25, latency_ms=GOOD.latency_ms | {"p99": 150.0})
    assert find_failure(quick) is None
    failure = find_failure(quick, SustainedLimits(p99_ms_max=100.0))
    assert failure.text == "p99 150 ms is over 100 ms"


def test_the_trend_is_the_line_and_its_margin_shrinks_with_the_noise():
    exact = delay_trend(with_delays(5 + 40 * times(2.5)))
    assert (exact.slope, exact.margin) == (pytest.approx(0.04), pytest.approx(0, abs=1e-9))
    rough, fine = (
        delay_trend(with_delays(40 * times(2.5) + noise(2.5, ms=ms))) for ms in (20.0, 2.0)
    )
    assert rough.margin == pytest.approx(10 * fine.margin, rel=0.01)
    assert abs(rough.slope - 0.04) < rough.margin


def test_bins_weigh_by_their_deliveries_and_empty_ones_nothing():
    """Delays of the last bins are unknown where nothing of them was delivered."""
    delays = 40 * times(2.5)
    delays[-5:] = 0
    hold = with_delays(delays, deliveries=[100] * 20 + [0] * 5)
    assert delay_trend(hold).slope == pytest.approx(0.04)


@pytest.mark.parametrize(
    "bins", [None, DelayBins(bin_s=0.1, deliveries=[9] * 3, mean_ms=[1.0] * 3)]
)
def test_without_enough_bins_there_is_no_trend(bins):
    assert delay_trend(msgspec.structs.replace(GOOD, delay_bins=bins)) is None


def test_what_was_carried_follows_from_the_growth():
    """A tenth too much is a delay that grows by 100 ms a second; or it is what arrived."""
    overload = with_delays(100 * times(2.5))
    assert offered_deliveries_per_s(overload) == pytest.approx(550)
    assert carried_deliveries_per_s(overload) == pytest.approx(500)
    assert carried_deliveries_per_s(with_delays([3.0] * 25)) is None
    shed = with_delays([3.0] * 25, outstanding_after_drain=99, deliveries_per_s=300.0)
    assert carried_deliveries_per_s(shed) == 300
    slower = with_delays(100 * times(2.5), deliveries_per_s=450.0)
    assert carried_deliveries_per_s(slower) == 450
    by_quarters = msgspec.structs.replace(GOOD, quarter_mean_ms=[0, 0, 0, 200])
    assert carried_deliveries_per_s(by_quarters) == pytest.approx(500)


def test_a_run_s_limits_come_from_its_plan():
    written = {"settings": {"throughput": {"sustained": {"p99_ms_max": 100.0}}}}
    assert limits_of(written) == SustainedLimits(p99_ms_max=100.0)
    for older in ({}, {"settings": {}}, {"settings": {"throughput": {"seconds": 9}}}):
        assert limits_of(older) == SustainedLimits()
    assert limits_of({"settings": {"throughput": None}}) == SustainedLimits()


def test_a_hold_that_sent_nothing_offers_nothing():
    silent = msgspec.structs.replace(GOOD, sent=0, expected=0, delivered=0)
    assert offered_deliveries_per_s(silent) == 0
    assert carried_deliveries_per_s(silent) == 0

"""What several generator processes measured adds up to what one would have: values by hand."""

import math

import pytest
from chinwag_bench.generator.hdr_log import HIGHEST_NS, empty_histogram
from chinwag_bench.generator.merge import (
    HoldParts,
    added_histogram,
    merge_holds,
    merge_storms,
)
from chinwag_bench.generator.settings import Rejoined
from chinwag_bench.records import DelayBins, Hold

MS = 1_000_000


def encoded(*delays_ms):
    histogram = empty_histogram()
    for delay in delays_ms:
        histogram.record_value(min(int(delay * MS), HIGHEST_NS))  # as the generator counts it
    return histogram.encode().decode()


def measured(delays_ms, *, sent, cpu=0.2, lag=1.0, **change):
    """A hold whose deliveries took these times, the first half of them in its first quarter."""
    half, count = len(delays_ms) // 2, len(delays_ms)
    fields = dict.fromkeys(Hold.__struct_fields__, 0) | {
        "hold_s": 2.0,
        "sent": sent,
        "expected": count + 1,
        "delivered": count,
        "lost": 1,
        "offered_messages_per_s": sent / 2.0,
        "deliveries_per_s": count / 2.0,
        "latency_ms": {
            "mean": sum(delays_ms) / count,
            "p99": max(delays_ms),
            "max": max(delays_ms),
        },
        "quarter_mean_ms": [
            sum(delays_ms[:half]) / half,
            sum(delays_ms[half:]) / (count - half),
            0.0,
            0.0,
        ],
        "send_lag_ms": {"p50": lag, "p99": 2 * lag, "max": 3 * lag},
        "receive_lag_ms": {"p50": 0.1, "p99": 0.2, "max": 0.3},
        "generator_cpu": cpu,
        "generator_limited": False,
        "generator_limits": [],
        "little": {
            "outstanding_mean": 1.0,
            "predicted": 2.0,
            "ratio": 0.5,
            "standard_error": 0.3,
            "samples": 100,
        },
        "closes": {},
        "wire_bytes_per_delivery": 0.0,
        "service_ms": {"mean": sum(delays_ms) / count / 2, "max": max(delays_ms) / 2},
        "delay_bins": DelayBins(
            bin_s=0.5,
            deliveries=[half, count - half, 0, 0],
            mean_ms=[sum(delays_ms[:half]) / half, sum(delays_ms[half:]) / (count - half), 0, 0],
        ),
        "generator_processes": 1,
        "parsed": None,
    }
    parts = HoldParts(
        latency_hdr=encoded(*delays_ms),
        quarter_deliveries=[half, count - half, 0, 0],
        received=count,
        wire_bytes=100 * count,
        service_hdr=encoded(*(delay / 2 for delay in delays_ms)),
        services=count,
    )
    return Hold(**fields | change), parts


def merged(*both, cores=8):
    return merge_holds([hold for hold, _ in both], [parts for _, parts in both], cores)


FAST = measured([1.0] * 98, sent=10)
SLOW = measured([50.0, 70.0], sent=20, lag=2.0)


def test_counts_and_rates_are_sums():
    hold = merged(FAST, SLOW)
    assert (hold.sent, hold.expected, hold.delivered, hold.lost) == (30, 102, 100, 2)
    assert (hold.offered_messages_per_s, hold.deliveries_per_s) == (15.0, 50.0)
    assert hold.generator_cpu == pytest.approx(0.4)


def test_delays_are_those_of_the_added_histograms():
    found = merged(FAST, SLOW).latency_ms
    assert found["mean"] == pytest.approx((98 * 1 + 50 + 70) / 100)
    assert found["p50"] == pytest.approx(1.0, rel=1e-3)
    assert found["p99"] == pytest.approx(50.0, rel=1e-3), "the mean of their p99s would be 35.5"
    assert found["p99_9"] == found["max"] == 70.0


def test_a_percentile_beyond_what_histograms_tell_apart_is_the_maximum():
    slow = measured([1.0, 61_000.0, 65_000.0, 64_000.0], sent=4)
    found = merged(slow, slow).latency_ms
    assert found["p90"] == found["p99"] == found["max"] == 65_000.0


def test_a_histogram_is_added_without_losing_a_count():
    parts = [[1.0, 2.0, 300.0], [0.5], [59_000.0]]
    together = added_histogram([encoded(*delays) for delays in parts])
    alone = added_histogram([encoded(*(delay for delays in parts for delay in delays))])
    assert together.encode() == alone.encode()
    assert together.get_total_count() == 5


def test_a_quarter_weighs_what_was_delivered_in_it():
    hold = merged(FAST, SLOW)
    assert hold.quarter_mean_ms[0] == pytest.approx((49 * 1.0 + 1 * 50.0) / 50)
    assert hold.quarter_mean_ms[3] == 0.0


def test_services_are_those_of_the_added_histograms():
    found = merged(FAST, SLOW).service_ms
    assert found["mean"] == pytest.approx((98 * 0.5 + 25 + 35) / 100)
    assert found["p50"] == pytest.approx(0.5, rel=1e-3)
    assert found["max"] == 35.0


def test_a_process_that_knows_no_service_adds_none():
    silent, parts = measured([1.0, 1.0], sent=1, service_ms={})
    parts.services = 0
    assert merged(SLOW, (silent, parts)).service_ms["mean"] == pytest.approx(30.0)
    assert merged((silent, parts)).service_ms == {}


def test_bins_are_added_one_by_one():
    bins = merged(FAST, SLOW).delay_bins
    assert bins is not None
    assert (bins.bin_s, bins.deliveries) == (0.5, [50, 50, 0, 0])
    assert bins.mean_ms[0] == pytest.approx((49 * 1.0 + 1 * 50.0) / 50)
    assert bins.mean_ms[3] == 0.0


def test_bins_that_one_process_lacks_are_not_known():
    assert merged(FAST, measured([1.0, 1.0], sent=1, delay_bins=None)).delay_bins is None


def test_processes_and_what_they_parsed_are_sums():
    some = measured([1.0] * 90 + [9.0] * 10, sent=1, delivered=800, parsed=100)
    hold = merged(FAST, some)
    assert (hold.generator_processes, hold.parsed, hold.delivered) == (2, 198, 898)
    assert hold.latency_ms["mean"] == pytest.approx((98 + 90 + 90) / 198), "of what was parsed"


def test_lags_are_the_worst_of_any_process():
    assert merged(FAST, SLOW).send_lag_ms == {"p50": 2.0, "p99": 4.0, "max": 6.0}


def test_both_sides_of_little_s_law_add_up():
    little = merged(FAST, SLOW).little
    assert (little["outstanding_mean"], little["predicted"], little["ratio"]) == (2.0, 4.0, 0.5)
    assert little["standard_error"] == pytest.approx(math.sqrt(2) * 0.3)


def test_closes_are_added_by_code():
    ended = [measured([1.0, 1.0], sent=1, closes=c) for c in ({"1013": 2}, {"1013": 1, "reset": 4})]
    assert merged(*ended).closes == {"1013": 3, "reset": 4}


def test_what_limits_one_limits_all():
    limited = measured([1.0] * 2, sent=1, generator_limited=True, generator_limits=["send lag"])
    assert merged(FAST, limited).generator_limits == ["send lag"]
    assert merged(FAST, SLOW).generator_limited is False


@pytest.mark.parametrize(("cores", "limits"), [(1, ["cpu"]), (2, [])])
def test_processes_that_share_a_core_are_limited_together(cores, limits):
    half_busy = measured([1.0] * 2, sent=1, cpu=0.5)
    assert merged(half_busy, half_busy, cores=cores).generator_limits == limits


def test_bytes_of_a_delivery_are_of_all_deliveries():
    assert merged(FAST, SLOW).wire_bytes_per_delivery == 100


def storm(delays_ms, total_s, refused=0, reason=""):
    return Rejoined(
        connections=len(delays_ms) + refused,
        joined=len(delays_ms),
        refused=refused,
        reason=reason,
        total_s=total_s,
        rejoin_ms={"mean": sum(delays_ms) / len(delays_ms), "max": max(delays_ms)},
        generator_cpu=0.4,
    )


def test_a_storm_lasts_from_the_first_begin_to_the_last_end():
    delays = [[10.0, 20.0], [30.0, 400.0]]
    both = [storm(delays[0], 0.02), storm(delays[1], 0.4, refused=1, reason="full")]
    found = merge_storms(both, [encoded(*one) for one in delays], [100.0, 100.05])
    assert found.total_s == pytest.approx(0.45)
    assert (found.connections, found.joined, found.refused, found.reason) == (5, 4, 1, "full")
    assert found.rejoin_ms["p50"] == pytest.approx(20.0, rel=1e-3)
    assert (found.rejoin_ms["mean"], found.rejoin_ms["max"]) == (115.0, 400.0)
    assert found.generator_cpu == pytest.approx(0.8)

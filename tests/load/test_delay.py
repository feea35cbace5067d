"""Delays count from the planned send time, so a stalled server cannot hide its stall."""

from __future__ import annotations

import json
import signal
import time

import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

STALL_MS = 500


def test_a_stall_is_in_the_delays_of_all_that_was_planned_meanwhile(start_server, measure):
    server = start_server(stall_at=100, stall_s=STALL_MS / 1000)
    hold = measure(server.port, "--rate", 200, "--seconds", 2).hold
    latency = hold["latency_ms"]
    # A quarter of the messages is planned during the stall; their delays fall from 500 ms to 0.
    assert hold["sent"] == 400, "a stall holds nothing back"
    assert latency["max"] >= 0.95 * STALL_MS
    assert latency["p99"] >= 0.85 * STALL_MS
    assert latency["mean"] >= 0.25 * 0.5 * STALL_MS * 0.8
    assert latency["p50"] < 0.5 * STALL_MS
    assert max(hold["quarter_mean_ms"]) == hold["quarter_mean_ms"][1]


def test_outstanding_deliveries_agree_with_the_delays(start_server, measure):
    """Little's law with two counters that share nothing, where there is much outstanding."""
    server = start_server(stall_at=40, stall_s=1.0)
    little = measure(server.port, "--rate", 100, "--seconds", 2).hold["little"]
    assert little["samples"] == 2000
    # The bound is wide for a disturbed machine; a counter that is off misses it by far.
    assert little["ratio"] == pytest.approx(1, abs=0.2)


def test_the_generator_tells_its_own_lags(start_server, measure):
    hold = measure(start_server().port, "--rate", 200, "--seconds", 1).hold
    for lag in ("send_lag_ms", "receive_lag_ms"):
        assert 0 < hold[lag]["p50"] <= hold[lag]["p99"] <= hold[lag]["max"] < 1_000
    assert 0 < hold["generator_cpu"] < 1


def test_a_generator_that_stood_still_is_in_the_delays_and_not_in_the_service(
    start_server, start_control
):
    """What it sent late counts from when it was sent, what it read late until the kernel had it."""
    process = start_control(start_server().port)
    stopped_s = 1.0
    for command in (
        {"do": "connect", "connections": 20, "join": True},
        {"do": "hold", "rate": 200, "warmup_s": 0, "hold_s": 3, "drain_s": 5},
    ):
        print(json.dumps(command), file=process.stdin, flush=True)
    while json.loads(process.stdout.readline())["event"] != "hold_started":
        continue
    time.sleep(0.5)
    process.send_signal(signal.SIGSTOP)
    time.sleep(stopped_s)
    process.send_signal(signal.SIGCONT)
    while (event := json.loads(process.stdout.readline()))["event"] != "hold":
        continue
    hold = event["hold"]
    assert hold["lost"] == 0
    assert hold["latency_ms"]["max"] > 900 * stopped_s
    assert hold["latency_ms"]["p90"] > 500 * stopped_s
    assert 0 < hold["service_ms"]["p50"] <= hold["service_ms"]["p90"] < 250 * stopped_s


def test_bins_show_when_a_stall_was(start_server, measure):
    server = start_server(stall_at=100, stall_s=STALL_MS / 1000)
    hold = measure(server.port, "--rate", 200, "--seconds", 2).hold
    bins = hold["delay_bins"]
    count = len(bins["deliveries"])
    assert bins["bin_s"] * count == pytest.approx(2)
    assert sum(bins["deliveries"]) == hold["delivered"] == hold["parsed"]
    worst = max(range(count), key=lambda number: bins["mean_ms"][number])
    # The 100th of 200 a second is planned 0.5 s after the begin, and who comes next waits longest.
    assert 0.4 <= worst * bins["bin_s"] <= 0.7
    assert bins["mean_ms"][0] < 0.5 * bins["mean_ms"][worst]


def test_a_histogram_log_is_read_back_by_others(start_server, measure, tmp_path):
    log = tmp_path / "delays.hlog"
    port = start_server(stall_at=50, stall_s=0.1).port
    options = ("--rate", 200, "--seconds", 0.5, "--hdr", log)
    holds = [measure(port, *options, "--label", label).hold for label in ("first", "second")]
    whole = HdrHistogram(1_000, 60_000_000_000, 3)
    reader = HistogramLogReader(str(log), whole)
    for label, hold in zip(("first", "second"), holds, strict=True):
        read = reader.get_next_interval_histogram()
        assert read.get_tag() == label
        assert read.get_total_count() == hold["delivered"]
        for key, percent in {"p50": 50, "p90": 90, "p99": 99, "p99_9": 99.9}.items():
            value = read.get_value_at_percentile(percent)
            assert read.values_are_equivalent(value, round(hold["latency_ms"][key] * 1e6))
        assert read.values_are_equivalent(
            read.get_max_value(), round(hold["latency_ms"]["max"] * 1e6)
        )
        assert read.get_mean_value() / 1e6 == pytest.approx(hold["latency_ms"]["mean"], rel=1e-3)
    assert reader.get_next_interval_histogram() is None

"""The generator's numbers against servers whose delays and losses are known beforehand."""

from __future__ import annotations

import math
import random

import pytest

pytestmark = pytest.mark.alone

RATE, SECONDS = 200, 1
DELAYS = 2000
# Of programmed delays of 400 ms and more: 8 ms and more for what the machine adds.
TOLERANCE = 0.02
ATTEMPTS = 5
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99_9": 0.999, "max": 1.0}


def shuffled(quantile_function):
    """Delays in ms whose sorted values follow the function of (0, 1), in an order with a seed."""
    delays = [quantile_function((n + 0.5) / DELAYS) for n in range(DELAYS)]
    random.Random(1).shuffle(delays)
    return delays


DISTRIBUTIONS = {
    "all alike": shuffled(lambda q: 600.0),
    "even": shuffled(lambda q: 400.0 + 1000.0 * q),
    "two humps": shuffled(lambda q: 400.0 + 100.0 * q if q < 0.7 else 1400.0 + 100.0 * q),
    "long tail": shuffled(lambda q: min(400.0 - 150.0 * math.log(1 - q), 1600.0)),
}
LOAD = ("--json", "--warmup", 0, "--drain", 3, "--rate", RATE, "--seconds", SECONDS)


def truth(delays, deliveries):
    """What an exact observer finds: the programme runs through the list again and again. Ranks are
    rounded as HdrHistogram does.
    """
    handed_out = sorted(delays[n % len(delays)] for n in range(deliveries))
    found = {name: handed_out[int(q * deliveries + 0.5) - 1] for name, q in QUANTILES.items()}
    return found | {"mean": sum(handed_out) / deliveries}


def check_delays(latency_ms, expected, late_ms):
    """Names what is off by more than the tolerance and within what the machine explains: that a
    delivery was late by so much. What it can't explain fails here: lateness shortens no delay, and
    lengthens it in sending and in receiving, not more.
    """
    late = {}
    for key, value in expected.items():
        found = latency_ms[key]
        assert found >= value * (1 - TOLERANCE), f"{key} {found:.2f} ms, programmed {value:.2f}"
        assert found <= value * (1 + TOLERANCE) + 2 * late_ms, (
            f"{key} {found:.2f} ms, programmed {value:.2f} and at most {late_ms:.2f} late"
        )
        if found > value * (1 + TOLERANCE):
            late[key] = f"{found:.1f} instead of {value:.1f} ms"
    return late


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_quantiles_are_those_that_the_server_was_programmed_with(start_server, generate, name):
    delays = DISTRIBUTIONS[name]
    seen = []
    for _ in range(ATTEMPTS):
        server = start_server(delays_ms=delays)
        hold = generate(server.port, *LOAD).hold
        assert hold["lost"] == hold["duplicated"] == hold["corrupted"] == 0
        assert hold["delivered"] == hold["expected"] > 1000
        late_ms = server.fault_counts()["late_us_max"] / 1000 + hold["receive_lag_ms"]["max"]
        late = check_delays(hold["latency_ms"], truth(delays, hold["expected"]), late_ms)
        if not late:
            return
        seen.append(f"{late}, as a delivery was up to {late_ms:.1f} ms late")
    pytest.skip(f"the machine disturbed all {ATTEMPTS} measurements: {'; '.join(seen)}")


def test_a_wrong_programme_is_noticed(start_server, generate):
    """The tolerance is narrow enough: delays that are 5 % shorter than the truth are found."""
    delays = DISTRIBUTIONS["all alike"]
    server = start_server(delays_ms=[delay * 0.95 for delay in delays])
    hold = generate(server.port, *LOAD).hold
    with pytest.raises(AssertionError, match="programmed 600"):
        check_delays({"p50": hold["latency_ms"]["p50"]}, {"p50": 600.0}, late_ms=0.0)


@pytest.mark.parametrize("share", [0.001, 0.02, 0.3])
@pytest.mark.parametrize("seed", [1, 2])
def test_random_losses_are_counted_exactly(start_server, measure, share, seed):
    """Any number of them, in any pattern: neighbours, first and last ones too."""
    server = start_server(drop_share=share, drop_seed=seed)
    hold = measure(server.port, "--rate", 400, "--seconds", SECONDS).hold
    dropped = server.fault_counts().get("dropped", 0)
    assert hold["lost"] == hold["outstanding_after_drain"] == dropped
    assert hold["delivered"] == hold["expected"] - dropped
    assert hold["duplicated"] == hold["reordered"] == hold["corrupted"] == 0
    assert dropped == expected_losses(share, seed, hold["expected"])


def expected_losses(share, seed, deliveries):
    """The same dice that the server throws."""
    rng = random.Random(seed)
    return sum(rng.random() < share for _ in range(deliveries))

"""The generator's numbers against servers whose delays and losses are known beforehand."""

from __future__ import annotations

import math
import os
import random

import pytest
from chinwag_bench.machine.disturbance import Limits, between, take_snapshot

pytestmark = pytest.mark.alone

RATE, SECONDS = 200, 1
DELAYS = 2000
# Of delays of 400 ms and more: 8 ms and more for the way from the server into the generator.
TOLERANCE = 0.02
PRECISION = 0.002
"""Of the histogram: three significant digits."""
ATTEMPTS = 8
JUDGED_MIN = 2
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
    """What an exact observer finds: the programme runs through the list again and again."""
    return quantiles([delays[n % len(delays)] for n in range(deliveries)])


def quantiles(delays):
    """Ranks are rounded as HdrHistogram does."""
    ranked = sorted(delays)
    found = {name: ranked[int(q * len(ranked) + 0.5) - 1] for name, q in QUANTILES.items()}
    return found | {"mean": sum(ranked) / len(ranked)}


def find_off(latency_ms, real_delays_ms):
    """Names what is longer than the server's own account of the same deliveries allows, which knows
    how late it was itself. Shorter is wrong in any case: lateness shortens no delay.
    """
    before, after = (quantiles(side) for side in zip(*real_delays_ms, strict=True))
    off = {}
    for key, least in before.items():
        found = latency_ms[key]
        assert found >= least * (1 - PRECISION), f"{key} {found:.2f} ms, the server {least:.2f}"
        if found > after[key] * (1 + TOLERANCE):
            off[key] = f"{key} {found:.1f} ms, the server {after[key]:.1f}"
    return off


def measured(start_server, generate, delays):
    """(what is off, why the machine may be the reason)"""
    server = start_server(delays_ms=delays)
    before = take_snapshot()
    hold = generate(server.port, *LOAD).hold
    disturbed = between(before, take_snapshot(), Limits()).reasons
    assert hold["lost"] == hold["duplicated"] == hold["corrupted"] == 0
    assert hold["delivered"] == hold["expected"] > 1000
    real = server.real_delays_ms()
    assert len(real) == hold["expected"]
    programmed = truth(delays, len(real))
    for key, least in quantiles(before for before, _ in real).items():
        assert least >= programmed[key] - 0.01, "the server itself sent something too early"
    return find_off(hold["latency_ms"], real), disturbed


def test_quantiles_are_those_that_the_server_was_programmed_with(start_server, generate):
    """Judged by the server's account of what it did, never by what the generator says of itself.

    The median of each distribution must be right, whatever else runs. Tails may be the machine's,
    where it was disturbed by the kit's own limits in every attempt: of at most two distributions,
    and of none in CI."""
    unjudged = {}
    for name, delays in DISTRIBUTIONS.items():
        medians, seen = 0, []
        for _ in range(ATTEMPTS):
            off, disturbed = measured(start_server, generate, delays)
            medians += "p50" not in off
            if not off:
                break
            assert disturbed, f"{name}: {off}, and nothing disturbed the measurement"
            seen.append(f"{', '.join(off.values())} ({', '.join(disturbed)})")
        else:
            unjudged[name] = seen
        assert medians, f"{name}: no median of {ATTEMPTS} was right: {seen}"
    allowed = 0 if os.environ.get("CHINWAG_CI") == "1" else len(DISTRIBUTIONS) - JUDGED_MIN
    assert len(unjudged) <= allowed, f"too few tails could be judged: {unjudged}"


def test_a_generator_that_is_wrong_is_noticed(start_server, generate):
    """The tolerance is narrow enough: delays that are 5 % longer than the server's account, or
    1 % shorter, are found.
    """
    server = start_server(delays_ms=DISTRIBUTIONS["all alike"])
    hold = generate(server.port, *LOAD).hold
    real = server.real_delays_ms()
    longer = {key: value * 1.05 for key, value in quantiles(a for _, a in real).items()}
    assert find_off(longer, real).keys() == longer.keys()
    shorter = {key: value * 0.99 for key, value in quantiles(b for b, _ in real).items()}
    with pytest.raises(AssertionError, match="ms, the server 60"):
        find_off(shorter, real)
    # A lag that the generator makes up does not widen what is allowed.
    hold["receive_lag_ms"]["max"] = 1e6
    assert "p50" in find_off(hold["latency_ms"] | {"p50": longer["p50"]}, real)


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

"""Every load profile's accounts are exact: rooms, slots, hot rooms, arrivals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from chinwag_bench.load_profile import load_profile
from chinwag_bench.paths import Workspace

from .counting import check, new_faults, pair

ROOT = Path(__file__).resolve().parents[2]
PROFILES = ROOT / "bench" / "load" / "profiles"
EXACT = ("lost", "duplicated", "reordered", "corrupted", "outstanding_after_drain")


@pytest.mark.parametrize(
    ("name", "rate"),
    [("direct", 500), ("chatty-small", 500), ("many-rooms", 200), ("hot-room", 20)],
)
def test_each_delivery_is_expected_and_comes_once(name, rate):
    load = load_profile(Workspace(ROOT), name)
    with pair(PROFILES / f"{name}.json") as (_, generator):
        hold = generator.hold(rate, 2.0, 1, warmup_s=0.2, drain_s=10.0)
    assert {key: hold[key] for key in EXACT} == dict.fromkeys(EXACT, 0)
    assert hold["sent"] == 2 * rate
    assert hold["delivered"] == hold["expected"] == hold["parsed"]
    per_message = load.deliveries_per_message(load.connections)
    assert hold["expected"] == pytest.approx(hold["sent"] * per_message, rel=0.25)


@pytest.mark.parametrize("every", [1, 8])
@pytest.mark.parametrize(
    "rooms",
    [
        {"room_size": 8, "rooms_per_connection": 6},
        {"room_size": 8, "hot_room": 40},
        {"room_size": 8, "mix": {"room": 0, "direct": 1}},
    ],
    ids=["many rooms", "a hot room", "direct"],
)
def test_faults_are_counted_in_each(tmp_path, rooms, every):
    profile = json.loads((PROFILES / "many-rooms.json").read_text(encoding="utf-8"))
    del profile["rooms_per_connection"]
    path = tmp_path / "small.json"
    path.write_text(json.dumps(profile | {"connections": 80} | rooms), encoding="utf-8")
    rate = 5_000
    direct = "mix" in rooms
    faults = ("--drop-every", 211 if direct else 1_511, "--swap-every", 97 if direct else 499)
    # Behind the first hold, of 8 to 25 deliveries a message.
    with pair(path, *faults, "--faults-from", 6_000 if direct else 130_000) as (server, load):
        load.hold(rate, 1.0, every)
        before = server.faults()
        assert not any(before.values())
        hold = load.hold(rate, 3.0, every)
        done = new_faults(before, server.faults())
    assert done["dropped"] and done["swapped"]
    check(hold, done, every)


def test_random_arrivals_are_the_same_number_at_other_times(start_server, measure, tmp_path):
    """Reproducible: the same seed gives the same bins' messages."""
    profile = json.loads((PROFILES / "many-rooms.json").read_text(encoding="utf-8"))
    del profile["rooms_per_connection"]
    path = tmp_path / "random.json"
    path.write_text(
        json.dumps(profile | {"connections": 20, "room_size": 5, "arrivals": "poisson"}),
        encoding="utf-8",
    )
    port = start_server().port

    def bins(*options):
        hold = measure(port, "--profile", path, "--rate", 400, "--seconds", 1, *options).hold
        assert (hold["sent"], hold["lost"]) == (400, 0)
        return hold["delay_bins"]["deliveries"]

    random = bins("--seed", 1)
    assert random == bins("--seed", 1)
    assert random != bins("--seed", 2)
    mean = sum(random) / len(random)
    # 33 messages a bin: evenly spaced ones would differ by one message's five deliveries.
    assert max(abs(count - mean) for count in random) > 15

"""Everyone's connection ends at once and comes back at once; who does not come back is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

PROFILES = Path(__file__).resolve().parents[2] / "bench" / "load" / "profiles"
CONNECTIONS = 30
CONNECT = {"do": "connect", "connections": CONNECTIONS, "join": True}
HOLD = {"do": "hold", "rate": 200, "warmup_s": 0, "hold_s": 0.5, "drain_s": 2}
SHORTFALL, USAGE = 1, 2


@pytest.fixture
def storm(start_server, generate):
    """Runs commands after 30 connections have joined; answers the events behind them."""

    def run(*commands, **faults):
        port = start_server(**faults).port
        outcome = generate(port, "--control", commands=[CONNECT, *commands])
        return outcome.events[1:]

    return run


def test_everyone_is_back_in_the_room_where_it_was(storm):
    (stormed, *_, held) = storm({"do": "storm"}, HOLD)
    found = stormed["storm"]
    assert (found["connections"], found["joined"], found["refused"]) == (30, 30, 0)
    assert 0 < found["rejoin_ms"]["p50"] <= found["rejoin_ms"]["p99"] <= found["rejoin_ms"]["max"]
    assert found["rejoin_ms"]["max"] <= found["total_s"] * 1000
    hold = held["hold"]
    # With rooms of ten, 80 messages to rooms and 20 direct ones, as before any storm.
    assert (hold["sent"], hold["lost"], hold["corrupted"]) == (100, 0, 0)
    assert hold["expected"] == 80 * 10 + 20


def test_one_storm_may_follow_another(storm):
    events = storm({"do": "storm"}, {"do": "storm"}, HOLD)
    assert [event["storm"]["joined"] for event in events[:2]] == [30, 30]
    assert events[-1]["hold"]["lost"] == 0


def test_who_is_refused_is_counted_and_told(storm):
    (event,) = storm({"do": "storm"}, refuse_from=CONNECTIONS + 21)
    found = event["storm"]
    assert (found["joined"], found["refused"]) == (20, 10)
    assert "503" in found["reason"]


def test_who_is_not_back_in_time_counts_as_refused(storm):
    (event,) = storm({"do": "storm", "timeout_s": 0.5}, ignore_joins_from=CONNECTIONS + 26)
    found = event["storm"]
    assert (found["joined"], found["refused"]) == (25, 5)
    assert found["reason"] == "not back in its room in time"
    assert found["total_s"] >= 0.5


def test_a_server_that_makes_them_wait_shows_in_every_delay(storm):
    """Nobody's clock starts when the server gets round to it, only when its connection ended."""
    (event,) = storm({"do": "storm"}, greet_late_from=CONNECTIONS + 1, greet_late_s=0.3)
    found = event["storm"]
    assert found["joined"] == 30
    assert found["rejoin_ms"]["p50"] >= 300


def test_some_can_be_sent_away_before_it(storm):
    ended, stormed = storm({"do": "disconnect", "connections": 12}, {"do": "storm"})
    assert ended == {"event": "disconnected", "connections": 12}
    assert stormed["storm"]["connections"] == stormed["storm"]["joined"] == 12


def test_a_storm_needs_somebody(start_server, generate):
    outcome = generate(start_server().port, "--control", commands=[{"do": "storm"}])
    assert outcome.code == USAGE
    assert "nobody has joined" in outcome.events[-1]["message"]


def test_a_profile_can_ask_for_one(start_server, generate):
    load = ("--profile", PROFILES / "storm.json", "--connections", 30)
    calm = generate(start_server().port, *load, "--json")
    assert calm.code == 0, calm.err
    assert json.loads(calm.out)["joined"] == 30
    rough = generate(start_server(refuse_from=60).port, *load)
    assert rough.code == SHORTFALL
    assert "30 ended at once, 29 back in their rooms, 1 refused" in rough.out

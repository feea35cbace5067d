"""Connections that are read by length give the same counts as those that are parsed whole."""

from __future__ import annotations

import json

import pytest

from .counting import CLOSED, check, in_panel, new_faults, pair

EVERY = 8
RATE, SECONDS = 2_000, 1.0
PROFILE = {
    "name": "small",
    "description": "rooms and direct messages, few connections",
    "connections": 64,
    "room_size": 16,
    "mix": {"room": 0.7, "direct": 0.3},
    "content_bytes": 120,
    "messages_per_second_per_connection": 10,
    "burst": 1,
    "heartbeat_s": 0.5,
}
COUNTED = sum(not in_panel(connection, EVERY) for connection in range(PROFILE["connections"]))


@pytest.fixture
def profile(tmp_path):
    path = tmp_path / "small.json"
    path.write_text(json.dumps(PROFILE), encoding="utf-8")
    return path


def test_a_sound_server_is_sound_by_length(profile):
    with pair(profile) as (server, load):
        for number in range(3):
            hold = load.hold(RATE, SECONDS, EVERY, warmup_s=0.2)
            check(hold, new_faults(server.faults(), server.faults()), EVERY)
            assert hold["outstanding_after_drain"] == 0
            assert hold["deliveries_per_s"] == pytest.approx(hold["expected"] / SECONDS, rel=0.2)
            if number:
                share = hold["parsed"] / hold["delivered"]
                assert share == pytest.approx(1 - COUNTED / PROFILE["connections"], abs=0.02)
        assert load.others == [] or all(e["event"].startswith("hold_") for e in load.others)


@pytest.mark.parametrize("every", [1, EVERY])
@pytest.mark.parametrize(
    "faults",
    [
        ("--drop-every", 997),
        ("--duplicate-every", 997),
        ("--swap-every", 499),
        ("--corrupt-every", 499),
        ("--truncate-every", 4_999),
        ("--drop-every", 1_009, "--duplicate-every", 1_511, "--swap-every", 499),
    ],
    ids=lambda faults: faults[0][2:] if len(faults) == 2 else "several",
)
def test_faults_are_counted_as_the_server_made_them(profile, faults, every):
    """The first hold is sound: in it the generator learns how long frames are."""
    with pair(profile, *faults, "--faults-from", 30_000) as (server, load):
        load.hold(RATE, SECONDS, every)
        before = server.faults()
        assert not any(before.values())
        hold = load.hold(RATE, 2 * SECONDS, every)
        done = new_faults(before, server.faults())
        hit = {user for places in done.values() for user, _ in places}
        assert not all(in_panel(user, EVERY) for user in hit), "some where bytes are counted"
        check(hold, done, every)


def test_a_server_that_loses_while_lengths_are_learnt_is_found_out_as_well(profile):
    with pair(profile, "--drop-every", 997) as (server, load):
        before = server.faults()
        hold = load.hold(RATE, 2 * SECONDS, EVERY)
        check(hold, new_faults(before, server.faults()), EVERY)


def test_pings_heartbeats_and_comings_and_goings_are_no_deliveries(profile):
    with pair(profile, "--ping-s", 0.3) as (server, load):
        load.hold(RATE, SECONDS, EVERY)
        before = server.status()
        hold = load.hold(RATE, 2 * SECONDS, EVERY)
        after = server.status()
        check(hold, new_faults(server.faults(), server.faults()), EVERY)
        pings = after["pings"] - before["pings"]
        pongs = after["pongs"] - before["pongs"]
        assert pings >= 3 * PROFILE["connections"]
        assert pongs < pings, "who is read by length answers no ping"
        load.ask("rested", do="rest", seconds=1.0)
        rested = server.status()
        assert rested["pongs"] > after["pongs"], "and does again once the hold is over"


def test_frames_are_parsed_again_after_a_hold(profile):
    with pair(profile) as (_, load):
        load.hold(RATE, SECONDS, EVERY)
        load.hold(RATE, SECONDS, EVERY)
        storm = load.ask("storm", do="storm", timeout_s=20)["storm"]
        assert storm["joined"] == PROFILE["connections"]
        assert load.hold(RATE, SECONDS, EVERY)["lost"] == 0
        assert load.hold(RATE, SECONDS, 1)["lost"] == 0


def test_what_is_late_is_lost_once_and_no_part_of_the_next_hold(profile):
    """The connection that is owed something is parsed from then on."""
    with pair(profile, "--wait-ms", 900, "--frames-per-write", 4_096) as (_, load):
        load.hold(RATE, SECONDS, EVERY)
        command = {"rate": RATE, "hold_s": 0.5, "warmup_s": 0, "parse_every": EVERY}
        first = load.ask("hold", do="hold", drain_s=0.05, **command)["hold"]
        assert first["lost"] == first["outstanding_after_drain"] > 0
        load.ask("rested", do="rest", seconds=2)
        late = sum(event["deliveries"] for event in load.others if event["event"] == "late")
        assert late > 0
        second = load.ask("hold", do="hold", drain_s=5, **command)["hold"]
        assert (second["lost"], second["duplicated"], second["corrupted"]) == (0, 0, 0)


@pytest.mark.parametrize("every", [1, EVERY])
def test_what_a_connection_misses_that_ends_amid_a_delivery_is_lost_and_not_corrupted(
    profile, every
):
    with pair(profile, "--close-every", 4_999, "--faults-from", 30_000) as (server, load):
        load.hold(RATE, SECONDS, every)
        made = server.deliveries()
        hold = load.hold(RATE, 2 * SECONDS, every)
        cut = server.faults()[CLOSED]
        whole = server.deliveries() - made - sum(cut.values())
        assert cut, "some connections ended"
        assert any(not in_panel(user, EVERY) for user, _ in cut), "one where bytes are counted"
        assert sum(hold["closes"].values()) == len(cut)
        assert (hold["duplicated"], hold["reordered"], hold["corrupted"]) == (0, 0, 0)
        # Of each connection that is read by length, to within a delivery.
        within = 0 if every == 1 else len(cut)
        assert hold["lost"] == pytest.approx(hold["expected"] - whole, abs=within)


def test_what_is_missing_behind_a_goodbye_that_nobody_read_is_lost_and_not_corrupted(
    start_server, generate
):
    """The server closes with 1013 and waits for the answer: the connection does not end yet."""
    load = {"do": "hold", "rate": 400, "warmup_s": 0, "drain_s": 0.2, "parse_every": 4}
    commands = [
        {"do": "connect", "connections": 40, "join": True},
        {**load, "hold_s": 1},
        {**load, "hold_s": 1},
    ]
    outcome = generate(start_server(close_at=640).port, "--control", commands=commands)
    first, second = (event["hold"] for event in outcome.events if event["event"] == "hold")
    assert first["lost"] == 0
    assert second["closes"] == {}, "one where bytes are counted is closed, and not at its end"
    assert second["parsed"] < second["delivered"]
    assert second["lost"] > 0
    assert (second["duplicated"], second["corrupted"]) == (0, 0)


def test_by_itself_a_small_load_is_parsed_whole(profile):
    with pair(profile) as (_, load):
        hold = load.hold(RATE, SECONDS, 0)
        assert hold["parsed"] == hold["delivered"]


def test_a_server_whose_frames_vary_in_length_is_parsed(start_server, generate):
    """Its time stamps grow by a digit now and then."""
    commands = [
        {"do": "connect", "connections": 40, "join": True},
        *[
            {"do": "hold", "rate": 400, "warmup_s": 0, "hold_s": 1, "drain_s": 2, "parse_every": 4}
            for _ in range(2)
        ],
    ]
    port = start_server(odd_timestamps=True).port
    outcome = generate(port, "--control", commands=commands)
    holds = [event["hold"] for event in outcome.events if event["event"] == "hold"]
    assert [hold["lost"] + hold["corrupted"] for hold in holds] == [0, 0]
    assert holds[1]["parsed"] == holds[1]["delivered"] == holds[1]["expected"]


@pytest.mark.parametrize("layout", ["compact", "spaced"])
def test_any_layout_is_learnt(start_server, generate, layout):
    hold = {"do": "hold", "rate": 300, "warmup_s": 0, "drain_s": 2, "parse_every": 3}
    commands = [
        {"do": "connect", "connections": 30, "join": True},
        {**hold, "hold_s": 2},
        {**hold, "hold_s": 1},
    ]
    # Its pings are answered by nobody while bytes are counted: it must not give up for that.
    outcome = generate(start_server(layout=layout).port, "--control", commands=commands)
    holds = [event["hold"] for event in outcome.events if event["event"] == "hold"]
    assert [(h["lost"], h["duplicated"], h["corrupted"], h["closes"]) for h in holds] == [
        (0, 0, 0, {})
    ] * 2
    assert holds[1]["parsed"] < holds[1]["delivered"] == holds[1]["expected"]

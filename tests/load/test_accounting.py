"""What a server does wrong is counted exactly; what it does right is not."""

from __future__ import annotations

import pytest

RATE = 200
SECONDS = 1
SENT = RATE * SECONDS
LOAD = ("--rate", RATE, "--seconds", SECONDS)


@pytest.mark.parametrize("layout", ["compact", "spaced"])
def test_a_sound_server_is_found_sound(start_server, measure, layout):
    server = start_server(layout=layout)
    outcome = measure(server.port, *LOAD, "--check-every", 1)
    hold = outcome.hold
    assert outcome.code == 0, outcome.err
    assert hold["sent"] == SENT
    # Four of five messages go to a room of ten, the fifth to one connection.
    assert hold["expected"] == hold["delivered"] == SENT * 8 // 10 * 10 + SENT * 2 // 10
    assert [hold[key] for key in ("lost", "duplicated", "reordered", "corrupted")] == [0] * 4
    assert hold["closes"] == {}
    assert hold["outstanding_after_drain"] == 0
    assert outcome.err == ""


def test_the_rate_is_honoured(start_server, measure):
    hold = measure(start_server().port, *LOAD).hold
    assert hold["messages_per_s"] == pytest.approx(RATE, rel=0.01)
    assert hold["offered_messages_per_s"] == RATE


def test_dropped_deliveries_are_lost(start_server, measure):
    server = start_server(drop_every=7)
    outcome = measure(server.port, *LOAD)
    dropped = server.fault_counts()["dropped"]
    assert dropped > 0
    assert outcome.hold["lost"] == outcome.hold["outstanding_after_drain"] == dropped
    assert outcome.hold["delivered"] == outcome.hold["expected"] - dropped
    assert outcome.hold["reordered"] == outcome.hold["duplicated"] == 0
    assert outcome.code == 1


def test_deliveries_made_twice_are_duplicates(start_server, measure):
    server = start_server(duplicate_every=11)
    hold = measure(server.port, *LOAD).hold
    assert hold["duplicated"] == server.fault_counts()["duplicated"] > 0
    assert hold["lost"] == hold["reordered"] == 0
    assert hold["delivered"] == hold["expected"]


def test_swapped_deliveries_are_reordered(start_server, measure):
    server = start_server(swap_every=13)
    hold = measure(server.port, *LOAD).hold
    assert hold["reordered"] == server.fault_counts()["swapped"] > 0
    assert hold["lost"] == hold["duplicated"] == 0


def test_a_changed_payload_is_corrupted(start_server, measure):
    server = start_server(corrupt_every=17)
    hold = measure(server.port, *LOAD, "--check-every", 1).hold
    assert hold["corrupted"] == server.fault_counts()["corrupted"] > 0
    assert hold["lost"] == 0, "its head is intact, so the delivery is known to have come"


def test_whole_payloads_are_compared_one_in_n(start_server, measure):
    hold = measure(start_server(corrupt_every=1).port, *LOAD).hold
    assert hold["corrupted"] == hold["delivered"] // 64


def test_a_broken_head_is_corrupted_and_its_message_lost(start_server, measure):
    server = start_server(corrupt_every=17, corrupt_at=1)
    hold = measure(server.port, *LOAD).hold
    assert hold["corrupted"] == hold["lost"] == server.fault_counts()["corrupted"] > 0


def test_a_refused_message_is_lost_and_the_error_told(start_server, measure):
    outcome = measure(start_server(refuse_at=50).port, *LOAD)
    assert outcome.hold["lost"] in (1, 10)  # a direct message, or one to a room
    assert "the server answered 1 times with error rate_limited" in outcome.err


def test_a_closed_connection_is_counted_by_its_code(start_server, measure):
    outcome = measure(start_server(close_at=40).port, *LOAD)
    assert outcome.hold["closes"] == {"1013": 1}
    assert outcome.hold["lost"] > 0, "what the closed connection should have got"
    assert outcome.hold["sent"] < SENT, "a sender that is gone leaves its turns empty"
    assert outcome.code == 1


def test_a_server_that_dies_ends_the_hold(start_server, measure):
    outcome = measure(start_server(die_at=100).port, "--rate", 100, "--seconds", 20)
    assert outcome.hold["closes"] == {"reset": 20}
    assert outcome.hold["delivered"] > 0
    assert outcome.hold["lost"] > 0
    assert "lost: every connection ended; the server is gone" in outcome.err
    assert outcome.code == 1

"""Each message comes back to its sender: what the generator is calibrated by."""

from __future__ import annotations

from pathlib import Path

PROFILES = Path(__file__).resolve().parents[2] / "bench" / "load" / "profiles"
USAGE = 2
ECHO = ("--protocol", "echo")
LOAD = ("--profile", PROFILES / "echo.json", "--connections", 10, "--rate", 200, "--seconds", 1)


def test_every_echo_is_counted_and_compared(start_server, measure):
    outcome = measure(start_server().port, *ECHO, *LOAD, "--check-every", 1)
    assert outcome.code == 0, outcome.err
    hold = outcome.hold
    assert hold["sent"] == hold["expected"] == hold["delivered"] == 200


def test_only_a_load_without_rooms_can_be_echoed(start_server, generate):
    outcome = generate(start_server().port, *ECHO)
    assert outcome.code == USAGE
    assert 'it needs "room_size" 1 and no direct messages' in outcome.err

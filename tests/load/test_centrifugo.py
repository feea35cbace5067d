"""The generator against Centrifugo itself: replies are understood, and each delivery counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chinwag_bench.paths import find_workspace
from chinwag_bench.servers.build import build, last_build
from chinwag_bench.servers.catalog import discover
from chinwag_bench.servers.process import Launch, ServerProcess, start_server

RATE, SECONDS = 100, 1
SENT = RATE * SECONDS
LOAD = ("--rate", RATE, "--seconds", SECONDS, "--check-every", 1)
SPEAKS = ("--protocol", "centrifugo")
FAULTS = ("lost", "duplicated", "reordered", "corrupted")


@pytest.fixture
def start_centrifugo(tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Starts it; answers its port."""
    target = discover(find_workspace()).target("centrifugo")
    if last_build(target.server) is None:
        pytest.skip("centrifugo is not built here: run `chinwag build centrifugo`")
    build(target.server)
    started: list[ServerProcess] = []

    def start(**env: str) -> int:
        log = tmp_path / "centrifugo.log"
        started.append(start_server(Launch(target=target, log=log, env=env)))
        return started[-1].port

    yield start
    for process in started:
        process.stop()


def test_every_delivery_of_centrifugo_is_counted(start_centrifugo, measure):
    outcome = measure(start_centrifugo(), *LOAD, *SPEAKS)
    hold = outcome.hold
    assert outcome.code == 0, outcome.err
    assert hold["sent"] == SENT
    assert hold["expected"] == hold["delivered"] == SENT * 8 // 10 * 10 + SENT * 2 // 10
    assert [hold[key] for key in FAULTS] == [0] * len(FAULTS)
    assert hold["wire_bytes_per_delivery"] > 100


def test_many_deliveries_in_a_frame_are_all_counted(start_centrifugo, measure):
    """With bursts, messages wait for each other in the queues: a frame holds up to sixteen."""
    load = ("--rate", 3000, "--seconds", SECONDS, "--check-every", 1)
    hold = measure(start_centrifugo(), *load, *SPEAKS).hold
    assert hold["expected"] == hold["delivered"] > 20_000
    assert [hold[key] for key in FAULTS] == [0] * len(FAULTS)


def test_pings_of_centrifugo_are_answered(start_centrifugo, generate):
    """Nothing else keeps a connection from the server's time-out, shorter than the rest."""
    port = start_centrifugo(CHAT_PING_INTERVAL_MS="2000", CHAT_IDLE_TIMEOUT_MS="3500")
    commands = [
        {"do": "connect", "connections": 20, "join": True},
        {"do": "rest", "seconds": 6},
        {"do": "hold", "rate": 20, "warmup_s": 0, "hold_s": 1, "drain_s": 5},
    ]
    outcome = generate(port, "--control", *SPEAKS, commands=commands)
    assert outcome.code == 0, outcome.err
    assert [event["event"] for event in outcome.events if event["event"] == "lost"] == []
    assert outcome.events[-1]["hold"]["lost"] == 0


def test_who_comes_back_at_once_is_back_in_its_rooms(start_centrifugo, generate):
    commands = [
        {"do": "connect", "connections": 40, "join": True},
        {"do": "storm"},
        {"do": "hold", "rate": 40, "warmup_s": 0, "hold_s": 1, "drain_s": 5},
    ]
    outcome = generate(start_centrifugo(), "--control", *SPEAKS, commands=commands)
    assert outcome.code == 0, outcome.err
    assert outcome.events[-1]["hold"]["lost"] == 0


def test_a_server_of_another_protocol_is_refused_with_a_reason(start_server, measure):
    outcome = measure(start_server().port, *LOAD, "--answer-timeout", 1, *SPEAKS)
    assert outcome.code == 3
    assert "no connection could be opened" in outcome.err

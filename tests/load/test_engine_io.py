"""The generator against Socket.IO itself: its packets are understood, and each delivery counted."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "reference-impls" / "node-socketio"
RATE, SECONDS = 100, 1
SENT = RATE * SECONDS
LOAD = ("--rate", RATE, "--seconds", SECONDS, "--check-every", 1)
READY_S = 30.0
SPEAKS = ("--protocol", "engine.io")


@pytest.fixture
def start_socketio(port: int) -> Iterator[Callable[..., int]]:
    """Starts the reference server; answers its port."""
    if shutil.which("node") is None or not (FOLDER / "node_modules").is_dir():
        pytest.skip("node-socketio is not installed here: run `make setup`")
    started: list[subprocess.Popen[bytes]] = []

    def start(**env: str) -> int:
        settings = os.environ | {"CHAT_PORT": str(port)} | env
        started.append(subprocess.Popen(["node", "server.js"], cwd=FOLDER, env=settings))
        wait_for_health(port)
        return port

    yield start
    for process in started:
        process.kill()
        process.wait()


def wait_for_health(port: int) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=30).close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("node-socketio does not serve")


def test_every_delivery_of_socketio_is_counted(start_socketio, measure):
    outcome = measure(start_socketio(), *LOAD, *SPEAKS)
    hold = outcome.hold
    assert outcome.code == 0, outcome.err
    assert hold["sent"] == SENT
    assert hold["expected"] == hold["delivered"] == SENT * 8 // 10 * 10 + SENT * 2 // 10
    assert [hold[key] for key in ("lost", "duplicated", "reordered", "corrupted")] == [0] * 4
    assert hold["wire_bytes_per_delivery"] > 100


def test_pings_of_engine_io_are_answered(start_socketio, generate):
    """Nothing else keeps a connection from the server's time-out, shorter than the rest."""
    port = start_socketio(CHAT_PING_INTERVAL_MS="500", CHAT_IDLE_TIMEOUT_MS="3500")
    commands = [
        {"do": "connect", "connections": 20, "join": True},
        {"do": "rest", "seconds": 6},
        {"do": "hold", "rate": 20, "warmup_s": 0, "hold_s": 1, "drain_s": 5},
    ]
    outcome = generate(port, "--control", *SPEAKS, commands=commands)
    assert outcome.code == 0, outcome.err
    assert [event["event"] for event in outcome.events if event["event"] == "lost"] == []
    assert outcome.events[-1]["hold"]["lost"] == 0


def test_a_server_of_another_protocol_is_refused_with_a_reason(start_server, measure):
    outcome = measure(start_server().port, *LOAD, "--answer-timeout", 1, *SPEAKS)
    assert outcome.code == 3
    assert "no connection could be opened" in outcome.err


def test_an_unknown_protocol_is_said_with_those_that_are_known(generate):
    outcome = generate(1, "--protocol", "carrier-pigeon")
    assert outcome.code == 2
    assert "engine.io" in outcome.err and "websocket" in outcome.err

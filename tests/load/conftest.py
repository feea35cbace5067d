"""Runs the built generator against the small server of chat_server.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from chinwag_bench.servers.ports import pick_port

ROOT = Path(__file__).resolve().parents[2]
PROFILES = ROOT / "bench" / "load" / "profiles"
Json = dict[str, Any]


@dataclass
class ChatServer:
    """A running chat_server.py."""

    port: int
    process: subprocess.Popen[str]

    def fault_counts(self) -> dict[str, int]:
        counts: dict[str, int] = self._ask("faults")
        return counts

    def real_delays_ms(self) -> list[tuple[float, float]]:
        """Of each delivery, as the server saw it: from its planned send time until just before and
        just after it was handed to the kernel.
        """
        return [(before, after) for before, after in self._ask("delays")]

    def _ask(self, what: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{what}", timeout=30) as answer:
            return json.load(answer)


@dataclass
class Outcome:
    """A finished generator."""

    code: int
    out: str
    err: str

    @property
    def hold(self) -> Json:
        result: Json = json.loads(self.out)
        return result

    @property
    def events(self) -> list[Json]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture(scope="session")
def binary() -> Path:
    path = Path(os.environ.get("CHINWAG_LOAD", ROOT / "build/release/bench/load/chinwag-load"))
    assert path.is_file(), f"{path} is missing: run `make native`, or set CHINWAG_LOAD"
    return path


@pytest.fixture
def port() -> int:
    return pick_port()


@pytest.fixture
def start_server() -> Iterator[Callable[..., ChatServer]]:
    started: list[subprocess.Popen[str]] = []

    def try_to_start(port: int, faults: Json) -> ChatServer | None:
        program = str(Path(__file__).with_name("chat_server.py"))
        process = subprocess.Popen(
            [sys.executable, program, "--port", str(port), "--faults", json.dumps(faults)],
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        ready = process.stdout.readline() == "ready\n"
        return ChatServer(port, process) if ready else None

    def start(**faults: Any) -> ChatServer:
        for _ in range(3):  # somebody else may take the port first
            if server := try_to_start(pick_port(), faults):
                return server
        raise AssertionError("chat_server.py does not start: see above")

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def generate(binary: Path) -> Callable[..., Outcome]:
    """Runs the generator: two rooms of ten, short messages, unless told otherwise."""

    def run(port: int, *options: object, commands: list[Json] | None = None, **how: Any) -> Outcome:
        arguments = [binary, "--port", port, *options]
        if "--profile" not in options:
            arguments += ["--profile", PROFILES / "chatty-small.json", "--connections", 20]
        lines = None if commands is None else "".join(json.dumps(c) + "\n" for c in commands)
        done = subprocess.run(
            [str(argument) for argument in arguments],
            input=lines,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            **how,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def start_control(binary: Path) -> Iterator[Callable[[int], subprocess.Popen[str]]]:
    """A generator that waits for commands on a pipe."""
    started: list[subprocess.Popen[str]] = []

    def start(port: int) -> subprocess.Popen[str]:
        profile = PROFILES / "chatty-small.json"
        process = subprocess.Popen(
            [binary, "--port", str(port), "--profile", profile, "--control"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def measure(generate: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """One hold without a warm-up, so that its numbers are of everything that was sent."""

    def run(port: int, *options: object) -> Outcome:
        return generate(port, "--json", "--warmup", 0, "--drain", 1, *options)

    return run

"""The harness against real servers: what it presses, what a bystander sees, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from chinwag_bench.attacks.classes import ATTACKS, Press, find
from chinwag_bench.attacks.placement import place
from chinwag_bench.attacks.wire import PING, ServerFrames, frame

from attack.__main__ import Child, samples_of
from attack.figures import figures_of
from attack.target import Target, memory_max_of

TESTS = Path(__file__).resolve().parents[1]


def attack(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "attack", *map(str, arguments)]
    return subprocess.run(command, cwd=TESTS, check=False, capture_output=True, text=True)


def test_frames_have_the_standard_s_headers() -> None:
    assert frame(b"hi") == b"\x81\x82\0\0\0\0hi"
    assert frame(b"", PING) == b"\x89\x80\0\0\0\0"
    assert frame(b"x" * 126, final=False)[:8] == b"\x01\xfe\x00\x7e\0\0\0\0"
    assert frame(b"x" * 65_536)[:10] == b"\x81\xff\0\0\0\0\0\x01\0\0"


def test_server_frames_are_found_however_the_bytes_arrive() -> None:
    data = b"\x81\x02hi\x89\x00\x81\x7e\x00\x7e" + b"x" * 126 + b"\x81\x7f\0\0\0\0\0\x01\0\0"
    data += b"y" * 65_536
    expected = [(1, b"hi"), (9, b""), (1, b"x" * 126), (1, b"y" * 65_536)]
    assert ServerFrames().take(data) == expected
    cut = ServerFrames()
    pieces = [data[at : at + 7] for at in range(0, 200, 7)] + [data[203:]]
    assert [one for piece in pieces for one in cut.take(piece)] == expected


def test_names_are_unique_and_a_wrong_one_is_told() -> None:
    names = [one.name for one in ATTACKS]
    assert len(set(names)) == len(names) >= 12
    with pytest.raises(KeyError, match="no attack 'nonsense'; there are gets"):
        find(["gets", "nonsense"])
    assert attack("--classes", "nonsense").returncode == 2
    assert attack("--chinwagd", "/nowhere").returncode == 2
    listed = attack("--list").stdout
    assert [line.split()[0] for line in listed.splitlines()] == names


@pytest.mark.parametrize("name", [one.name for one in ATTACKS])
def test_every_class_presses(name: str, chinwagd: Path) -> None:
    """It reaches a server in amounts that can't be a mistake: the counts are of the press alone."""
    with Target(chinwagd, place().server) as target:
        press = Press(find([name])[0], target.port)
        press.prepare()
        end = time.monotonic() + 1.0
        counts = press.run(lambda: time.monotonic() > end)
        press.close()
        assert not target.ended
    assert counts.opened >= 4
    assert counts.sent > 50_000 or name == "opens"
    assert counts.failed <= counts.opened / 100


def test_a_bystander_sees_a_server_that_stops(chinwagd: Path) -> None:
    """Open loop: the heartbeats that were due meanwhile have waited, each its own time. The
    control, which did not stop, tells that the bystander itself did not."""
    at = place()
    with ExitStack() as stack:
        target = stack.enter_context(Target(chinwagd, at.server))
        control = stack.enter_context(Target(chinwagd, at.load, preferred=True))
        bystander = Child(
            stack, "attack.bystander", "--port", target.port, "--control-port", control.port,
            "--cpu", at.load,
        )  # fmt: skip
        bystander.wait_ready()
        time.sleep(0.5)
        begin = time.monotonic_ns()
        os.kill(target.pid, signal.SIGSTOP)
        time.sleep(0.6)
        os.kill(target.pid, signal.SIGCONT)
        end = time.monotonic_ns()
        watched = bystander.result()
    samples, lost = samples_of(watched, "attacked")
    stopped = figures_of(samples, begin, end, now=time.monotonic_ns())
    assert not lost
    assert stopped.max >= 500
    assert stopped.p50 >= 200
    assert stopped.count >= 100
    control_samples, _ = samples_of(watched, "control")
    assert figures_of(control_samples, begin, end, now=0).p50 < stopped.p50


def test_a_bystander_tells_when_its_server_dies(chinwagd: Path) -> None:
    at = place()
    with ExitStack() as stack:
        target = stack.enter_context(Target(chinwagd, at.server))
        control = stack.enter_context(Target(chinwagd, at.load))
        bystander = Child(
            stack, "attack.bystander", "--port", target.port, "--control-port", control.port,
            "--cpu", at.load,
        )  # fmt: skip
        bystander.wait_ready()
        killer = threading.Timer(0.3, os.kill, (target.pid, signal.SIGKILL))
        killer.start()
        killer.join()
        time.sleep(0.2)
        watched = bystander.result()
        assert target.ended.startswith("the server ended: SIGKILL")
    assert "bystander" in samples_of(watched, "attacked")[1]
    assert not samples_of(watched, "control")[1]


def test_memory_is_held_to_the_build_s_own_option(tmp_path: Path) -> None:
    program = tmp_path / "chinwagd"
    program.write_text("#!/bin/sh\necho 'port = 1'\necho 'memory_bytes_max = 4096'\n")
    program.chmod(0o755)
    assert memory_max_of(program) == 4096
    program.write_text("#!/bin/sh\necho 'port = 1'\n")
    assert memory_max_of(program) == 1024**3


@pytest.mark.alone
def test_a_run_prints_a_table_and_its_exit_code_is_its_verdict(
    chinwagd: Path, tmp_path: Path
) -> None:
    results = tmp_path / "outcomes.json"
    ran = attack(
        "--chinwagd", chinwagd, "--classes", "large-heads", "--seconds", 1, "--json", results
    )
    (outcome,) = json.loads(results.read_text())
    assert outcome["name"] == "large-heads"
    assert outcome["attacked"]["count"] > 150
    assert outcome["memory"]["peak"] >= outcome["memory"]["before"] > 1024 * 1024
    assert ran.returncode == (1 if outcome["faults"] else 0), ran.stderr
    rows = ran.stdout.splitlines()
    assert rows[-1].startswith("| large-heads | ")
    assert rows[-1].endswith("| holds |") == (not outcome["faults"])

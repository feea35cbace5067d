"""How long clients wait while chinwagd hands its connections over, and whether anything is lost.

    python bench/handover/measure.py --connections 10000 --upgrades 100

Loads a chinwagd of this checkout with room messages, puts another build in the place of its program
and sends it SIGUSR2, back and forth, again and again, and reads the load generator's log of every
message and connection. Beside them members read so slowly that their frames are half written at
nearly any moment (slow_readers.py). Frames that are half read, and moments that no clock finds, are
the simulation's part (tests/simulation), and tests/core/handover_test.cpp's.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from chinwag_bench.faults.watched import ENDED, RECEIVED, Watched, read_log
from chinwag_bench.generator import Generator, GeneratorSettings, WatchRequest
from chinwag_bench.load_profile import load_profile
from chinwag_bench.machine.cpu_plan import plan_cpus
from chinwag_bench.machine.open_files import raise_limit
from chinwag_bench.paths import find_workspace
from chinwag_bench.servers.catalog import discover
from chinwag_bench.servers.health import ask_health
from chinwag_bench.servers.process import Launch, ServerProcess, start_server

LOAD = "faults"
BEFORE_S = 0.5
PATIENCE_S = 20.0
SLOW_READERS = Path(__file__).with_name("slow_readers.py")


@dataclass(frozen=True)
class Upgrades:
    """What clients saw of a row of upgrades."""

    done: int
    ended: int
    messages: int
    lost: int
    duplicated: int
    reordered: int
    silences_ms: list[float]
    """After each SIGUSR2: the longest time in which nobody received anything."""
    slow: dict[str, int] = field(default_factory=dict)
    """What slow_readers.py says."""


class Program:
    """The file that a server is started from, with two builds that take turns in it."""

    def __init__(self, folder: Path, builds: list[Path]) -> None:
        self.path = folder / "chinwagd"
        self._builds = builds
        self._turn = 0
        self.replace()

    def replace(self) -> None:
        fresh = self.path.with_suffix(".next")
        shutil.copy2(self._builds[self._turn], fresh)
        fresh.replace(self.path)
        self._turn = (self._turn + 1) % len(self._builds)

    def is_run_by(self, pid: int) -> bool:
        return Path(f"/proc/{pid}/exe").stat().st_ino == self.path.stat().st_ino


@contextmanager
def slow_members(port: int, count: int, core: int) -> Iterator[dict[str, int]]:
    """What they saw is there once they have ended."""
    command = [sys.executable, "-I", "-S", str(SLOW_READERS), str(port), str(count)]
    seen: dict[str, int] = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        os.sched_setaffinity(process.pid, [core])
        yield seen
        said, _ = process.communicate()
        seen.update(json.loads(said))


def upgrade_again_and_again(
    *,
    connections: int,
    slow: int,
    upgrades: int,
    messages_per_s: float,
    apart_s: float,
    folder: Path,
) -> Upgrades:
    """Raises what the kit raises where chinwagd or the generator can't run."""
    workspace = find_workspace()
    cpus = plan_cpus()
    target = discover(workspace).target("chinwagd")
    built = workspace.root / "build" / "release" / "core"
    program = Program(folder, [built / "chinwagd", built / "chinwagd-next"])
    launch = Launch(
        target=target,
        log=folder / "chinwagd.log",
        cores=cpus.server,
        command=[str(program.path), "--log-level", "warning"],
    )
    load = load_profile(workspace, LOAD)
    settings = GeneratorSettings(
        binary=workspace.generator(),
        profile=load.path,
        port=0,
        connections=connections,
        room_size=load.room_size,
        open_files=raise_limit(),
        seed=1,
        cores=cpus.generator[:1],
        log=folder / "load.log",
    )
    asked_s: list[float] = []
    last_s = BEFORE_S + upgrades * apart_s
    request = WatchRequest(
        rate=messages_per_s, seconds=last_s + PATIENCE_S, fault_s=last_s, log=folder / "watch.log"
    )

    def upgrade(begin_s: float) -> None:
        for number in range(upgrades):
            wait_until(begin_s + BEFORE_S + number * apart_s)
            program.replace()
            asked_s.append(time.monotonic())
            replace(server, program)

    with start_server(launch) as server:
        settings.port = server.port
        with (
            Generator(settings) as generator,
            slow_members(server.port, slow, cpus.generator[-1]) as half_written,
        ):
            generator.connect(connections, join=True)
            generator.watch(request, upgrade)
    seen = _judge(read_log(request.log, connections, load.room_size), asked_s)
    seen.slow.update(half_written)
    return seen


def wait_until(moment_s: float) -> None:
    time.sleep(max(0.0, moment_s - time.monotonic()))


def replace(server: ServerProcess, program: Program) -> None:
    """Raises ``TimeoutError`` if no process of the other build serves in the end."""
    before = pid_of(server)
    os.kill(before, signal.SIGUSR2)
    deadline = time.monotonic() + PATIENCE_S
    while (now := pid_of(server)) in (before, 0) or not program.is_run_by(now):
        if time.monotonic() > deadline:
            raise TimeoutError(f"process {before} goes on: see {server.launch.log}")
        time.sleep(0.005)


def pid_of(server: ServerProcess) -> int:
    return int((ask_health(server.port) or {}).get("pid", 0))


def _judge(watched: Watched, asked_s: list[float]) -> Upgrades:
    judged = watched.messages["at_ns"] < watched.end_ns - 100_000_000
    members = np.minimum(
        watched.room_size,
        watched.connections - watched.messages["sender"] // watched.room_size * watched.room_size,
    )
    got = (watched.copies > 0).sum(axis=1)
    return Upgrades(
        done=len(asked_s),
        ended=len(watched.of(ENDED)),
        messages=len(watched.messages),
        lost=int((members - got)[judged].sum()),
        duplicated=int(np.maximum(watched.copies - 1, 0).sum()),
        reordered=watched.reordered,
        silences_ms=_silences_ms(watched, asked_s),
    )


def _silences_ms(watched: Watched, asked_s: list[float]) -> list[float]:
    arrived_ns = np.sort(watched.of(RECEIVED)["at_ns"])
    begins = [int(one * 1e9) for one in asked_s]
    ends = [*begins[1:], watched.end_ns]
    found = []
    for begin, end in zip(begins, ends, strict=True):
        inside = arrived_ns[(arrived_ns >= begin) & (arrived_ns < end)]
        gaps = np.diff(np.concatenate(([begin], inside)))
        found.append(float(gaps.max()) / 1e6)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--slow", type=int, default=100, help="members that read slowly besides")
    parser.add_argument("--upgrades", type=int, default=100)
    parser.add_argument("--rate", type=float, default=2_000, help="messages/s")
    parser.add_argument("--apart", type=float, default=1.0, help="seconds between two upgrades")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seen = upgrade_again_and_again(
            connections=options.connections,
            slow=options.slow,
            upgrades=options.upgrades,
            messages_per_s=options.rate,
            apart_s=options.apart,
            folder=Path(folder),
        )
    p50, p95, longest = np.percentile(seen.silences_ms, [50, 95, 100])
    print(
        f"{seen.done} upgrades, {options.connections:,} connections, {seen.messages:,} messages: "
        f"{seen.ended} connections ended; {seen.lost} deliveries lost, {seen.duplicated} "
        f"duplicated, {seen.reordered} reordered\n"
        f"{seen.slow['readers']} slow members, {seen.slow['half_received']:,} of "
        f"{seen.slow['looks']:,} looks at half a frame, {seen.slow['messages']:,} messages: "
        f"{seen.slow['ended']} ended; {seen.slow['lost']} lost, {seen.slow['duplicated']} "
        f"duplicated, {seen.slow['reordered']} with another order\n"
        f"longest silence of an upgrade: p50 {p50:.1f} ms, p95 {p95:.1f} ms, max {longest:.1f} ms"
    )
    wrong = [seen.slow[what] for what in ("ended", "lost", "duplicated", "reordered")]
    return 1 if any([seen.ended, seen.lost, seen.duplicated, seen.reordered, *wrong]) else 0


if __name__ == "__main__":
    sys.exit(main())

"""Watches running servers under load: what they deliver, and what each delivery costs.

For notebooks: a glance at a few seconds, not a measurement. The matrix is one.
"""

from __future__ import annotations

import itertools
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from chinwag_bench.errors import HostError
from chinwag_bench.machine.cputime import thread_cpu_s
from chinwag_bench.paths import find_workspace

LOOP_THREAD = "chinwag"
"""What the core calls the threads that serve inside a program."""


class Watched(msgspec.Struct, frozen=True):
    """A server inside a running process."""

    name: str
    pid: int
    port: int


class Sample(msgspec.Struct, frozen=True):
    """What a server did between two looks at it."""

    at_s: float
    """Seconds since the first look."""
    deliveries_per_s: float
    cpu_us_per_delivery: float | None
    """CPU time of the serving thread in microseconds; ``None`` while nothing was delivered."""


class _Look(msgspec.Struct, frozen=True):
    at_s: float
    deliveries: int
    cpu_s: float


@contextmanager
def load(server: Watched, *, rate: float, seconds: float, profile: str) -> Iterator[None]:
    """Loads a server with ``rate`` messages a second, for at most ``seconds``. ``profile`` is one
    of bench/load/profiles. Raises ``HostError`` when the generator has not been built.
    """
    workspace = find_workspace()
    command = [
        *(str(workspace.generator()), "--port", str(server.port)),
        *("--profile", str(workspace.load_profiles / f"{profile}.json")),
        *("--rate", str(rate), "--seconds", str(seconds), "--json"),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as generator:
        try:
            yield
        finally:
            generator.terminate()


def watch(
    servers: list[Watched], *, seconds: float, every_s: float = 0.5
) -> dict[str, list[Sample]]:
    """Looks at each server every ``every_s`` for so many seconds."""
    looks = {server.name: [_look(server)] for server in servers}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(every_s)
        for server in servers:
            looks[server.name].append(_look(server))
    return {name: samples(seen) for name, seen in looks.items()}


def samples(looks: list[_Look]) -> list[Sample]:
    """What happened between each look and the next."""
    found = []
    for before, after in itertools.pairwise(looks):
        delivered = after.deliveries - before.deliveries
        cpu_us = (after.cpu_s - before.cpu_s) * 1e6
        found.append(
            Sample(
                at_s=after.at_s - looks[0].at_s,
                deliveries_per_s=delivered / (after.at_s - before.at_s),
                cpu_us_per_delivery=cpu_us / delivered if delivered else None,
            )
        )
    return found


def _look(server: Watched) -> _Look:
    url = f"http://127.0.0.1:{server.port}/metrics"
    # The server is here: a proxy of the environment would be asked for its own 127.0.0.1.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(url, timeout=5) as answer:
        text = answer.read().decode()
    return _Look(time.monotonic(), deliveries_in(text), _loop_cpu_s(server.pid))


def deliveries_in(metrics: str) -> int:
    """The deliveries to rooms and to users that a server's /metrics count."""
    counted = re.findall(r"^chinwag_(?:direct_)?deliveries_total (\d+)$", metrics, re.MULTILINE)
    return sum(int(number) for number in counted)


def _loop_cpu_s(pid: int) -> float:
    threads = [
        thread
        for thread in Path(f"/proc/{pid}/task").iterdir()
        if (thread / "comm").read_text().strip() == LOOP_THREAD
    ]
    if not threads:
        raise HostError(f"process {pid} has no thread called {LOOP_THREAD}: is it a hosted server?")
    return sum(thread_cpu_s(thread) for thread in threads)


class NodeHosted:
    """A server inside a Node.js process of its own, until ``stop()``."""

    def __init__(self, program: subprocess.Popen[str], port: int) -> None:
        self._program = program
        self.pid = program.pid
        self.port = port

    def stop(self) -> None:
        """Drains it and waits for its end."""
        self._program.terminate()
        self._program.wait()


def hosted_in_node() -> NodeHosted:
    """Starts a server with ``require('chinwag')`` on a free port. Raises ``HostError`` if the addon
    was not built.
    """
    program = subprocess.Popen(
        ["node", "-e", _NODE_PROGRAM], cwd=find_workspace().root, stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    line = program.stdout.readline().strip()
    if not line:
        raise HostError("the Node.js server did not start", hint="build it with `make everything`")
    return NodeHosted(program, int(line))


_NODE_PROGRAM = """
const { Server } = require('chinwag');
new Server().start().then((server) => {
  process.stdout.write(`${server.port}\\n`);
  process.once('SIGTERM', () => server.drain());
});
"""

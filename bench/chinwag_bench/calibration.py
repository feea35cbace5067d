"""What the load generator itself can do, measured once: only then can a rate be told that came near
to it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import msgspec

from chinwag_bench.errors import GeneratorError, HostError, ServerError
from chinwag_bench.judging.rules import cores_in_reach, is_server_busy
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.metrics.cell import Bout, Place, Site, bout
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.paths import Workspace, find_workspace
from chinwag_bench.records import Calibration, Ceiling, Step
from chinwag_bench.servers.catalog import Catalog, Server, Target
from chinwag_bench.servers.manifest import Manifest, Run, Variant

ECHO = "echo"
"""Each message comes back to its sender: one delivery a message."""
SINK = "fan-out"
"""What serves the other loads: it does as little as a server can (bench/floor)."""
_SINK_OPTIONS = ("--frames-per-write", "64", "--wait-ms", "20")
"""With fewer frames a write it would end long before the generator, and before servers that gather
more under load."""
SECONDS = 15.0
"""Of each search."""
_CONNECTIONS_MAX = 1_000
_START = 200_000.0
_STEP = 1.15
_FLOOR_SHARE = 1 / 64
_HOLD = HoldSeconds(warmup_s=0.2, hold_s=0.8, drain_s=0.5)
_BUSY_SHARE = 0.9


def loads_of(names: Iterable[str]) -> list[str]:
    """The loads to calibrate for a run that measures with these: those that are about rates."""
    return [
        ECHO,
        *(name for name in sorted(names) if name not in (ECHO, "idle", "silent", "storm")),
    ]


def echoing(catalog: Catalog) -> tuple[Target, Target]:
    """The server that calibrates: as it echoes, and as it is. Raises ``HostError`` where no
    manifest has an ``[echo]``.
    """
    for server in catalog.servers.values():
        manifest = server.manifest
        if manifest.echo is not None:
            run = msgspec.structs.replace(manifest.run, env=manifest.run.env | manifest.echo.env)
            echo = msgspec.structs.replace(manifest, transport=ECHO, run=run)
            return Target(msgspec.structs.replace(server, manifest=echo)), Target(server)
    raise HostError(
        "no server here echoes messages, so the load generator can't be calibrated",
        hint="a manifest says by its [echo] table that its server does",
    )


def sink(workspace: Workspace) -> Target:
    """What fans out. Raises ``HostError`` where it was not built."""
    program = fan_out_program(workspace)
    manifest = Manifest(
        name=SINK,
        title="chinwag-fan-out",
        language="C++",
        description="does as little as a chat server can",
        smallest_killable_unit="process",
        upgrade="none",
        run=Run(command=[str(program), "--port", "{port}", *_SINK_OPTIONS]),
        variants={"default": Variant()},
    )
    return Target(Server(manifest, workspace.root, workspace))


def fan_out_program(workspace: Workspace) -> Path:
    """Raises ``HostError`` when it has not been built."""
    chosen = os.environ.get("CHINWAG_FAN_OUT")
    path = Path(chosen or workspace.root / "build/release/bench/floor/chinwag-fan-out")
    if not os.access(path, os.X_OK):
        raise HostError(
            f"chinwag-fan-out is missing: {path} is not an executable file",
            hint="build it with `make native`, or point CHINWAG_FAN_OUT at it",
        )
    return path


def calibrate(site: Site, loads: Mapping[str, LoadProfile], catalog: Catalog) -> Calibration:
    """A ceiling for each load. The echo is measured against a server that echoes, the others
    against the sink. A search that can't be made, or fails, is a ceiling with a reason.
    """
    started_at, started = time.time(), time.monotonic()
    return Calibration(
        server=SINK,
        started_at=started_at,
        ceilings=[_known_ceiling(site, load, catalog) for load in loads.values()],
        seconds=time.monotonic() - started,
    )


def _known_ceiling(site: Site, load: LoadProfile, catalog: Catalog) -> Ceiling:
    connections = min(load.connections, _CONNECTIONS_MAX) if not load.hot_room else load.connections
    ceiling = Ceiling(load=load.name, connections=connections)
    try:
        target = echoing(catalog)[0] if load.name == ECHO else sink(find_workspace())
        place = Place(site=site, target=target, round=0, metric=f"calibrate-{load.name}")
        search = CeilingSearch(place, load, connections)
        search.run()
    except (ServerError, GeneratorError, HostError) as error:
        ceiling.reason = error.text()
        return ceiling
    if search.best is None:
        ceiling.reason = f"no rate was kept; last: {search.why_not or 'no time was left'}"
        return ceiling
    hold = search.best.hold
    ceiling.messages_per_s = hold.messages_per_s
    ceiling.deliveries_per_s = hold.deliveries_per_s
    ceiling.generator_cpu = hold.generator_cpu
    ceiling.cpu_us_per_message = hold.generator_cpu * 1e6 / hold.messages_per_s
    ceiling.cpu_us_per_delivery = hold.generator_cpu * 1e6 / hold.deliveries_per_s
    ceiling.send_lag_ms = hold.send_lag_ms
    ceiling.receive_lag_ms = hold.receive_lag_ms
    cores = cores_in_reach(target.threads, len(site.cpus.server))
    ceiling.limited_by, ceiling.lower_bound = limit(search.best, search.failed, cores)
    return ceiling


class CeilingSearch:
    """Doubles the rate while it is kept, then goes up from the last one in steps of 15 %. If the
    first rate isn't kept it is halved.
    """

    def __init__(self, place: Place, load: LoadProfile, connections: int) -> None:
        self.best: Step | None = None
        self.failed: Step | None = None
        """The one that was tried last above the best."""
        self.why_not: str | None = None
        self._open_bout = partial(bout, place, load, connections)
        self._stack = ExitStack()
        self._bout: Bout | None = None
        self._deadline = time.monotonic() + SECONDS

    def run(self) -> None:
        with self._stack:
            rate = _START
            while not self._keeps(rate) and rate > _START * _FLOOR_SHARE and self._has_time():
                rate /= 2
            if self.best is None:
                return
            for factor in (2.0, _STEP) if self.failed is None else (_STEP,):
                while self._has_time() and self._keeps(rate * factor):
                    rate *= factor

    def _has_time(self) -> bool:
        return time.monotonic() + 2 * _HOLD.seconds < self._deadline

    def _keeps(self, rate: float) -> bool:
        """``rate`` in deliveries a second."""
        pair = self._bout
        if pair is None:
            self._stack.close()
            pair = self._bout = self._stack.enter_context(self._open_bout())
        step, failure = pair.hold(rate, _HOLD, f"calibrate-{rate:.0f}")
        if failure is None:
            self.best = step
            return True
        self.failed, self.why_not = step, failure.text
        if step.hold.outstanding_after_drain or step.hold.closes:
            # What an overload leaves behind would be counted against the next rate.
            self._bout = None
        return False


def limit(best: Step, failed: Step | None, server_cores: int) -> tuple[str, bool]:
    """What ended a search, and whether the generator might have done more: by who was busy.
    ``server_cores``: how many the server can use."""
    if failed is None:
        return "time", True
    for step in (failed, best):
        processes = step.hold.generator_processes
        if step.hold.generator_cpu >= _BUSY_SHARE * processes:
            return "generator", False
        if is_server_busy(step, server_cores):
            return "server", True
    return "machine", True


def describe(calibration: Calibration) -> Sequence[str]:
    """A line a ceiling, with units."""
    return [
        _line(ceiling, "a server that echoes" if ceiling.load == ECHO else calibration.server)
        for ceiling in calibration.ceilings
    ]


def _line(ceiling: Ceiling, server: str) -> str:
    if ceiling.messages_per_s is None or ceiling.deliveries_per_s is None:
        return f"{ceiling.load}: not known: {ceiling.reason}"
    sign = ">= " if ceiling.lower_bound else ""
    cpu = f"{ceiling.cpu_us_per_message:.2f} us of CPU a message"
    if ceiling.load != ECHO:
        cpu += f", {ceiling.cpu_us_per_delivery:.2f} us a delivery"
    return (
        f"{ceiling.load}, {ceiling.connections:,} connections to {server}: "
        f"{sign}{ceiling.messages_per_s:,.0f} messages/s, "
        f"{sign}{ceiling.deliveries_per_s:,.0f} deliveries/s; {cpu}; generator at "
        f"{ceiling.generator_cpu:.0%} of a core, p99 of its send lag "
        f"{ceiling.send_lag_ms['p99']:.2f} ms, of its receive lag "
        f"{ceiling.receive_lag_ms['p99']:.2f} ms (ended by: {ceiling.limited_by})"
    )

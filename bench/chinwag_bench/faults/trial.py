"""One fault of one server, under load: it is brought about, watched, and proven."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import ExitStack, suppress

import msgspec

from chinwag_bench.errors import GeneratorError, ServerError
from chinwag_bench.faults.causes import Cause
from chinwag_bench.faults.outcome import Outcome, Role, ended_connections, judge
from chinwag_bench.faults.proof import LogEnd, prove
from chinwag_bench.faults.watch import watch
from chinwag_bench.generator import Generator, WatchRequest
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.metrics.cell import Place, attached_generator, open_connections, running_server
from chinwag_bench.servers.health import ask_health
from chinwag_bench.servers.process import ServerProcess
from chinwag_bench.servers.supervisor import descendants

_STEADY_S = 0.5
"""From the begin of a watch to the earliest fault."""
_WITHIN_SHARE = 0.5
"""Of the time in which ends are counted together, faults that come again and again take so much."""
_PHASE_S = 0.25
"""The fault comes at a random moment within so long."""


class TrialSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a fault is watched."""

    messages_per_s: float
    """Of all connections together."""
    spin_ms: int
    """Of a stuck handler."""
    seconds_max: float
    """Watched at most, from the begin."""
    settle_s: float
    """Watched on after everybody hears again."""


class Stage:
    """A server that is started again whenever it ends, and its clients. What a fault has left in
    disorder is made anew for the next one.
    """

    def __init__(self, place: Place, load: LoadProfile, connections: int) -> None:
        self.place = place
        self.load = load
        self.connections = connections
        self.random = random.Random(place.seed)
        self._made = ExitStack()
        self._pair: tuple[ServerProcess, Generator] | None = None

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def clear(self) -> None:
        self._pair = None
        self._made.close()

    def pair(self) -> tuple[ServerProcess, Generator]:
        """Raises ``ServerError`` or ``GeneratorError``."""
        if self._pair is None:
            faulty = running_server(self.place, env={"CHAT_FAULTS": "1"}, restarts=True)
            server = self._made.enter_context(faulty)
            generator = self._made.enter_context(
                attached_generator(self.place, server, self.load, self.connections)
            )
            open_connections(server, generator, self.connections, join=True)
            self._pair = server, generator
        return self._pair


def try_fault(stage: Stage, cause: Cause, settings: TrialSettings) -> Outcome:
    """Never raises for what a server or the generator does: an outcome's ``reason`` says it."""
    try:
        outcome = _try_fault(stage, cause, settings)
    except (ServerError, GeneratorError) as error:
        stage.clear()
        return Outcome(reason=error.text())
    if not all(map(_is_whole, outcome.roles.values())):
        stage.clear()
    return outcome


def _try_fault(stage: Stage, cause: Cause, settings: TrialSettings) -> Outcome:
    if cause.on_fresh:
        stage.clear()
    server, generator = stage.pair()
    asker = stage.random.randrange(stage.connections)
    request = _request(stage, cause, settings, asker)
    before, log = _processes(server), LogEnd(server.launch.log)
    doomed = _doomed(stage, server, cause)
    killed_ns = 0

    def kill(begin_s: float) -> None:
        nonlocal killed_ns
        if doomed:
            time.sleep(max(0.0, begin_s + request.fault_s - time.monotonic()))
            killed_ns = time.monotonic_ns()
            _kill(doomed)

    watched, _ = watch(generator, request, stage.load, stage.connections, kill)
    fault_ns = killed_ns or watched.fault_ns
    if fault_ns is None:
        raise GeneratorError(f"connection {asker} had ended before it could ask for {cause.asked}")
    victims = [asker] if cause.is_of_the_asker else ended_connections(watched)
    outcome = judge(watched, fault_ns, victims)
    gone = before - _processes(server)
    outcome.survived = outcome.survived and not gone
    outcome.happened = prove(cause, watched, fault_ns, asker, gone, log.text_since())
    if outcome.happened is None:
        outcome.reason = "nothing shows that the fault was real"
    return outcome


def _request(stage: Stage, cause: Cause, settings: TrialSettings, asker: int) -> WatchRequest:
    manifest = stage.place.target.server.manifest
    return WatchRequest(
        rate=settings.messages_per_s,
        seconds=settings.seconds_max,
        fault_s=_STEADY_S + stage.random.random() * _PHASE_S,
        log=stage.place.site.folder / "logs" / f"{stage.place.label}.watch",
        victim=asker,
        fault=cause.asked,
        fault_ms=cause.ms,
        fault_times=cause.times,
        fault_every_s=_WITHIN_SHARE * cause.seconds / cause.times,
        form=manifest.faults.form if manifest.faults else "type",
        settle_s=settings.settle_s,
    )


def _processes(server: ServerProcess) -> set[int]:
    return set(descendants(server.supervisor_pid))


def _doomed(stage: Stage, server: ServerProcess, cause: Cause) -> list[int]:
    """The processes that are killed. Raises ``ServerError`` where /health names no worker."""
    if cause.kills == "all":
        return descendants(server.supervisor_pid)
    if not cause.kills:
        return []
    health = ask_health(server.port) or {}
    workers = [pid for pid in health.get("workers", []) if pid != health.get("pid")]
    if not workers:
        raise ServerError("/health names no worker's process")
    return [stage.random.choice(workers)]


def _kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _is_whole(role: Role) -> bool:
    """Whether the next fault can meet the same server and clients."""
    return role.deaf == 0 and None not in role.hears_again_ms

"""Robustness: what well-behaved members notice of those that stop reading, of strangers who send
garbage, and of a crowd that takes all descriptors.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from chinwag_bench.errors import GeneratorError, ServerError
from chinwag_bench.faults import strangers
from chinwag_bench.generator import Generator, GeneratorSettings
from chinwag_bench.judging.bounds import Bounds, exactly, of_latency
from chinwag_bench.judging.row import MEGABYTE, Spec, row
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.machine.user_memory import tree_user_bytes
from chinwag_bench.metrics.cell import (
    Bout,
    Place,
    attached_generator,
    open_connections,
    running_server,
)
from chinwag_bench.metrics.first_message import ENGINE_IO_PATH, exchange
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.metrics.metric import Metric, MetricSettings, Visit
from chinwag_bench.records import Json, Record, Step
from chinwag_bench.servers.process import ServerProcess

SILENT, GARBAGE, CROWD = "silent_readers", "garbage", "no_descriptors"
_NAME = "both"
"""Begins the names of users and rooms of both generators: so they sit in the same rooms."""
_ANSWER_S = 5.0
_END_S = 10.0


class Trouble(msgspec.Struct, kw_only=True):
    """What a trouble did to those who gave no cause for it."""

    before: Step
    during: Step
    after: Step
    bytes_before: int
    bytes_during: int
    """User memory at the end of the trouble's hold."""
    pressed: Json = {}
    """How much of it there was."""
    serves_again: bool
    """A newcomer has its message back once it is over."""


class Robustness(Record, kw_only=True, tag="robustness", tag_field="metric"):
    connections: int = 0
    deliveries_per_s: float = 0.0
    troubles: dict[str, Trouble] = msgspec.field(default_factory=dict)
    """By name: silent_readers, garbage, no_descriptors. One that ended the server is missing, and
    ``reason`` says so."""


class Settings(MetricSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    load: str
    silent_load: str
    """Of the members that stop reading: as many as it has connections, one a room."""
    connections: int
    repeats: int
    setup_s: float
    """Of each trouble."""
    deliveries_per_s: float
    garbage_per_s: float
    open_files_spare: int
    """Descriptors that a server has left for strangers, in the trouble of that name."""
    hold: HoldSeconds

    @property
    def planned_s(self) -> float:
        return 3 * (self.setup_s + 3 * self.hold.seconds)

    def rounds(self, of_run: int) -> int:
        return self.repeats

    def loads(self) -> set[str]:
        return {self.load, self.silent_load}


def _visit(visit: Visit) -> list[Robustness]:
    settings: Settings = visit.settings
    started_at, started = time.time(), time.monotonic()
    troubles: dict[str, Trouble] = {}
    failures = []
    for name, make in _TROUBLES.items():
        place = msgspec.structs.replace(visit.place, metric=f"{visit.place.metric}-{name}")
        try:
            troubles[name] = make(place, visit, settings)
        except (ServerError, GeneratorError) as error:
            failures.append(f"{name}: {error.text()}")
    return [
        Robustness(
            column=visit.place.target.id,
            round=visit.place.round,
            started_at=started_at,
            seconds=time.monotonic() - started,
            status="ok" if troubles else "failed",
            reason="; ".join(failures) or None,
            connections=settings.connections,
            deliveries_per_s=settings.deliveries_per_s,
            troubles=troubles,
        )
    ]


def _silent_readers(place: Place, visit: Visit, settings: Settings) -> Trouble:
    """A second generator's members are stopped by SIGSTOP: their kernel takes what fits into its
    buffers, and no more.
    """
    load, silent = visit.load, visit.loads[settings.silent_load]
    with _members(place, load, settings) as pair:
        own = _settings(place, pair.server, silent, silent.connections)
        with Generator(own) as second:
            open_connections(pair.server, second, silent.connections, join=True)
            stopped = second.pids

            def stop() -> None:
                for pid in stopped:
                    os.kill(pid, signal.SIGSTOP)

            def go_on() -> Json:
                for pid in stopped:
                    os.kill(pid, signal.SIGKILL)
                return {"members": silent.connections}

            try:
                return _press(pair, settings, stop, go_on)
            finally:
                go_on()


def _garbage(place: Place, visit: Visit, settings: Settings) -> Trouble:
    with _members(place, visit.load, settings) as pair:
        crowd = _Strangers(pair.server, "garbage", settings.garbage_per_s, place)
        return _press(pair, settings, crowd.start, crowd.end)


def _no_descriptors(place: Place, visit: Visit, settings: Settings) -> Trouble:
    spare = settings.open_files_spare
    with _members(place, visit.load, settings, open_files=settings.connections + spare) as pair:
        crowd = _Strangers(pair.server, "crowd", 2 * spare, place)
        return _press(pair, settings, crowd.start, crowd.end)


_TROUBLES: dict[str, Callable[[Place, Visit, Settings], Trouble]] = {
    SILENT: _silent_readers,
    GARBAGE: _garbage,
    CROWD: _no_descriptors,
}


@contextmanager
def _members(
    place: Place, load: LoadProfile, settings: Settings, open_files: int | None = None
) -> Iterator[Bout]:
    with (
        running_server(place, open_files=open_files) as server,
        attached_generator(place, server, load, settings.connections, name=_NAME) as generator,
    ):
        open_connections(server, generator, settings.connections, join=True)
        yield Bout(server, generator, load, settings.connections, len(place.site.cpus.generator))
        generator.close()


def _settings(
    place: Place, server: ServerProcess, load: LoadProfile, connections: int
) -> GeneratorSettings:
    return GeneratorSettings(
        binary=place.site.generator,
        profile=load.path,
        port=server.port,
        transport=place.target.server.manifest.transport,
        connections=connections,
        room_size=1,
        open_files=place.site.open_files,
        seed=place.seed,
        cores=place.site.cpus.generator[:1],
        name=_NAME,
        log=place.site.folder / "logs" / f"{place.label}.second.log",
    )


def _press(
    pair: Bout, settings: Settings, begin: Callable[[], None], end: Callable[[], Json]
) -> Trouble:
    """Raises ``ServerError`` where the trouble ended the server."""
    before, _ = pair.hold(settings.deliveries_per_s, settings.hold, "before")
    bytes_before = tree_user_bytes(pair.server.supervisor_pid)
    begin()
    during, _ = pair.hold(settings.deliveries_per_s, settings.hold, "during")
    bytes_during = tree_user_bytes(pair.server.supervisor_pid)
    pressed = end()
    after, _ = pair.hold(settings.deliveries_per_s, settings.hold, "after")
    return Trouble(
        before=before,
        during=during,
        after=after,
        bytes_before=bytes_before,
        bytes_during=bytes_during,
        pressed=pressed,
        serves_again=_serves(pair.server),
    )


def _serves(server: ServerProcess) -> bool:
    try:
        exchange(server.launch.target.server.manifest.transport, server.port, _ANSWER_S)
    except Exception:  # Whatever a client may meet: it has no answer.
        return False
    return True


class _Strangers:
    """``faults/strangers.py`` against a server."""

    def __init__(self, server: ServerProcess, kind: str, number: float, place: Place) -> None:
        transport = server.launch.target.server.manifest.transport
        target = ENGINE_IO_PATH if transport == "engine.io" else "/ws"
        self._command = [
            *(sys.executable, "-I", "-S", str(Path(strangers.__file__).resolve())),
            *(kind, str(server.port), str(number), target),
        ]
        self._cores = place.site.cpus.generator
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        os.sched_setaffinity(self._process.pid, self._cores)

    def end(self) -> Json:
        assert self._process is not None
        try:
            said, _ = self._process.communicate(timeout=_END_S)
            done: Json = json.loads(said)
            return done
        except (subprocess.TimeoutExpired, ValueError) as error:
            raise GeneratorError(f"the strangers did not end as they should: {error}") from error
        finally:
            self._process.kill()
            self._process.wait()


def _describe(record: Robustness) -> str:
    return "; ".join(f"{name}: {_in_words(one)}" for name, one in record.troubles.items())


def _in_words(one: Trouble) -> str:
    before, during = (step.hold.latency_ms["p99"] for step in (one.before, one.during))
    lost = one.during.hold.lost
    parts = [
        f"p99 {before:.1f} -> {during:.1f} ms",
        f"memory {(one.bytes_during - one.bytes_before) / MEGABYTE:+.1f} MB",
        *([f"{lost} deliveries lost"] if lost else []),
        *([] if one.serves_again else ["nobody is let in afterwards"]),
    ]
    return ", ".join(parts)


def _p99(name: str) -> Callable[[Robustness], Bounds | None]:
    def bounds(record: Robustness) -> Bounds | None:
        found = record.troubles.get(name)
        if found is None or not found.serves_again or found.during.hold.lost:
            return None
        return of_latency(found.during.hold, "p99")

    return bounds


def _memory(name: str) -> Callable[[Robustness], Bounds | None]:
    def bounds(record: Robustness) -> Bounds | None:
        found = record.troubles.get(name)
        if found is None:
            return None
        return exactly(max(0.0, (found.bytes_during - found.bytes_before) / MEGABYTE))

    return bounds


_TITLES = {
    SILENT: ("1 % stop reading", "One member of each room of 100 stops reading"),
    GARBAGE: (
        "Garbage from strangers",
        "1,000 strangers a second connect and send noise, HTTP that is none, or noise for frames",
    ),
    CROWD: (
        "No descriptor left",
        "Strangers take every descriptor that the server has left, and keep them",
    ),
}


def _rows() -> list[Spec]:
    specs = []
    absent = "it ended the server, lost deliveries of its members, or let nobody in afterwards"
    for name, (title, what) in _TITLES.items():
        p99 = row(
            "Robustness",
            f"robust_{name}_p99",
            f"{title}: p99 of the others",
            "ms",
            "lower",
            f"{what}: latency of well-behaved members meanwhile, 99 of 100 messages.",
        )
        specs.append(Spec(p99, "robustness", _p99(name), absent=absent))
    memory = row(
        "Robustness",
        f"robust_{SILENT}_memory",
        "1 % stop reading: memory for it",
        "MB",
        "lower",
        "One member of each room of 100 stops reading: growth of user memory within some seconds.",
    )
    specs.append(Spec(memory, "robustness", _memory(SILENT)))
    return specs


METHOD = """
**Robustness.** 1,000 members at 20,000 deliveries/s, while something goes wrong that they gave no
cause for: one more member of each room stops reading (its process is stopped); 1,000 strangers a
second connect and send noise, HTTP that is none, or noise for frames; strangers take all
descriptors that the server has left (its limit is set to its members and 64 more). p99 of the
members meanwhile, beside a hold before and one after. A server that ended, lost deliveries of its
members, or lets nobody in once it is over has no value.
"""
METRIC = Metric(
    record=Robustness,
    settings=Settings,
    measure=_visit,
    describe=_describe,
    rows=_rows(),
    method=METHOD,
)

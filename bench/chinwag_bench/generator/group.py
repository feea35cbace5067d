"""The load generator as one, whatever number of processes its connections need."""

from __future__ import annotations

import math
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import msgspec

from chinwag_bench.generator.hdr_log import append_interval
from chinwag_bench.generator.merge import (
    HoldParts,
    added_histogram,
    merge_holds,
    merge_storms,
)
from chinwag_bench.generator.process import GeneratorProcess
from chinwag_bench.generator.settings import (
    Connected,
    Event,
    GeneratorSettings,
    HoldRequest,
    Rejoined,
    WatchRequest,
)
from chinwag_bench.generator.split import capacity, shares
from chinwag_bench.records import Hold
from chinwag_bench.servers.ports import ephemeral_range

_T = TypeVar("_T")

_CONNECT_TIMEOUT_S = 60.0
_GRACE_S = 15.0
_LEAD_S = 0.1
"""Until all processes have a hold's command, which then begins in all of them at one time."""
_SEEDS_APART = 1_000_003


_USABLE_CORES = os.sched_getaffinity(0)
"""Before anything in this process changes that."""


class Generator:
    """A running generator: a process a core, or more where open files force it, each started when
    its connections are asked for. All its waits have an end; every failure is a
    ``GeneratorError``.
    """

    def __init__(self, settings: GeneratorSettings) -> None:
        """Raises ``HostError`` where one process can't hold a single room."""
        files = settings.open_files or resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        cores = max(len(settings.cores), 1)
        self._of_each = capacity(settings.connections, files, settings.room_size, cores)
        self._settings = settings
        self._processes: list[GeneratorProcess] = []
        self._start_process()

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._processes]

    @property
    def niceness(self) -> int:
        """That of its processes; below 0 where the system granted that."""
        return max(process.niceness for process in self._processes)

    @property
    def lost_connections(self) -> int:
        """Connections that ended because the server went away."""
        return sum(process.lost_connections for process in self._processes)

    def connect(self, connections: int, *, join: bool) -> Connected:
        """Opens connections until there are so many in all; with ``join`` waits until all of them
        are members of rooms.
        """
        wanted = shares(connections, self._of_each)
        while len(self._processes) < len(wanted):
            self._start_process()
        asked = [
            (process, share)
            for process, share in zip(self._processes, wanted, strict=False)
            if share > process.connections or len(wanted) == 1
        ]
        for process, share in asked:
            process.send({"do": "connect", "connections": share, "join": join})
        answers = [self._connected(process) for process, _ in asked]
        return Connected(
            connections=sum(process.connections for process in self._processes),
            refused=sum(answer.refused for answer in answers),
            seconds=max((answer.seconds for answer in answers), default=0.0),
            reason=next((answer.reason for answer in answers if answer.reason), ""),
        )

    def disconnect(self, connections: int) -> None:
        """Ends connections, without a goodbye, until no more than so many are left. Processes that
        have none left end.
        """
        wanted = shares(connections, self._of_each)
        for process in self._processes[len(wanted) :]:
            process.close()
        del self._processes[len(wanted) :]
        for process, share in zip(self._processes, wanted, strict=True):
            process.send({"do": "disconnect", "connections": share})
            process.connections = process.expect("disconnected", _GRACE_S)["connections"]

    def join(self) -> None:
        """Joins every open connection to its room."""
        self._tell({"do": "join"})
        self._hear("joined", _CONNECT_TIMEOUT_S)

    def hold(self, request: HoldRequest, sample: Callable[[], None] = lambda: None) -> Hold:
        """Keeps a rate. ``sample`` is called at the begin and at the end of the measured part."""
        with _keeping_off(self._settings.cores):
            if len(self._processes) == 1:
                self._processes[0].send(request.command())
            else:
                self._tell_parts(request)
            self._hear("hold_started", request.warmup_s + _GRACE_S)
            began_s = time.time()
            sample()
            self._hear("hold_ended", request.hold_s + _GRACE_S)
            sample()
            events = self._hear("hold", request.drain_s + _GRACE_S)
        holds = self._read(events, "hold", Hold)
        return holds[0] if len(holds) == 1 else self._merged(request, began_s, events, holds)

    def storm(self, timeout_s: float) -> Rejoined:
        """Ends everyone's connection at once and has all of them connect and join again, once each.
        Who is not in its room again after ``timeout_s`` counts as refused.
        """
        several = len(self._processes) > 1
        self._tell({"do": "storm", "timeout_s": timeout_s, "parts": several})
        events = self._hear("storm", timeout_s + _GRACE_S)
        storms: list[Rejoined] = self._read(events, "storm", Rejoined)
        if not several:
            return storms[0]
        histograms = [event["parts"]["rejoin_hdr"] for event in events]
        return merge_storms(storms, histograms, [event["begin_s"] for event in events])

    def watch(self, request: WatchRequest, meanwhile: Callable[[float], None]) -> list[str]:
        """Keeps a load until a fault is over, and writes the request's log. ``meanwhile`` is called
        once, with the begin on CLOCK_MONOTONIC. All connections must be of one process. Returns the
        names of the builds that the log means by numbers.
        """
        [process] = self._processes
        with _keeping_off(self._settings.cores):
            process.send(request.command())
            meanwhile(process.expect("watch_started", _GRACE_S)["begin_s"])
            if request.until_told:
                process.send({"do": "over"})
            event = process.expect("watched", request.seconds + request.drain_s + _GRACE_S)
        process.connections = event["open"]
        builds: list[str] = event.get("builds", [])
        return builds

    def rest(self, seconds: float) -> None:
        """Keeps the connections open and alive for a while without load."""
        self._tell({"do": "rest", "seconds": seconds})
        self._hear("rested", seconds + _GRACE_S)

    def close(self) -> None:
        """Ends their input, at which they leave; kills who does not in 5 s."""
        for process in self._processes:
            process.end_input()
        for process in self._processes:
            process.close()

    def __enter__(self) -> Generator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            for process in self._processes:
                process.kill()
        self.close()

    def _start_process(self) -> None:
        settings, number = self._settings, len(self._processes) + 1
        planned = max(settings.connections, number * self._of_each)
        sources = settings.sources
        if number > 1 or planned > self._of_each:
            sources = max(sources, math.ceil(planned / _connections_a_source()))
        own = msgspec.structs.replace(
            settings,
            connections=min(settings.connections, self._of_each),
            sources=sources,
            cores=[settings.cores[(number - 1) % len(settings.cores)]] if settings.cores else [],
            # Random arrivals of two processes must not coincide.
            seed=settings.seed + (number - 1) * _SEEDS_APART,
        )
        self._processes.append(GeneratorProcess(own, _numbered(settings.log, number)))

    def _connected(self, process: GeneratorProcess) -> Connected:
        event = process.expect("connected", _CONNECT_TIMEOUT_S)
        answer = msgspec.convert(event, type=Connected)
        process.connections = answer.connections
        return answer

    def _tell(self, command: Event) -> None:
        for process in self._processes:
            process.send(command)

    def _hear(self, name: str, timeout_s: float) -> list[Event]:
        """One event of that name from each process."""
        return [process.expect(name, timeout_s) for process in self._processes]

    def _tell_parts(self, request: HoldRequest) -> None:
        """Each process gets a rate by its connections. Their plans begin one message apart, so
        that all messages together are as evenly spaced as those of a single process.
        """
        start_s = time.monotonic() + _LEAD_S
        of_all = sum(process.connections for process in self._processes)
        for number, process in enumerate(self._processes):
            rate = request.rate * process.connections / of_all
            begin = {"start_s": start_s + number / request.rate, "parts": True}
            process.send(request.command() | begin | {"rate": rate, "hdr": None})

    def _merged(
        self, request: HoldRequest, began_s: float, events: list[Event], holds: list[Hold]
    ) -> Hold:
        parts: list[HoldParts] = self._read(events, "parts", HoldParts)
        if request.hdr:
            histogram = added_histogram([part.latency_hdr for part in parts])
            append_interval(request.hdr, request.label, began_s, request.hold_s, histogram)
        cores = len(self._settings.cores) or os.cpu_count() or 1
        return merge_holds(holds, parts, cores)

    def _read(self, events: list[Event], key: str, kind: type[_T]) -> list[_T]:
        pairs = zip(self._processes, events, strict=True)
        return [process.read(_with_numbers(event), key, kind) for process, event in pairs]


def _connections_a_source() -> int:
    """As the generator's own limit, which knows of one process's connections only: most of the
    ports of outgoing connections (bench/load/src/endpoint.cpp).
    """
    low, high = ephemeral_range()
    return max((high - low + 1) // 8 * 7, 1)


def _with_numbers(value: Any) -> Any:
    """Delays of nothing are ``null`` to the generator and 0 in records, whose counts say that there
    were none.
    """
    if isinstance(value, dict):
        return {
            key: _with_zeros(inner) if key.endswith("_ms") else _with_numbers(inner)
            for key, inner in value.items()
        }
    return value


def _with_zeros(delays: Any) -> Any:
    if not isinstance(delays, dict):
        return delays
    return {name: 0.0 if delay is None else delay for name, delay in delays.items()}


def _numbered(log: Path, number: int) -> Path:
    return log if number == 1 else log.with_name(f"{log.stem}-{number}{log.suffix}")


@contextmanager
def _keeping_off(cores: list[int]) -> Iterator[None]:
    """This process leaves the cores to the generator, if there are others: it waits, and now and
    then it reads what the system says of the server.
    """
    before, others = os.sched_getaffinity(0), _USABLE_CORES.difference(cores)
    if not others:
        yield
        return
    with suppress(OSError):
        os.sched_setaffinity(0, others)
    try:
        yield
    finally:
        with suppress(OSError):
            os.sched_setaffinity(0, before)

"""What every metric needs: a fresh server on its cores, and a generator on the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from chinwag_bench.errors import GeneratorError, ServerError
from chinwag_bench.generator import Generator, GeneratorSettings, HoldRequest, niceness
from chinwag_bench.judging.sustained import DEFAULTS, Failure, SustainedLimits, find_failure
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.machine.cpu_plan import CpuPlan
from chinwag_bench.machine.cputime import CpuTime, tree_cpu
from chinwag_bench.machine.listen_queue import longest_backlog
from chinwag_bench.machine.open_files import connections_possible, holding_processes
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.records import Step
from chinwag_bench.servers.catalog import Target
from chinwag_bench.servers.process import Launch, ServerProcess, start_server


class Site(msgspec.Struct, kw_only=True):
    """Where a run measures: the same for all of its cells."""

    folder: Path
    """The result directory."""
    generator: Path
    cpus: CpuPlan
    seed: int
    open_files: int
    """What one process may open, of a server's or the generator's."""


class Place(msgspec.Struct, kw_only=True):
    """One cell of a run: which column, which round."""

    site: Site
    target: Target
    round: int
    metric: str

    @property
    def label(self) -> str:
        """Part of file names, so without the blanks and brackets of an A/A column."""
        column = self.target.base_id.replace(":", "-") + ("-again" if self.target.again else "")
        return f"{self.metric}-{column}-r{self.round}"

    @property
    def seed(self) -> int:
        """The same for every column of a round, so that all see the same sequence of messages."""
        return self.site.seed + self.round


class Serving(Protocol):
    """What a cell needs to know of one server, or of several that are one."""

    @property
    def launch(self) -> Launch: ...

    def check_alive(self) -> None: ...

    def log_tail(self) -> str: ...


class Bout(msgspec.Struct):
    """A server and a generator that is connected to it."""

    server: ServerProcess
    generator: Generator
    load: LoadProfile
    connections: int
    generator_cores: int

    def hold(
        self,
        deliveries_per_s: float,
        seconds: HoldSeconds,
        label: str,
        *,
        limits: SustainedLimits = DEFAULTS,
        hdr: Path | None = None,
        parse_every: int = 0,
    ) -> tuple[Step, Failure | None]:
        """One hold, with the server's CPU time between its measured ends and the verdict on it, by
        ``limits``.

        ``label`` is a word; ``hdr`` is where the generator appends its histogram; ``parse_every``
        is the request's.
        """
        request = HoldRequest(
            rate=deliveries_per_s / self.load.deliveries_per_message(self.connections),
            warmup_s=seconds.warmup_s,
            hold_s=seconds.hold_s,
            drain_s=seconds.drain_s,
            label=label,
            hdr=hdr,
            parse_every=parse_every,
        )
        return held(self.server, self.generator, request, limits, self.server_cpu)

    def server_cpu(self) -> CpuTime:
        return tree_cpu(self.server.supervisor_pid, include_root=False)


def held(
    server: Serving,
    generator: Generator,
    request: HoldRequest,
    limits: SustainedLimits,
    cpu_now: Callable[[], CpuTime],
) -> tuple[Step, Failure | None]:
    """One hold, with what ``cpu_now`` counts up between its measured ends and the verdict on it."""
    samples: list[CpuTime] = []
    with blaming_the_server(server):
        hold = generator.hold(request, lambda: samples.append(cpu_now()))
    server.check_alive()
    cpu = samples[1] - samples[0]
    failure = find_failure(hold, limits)
    step = Step(
        hold=hold,
        server_cpu_s=cpu.total_s,
        server_system_s=cpu.system_s,
        cpu_us_per_delivery=cpu.total_s * 1e6 / hold.delivered if hold.delivered else None,
        sustained=failure is None,
        why_not=failure.text if failure else None,
    )
    return step, failure


def launch_at(place: Place) -> Launch:
    """How the place's server is started, and each node of it where it is several."""
    return Launch(
        target=place.target,
        log=place.site.folder / "logs" / f"{place.label}.server.log",
        workers=place.site.cpus.workers,
        cores=place.site.cpus.server,
        backlog=longest_backlog(),
    )


@contextmanager
def running_server(
    place: Place,
    cgroups: list[str] | None = None,
    *,
    env: dict[str, str] | None = None,
    restarts: bool = False,
    open_files: int | None = None,
    command: list[str] | None = None,
    passes_listener: bool = False,
    successor: dict[str, str] | None = None,
    host: str = "127.0.0.1",
) -> Iterator[ServerProcess]:
    """A server that serves. SIGKILL ends it: no goodbye storm runs into the next cell. The options
    are those of ``Launch``.
    """
    launch = msgspec.structs.replace(
        launch_at(place),
        cgroups=cgroups or [],
        env=env or {},
        restarts=restarts,
        open_files=open_files,
        command=command,
        passes_listener=passes_listener,
        successor=successor or {},
        host=host,
    )
    with start_server(launch) as server:
        yield server


@contextmanager
def attached_generator(
    place: Place,
    server: ServerProcess,
    load: LoadProfile,
    connections: int,
    sources: int = 0,
    name: str = "",
    also: Sequence[ServerProcess] = (),
    answer_timeout_s: float | None = None,
) -> Iterator[Generator]:
    """A generator aimed at the server, not yet connected. ``sources``, ``name`` and
    ``answer_timeout_s`` as its settings say; ``also`` are further nodes of it.
    """
    settings = GeneratorSettings(
        binary=place.site.generator,
        profile=load.path,
        host=server.launch.host,
        port=server.port,
        also=[(node.launch.host, node.port) for node in also],
        transport=place.target.server.manifest.transport,
        connections=connections,
        room_size=load.together(connections),
        open_files=place.site.open_files,
        sources=sources,
        name=name,
        answer_timeout_s=answer_timeout_s,
        seed=place.seed,
        cores=place.site.cpus.generator,
        niceness=niceness(place.site.cpus.generator, place.site.cpus.server),
        log=place.site.folder / "logs" / f"{place.label}.generator.log",
    )
    with Generator(settings) as generator:
        yield generator


@contextmanager
def bout(
    place: Place, load: LoadProfile, connections: int, *, sources: int = 0, or_fewer: bool = False
) -> Iterator[Bout]:
    """A server with ``connections`` joined connections; ``or_fewer``: as many of them as its
    processes may hold. The server's death is reported before the generator's.
    """
    with (
        running_server(place) as server,
        attached_generator(place, server, load, connections, sources) as generator,
    ):
        if or_fewer:
            connections = open_as_many(place, server, generator, connections, join=True)
        else:
            open_connections(server, generator, connections, join=True)
        cores = len(place.site.cpus.generator)
        yield Bout(server, generator, load, connections, cores)
        # Stopping the server first would look like a lost connection to the generator.
        generator.close()


def open_as_many(
    place: Place, server: ServerProcess, generator: Generator, wanted: int, *, join: bool
) -> int:
    """Opens as many of the wanted connections as the server's processes may hold, and returns their
    number. Raises ``ServerError`` when the server refuses some of them.
    """
    possible = connections_possible(wanted, place.site.open_files)
    open_connections(server, generator, possible, join=join)
    holding = holding_processes(server.supervisor_pid, possible)
    more = connections_possible(wanted, place.site.open_files, holding)
    if more > possible:
        open_connections(server, generator, more, join=join)
    return more


def open_connections(
    server: Serving, generator: Generator, connections: int, *, join: bool
) -> None:
    """Raises ``ServerError`` when the server refuses some of them."""
    with blaming_the_server(server):
        opened = generator.connect(connections, join=join)
    if opened.refused or opened.connections < connections:
        server.check_alive()
        raise ServerError(
            f"{server.launch.target.id} took {opened.connections} of {connections} connections, "
            f"refused {opened.refused}",
            detail=server.log_tail(),
        )


@contextmanager
def blaming_the_server(server: Serving) -> Iterator[None]:
    """When the generator fails because the server died, the server's end is the news."""
    try:
        yield
    except GeneratorError:
        check_alive_after_closes(server)
        raise


def check_alive_after_closes(server: Serving) -> None:
    """Raises ``ServerError`` if connections ended because the server did."""
    # The kernel closes a dying process's connections before its parent is told.
    time.sleep(0.1)
    server.check_alive()

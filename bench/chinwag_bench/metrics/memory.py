"""Memory of many connections. CPU at N connections and their maximum can share the set-up."""

from __future__ import annotations

import time
from typing import Literal

import msgspec

from chinwag_bench.judging.matrix import Note
from chinwag_bench.judging.row import (
    MEGABYTE,
    PER_CONNECTIONS,
    Spec,
    plain,
    row,
)
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.machine.kernel_memory import kernel_meter
from chinwag_bench.metrics import connections as maximum
from chinwag_bench.metrics import cpu_at_n, storm
from chinwag_bench.metrics.cell import (
    Bout,
    Place,
    attached_generator,
    blaming_the_server,
    open_as_many,
    running_server,
)
from chinwag_bench.metrics.connections import Connections
from chinwag_bench.metrics.cpu_at_n import CpuAtN
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.metrics.metric import Metric, MetricSettings, Visit
from chinwag_bench.metrics.ramp import RampSettings
from chinwag_bench.metrics.scale import Scale
from chinwag_bench.metrics.storm import Storm
from chinwag_bench.records import MemoryPoint, Record

_MEBIBYTE = 1 << 20


class Memory(Record, kw_only=True, tag="memory", tag_field="metric"):
    connections: int = 0
    points: dict[str, MemoryPoint] = msgspec.field(default_factory=dict)
    """Keys, in this order: empty, idle, joined, after_load, after_rest."""
    cpu_share_idle: float | None = None
    """Written by 0.1.0's first runs; ``CpuAtN`` has it now."""


class Settings(MetricSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    load: str
    connections: int
    setup_s: float
    settle_s: float
    """Waited before each of the five samples."""
    quiet: HoldSeconds | None = None
    """CPU at N connections is measured meanwhile, under the load profile's own trickle."""
    busy: HoldSeconds
    """What comes before the sample ``after_load``."""
    busy_deliveries_per_s: float
    rest_s: float
    ramp: RampSettings | None = None
    """After the last sample connections are added until something ends it."""
    storm: storm.LastStorm | None = None
    """Last of all, with ``connections`` again."""

    @property
    def planned_s(self) -> float:
        quiet_s = self.quiet.seconds if self.quiet else 0.0
        ramp_s = self.ramp.seconds + self.ramp.probe.seconds if self.ramp else 0.0
        storm_s = self.storm.planned_s if self.storm else 0.0
        holds_s = quiet_s + self.busy.seconds
        return self.setup_s + 5 * self.settle_s + holds_s + self.rest_s + ramp_s + storm_s

    def rounds(self, of_run: int) -> int:
        return 1

    def loads(self) -> set[str]:
        return {self.load}

    def storms(self) -> int:
        return self.connections if self.storm else 0

    def capped(self, connections: int) -> Settings:
        if self.ramp is None:
            return self
        ramp = msgspec.structs.replace(self.ramp, cap=connections)
        return msgspec.structs.replace(self, ramp=ramp)

    def also(self) -> tuple[type[Record], ...]:
        ramp = (Connections,) * bool(self.ramp)
        return (CpuAtN,) * bool(self.quiet) + ramp + (Storm,) * bool(self.storm)

    def sources(self, place: Place) -> int:
        """Source addresses that the generator needs for the ramp and the storm; 0: it knows."""
        of_ramp, of_storm = 0, 0
        if self.ramp:
            of_ramp = self.ramp.sources(place.site.open_files, place.site.cpus.workers)
        if self.storm:
            of_storm = storm.sources(self.connections)
        return max(of_ramp, of_storm)


def measure(place: Place, load: LoadProfile, settings: Settings) -> list[Record]:
    """Empty, idle, joined, after load, after rest; the memory record comes first.

    Fewer connections than asked for where open files do not suffice: the record says how many there
    were. Raises ``ServerError`` or ``GeneratorError``."""
    started_at, started = time.time(), time.monotonic()
    wanted, sources = settings.connections, settings.sources(place)
    more: list[Record] = []
    with kernel_meter() as meter, running_server(place, meter.procs_files) as server:
        scale = Scale(server, meter, settings.settle_s)
        scale.sample("empty")
        with attached_generator(place, server, load, wanted, sources) as generator:
            connections = open_as_many(place, server, generator, wanted, join=False)
            scale.sample("idle")
            with blaming_the_server(server):
                generator.join()
            scale.sample("joined")
            pair = Bout(server, generator, load, connections, len(place.site.cpus.generator))
            if settings.quiet:
                more.append(cpu_at_n.measure(place, pair, settings.quiet))
            _load_and_rest(pair, settings, scale)
            seconds = time.monotonic() - started
            if settings.ramp:
                more.append(maximum.measure(place, pair, scale, settings.ramp))
            if settings.storm:
                more.append(storm.measure_last(place, pair, connections, settings.storm))
    memory = Memory(
        column=place.target.id,
        round=place.round,
        started_at=started_at,
        seconds=seconds,
        status="ok",
        connections=connections,
        points=scale.points,
    )
    return [memory, *more]


def _load_and_rest(pair: Bout, settings: Settings, scale: Scale) -> None:
    pair.hold(settings.busy_deliveries_per_s, settings.busy, "busy")
    scale.sample("after_load")
    with blaming_the_server(pair.server):
        pair.generator.rest(settings.rest_s)
    scale.sample("after_rest")


def _visit(visit: Visit) -> list[Record]:
    return measure(visit.place, visit.load, visit.settings)


def _describe(record: Memory) -> str:
    empty, joined = record.points["empty"], record.points["joined"]
    user = (joined.user_bytes - empty.user_bytes) / record.connections
    return (
        f"{record.connections:,} connections, {joined.user_bytes / _MEBIBYTE:.0f} MiB, "
        f"{user:,.0f} user bytes a connection"
    )


def growth_mb(record: Memory, point: str, part: Literal["user", "kernel"]) -> float | None:
    """Memory over the empty server, in MB (10^6 bytes) per 10,000 connections. ``None`` where it is
    not known or nothing: too few connections stand out from the empty server's noise no more.
    """
    here, empty = record.points.get(point), record.points.get("empty")
    if here is None or empty is None or record.connections <= 0:
        return None
    if part == "user":
        grown = here.user_bytes - empty.user_bytes
    elif here.kernel_bytes is None or empty.kernel_bytes is None:
        return None
    else:
        grown = here.kernel_bytes - empty.kernel_bytes
    return grown / MEGABYTE * PER_CONNECTIONS / record.connections if grown > 0 else None


def _whole_mb(record: Memory) -> float | None:
    parts = growth_mb(record, "joined", "user"), growth_mb(record, "joined", "kernel")
    return None if parts[0] is None or parts[1] is None else parts[0] + parts[1]


def _empty_mb(record: Memory) -> float | None:
    empty = record.points.get("empty")
    return None if empty is None else empty.user_bytes / MEGABYTE


def _notes(record: Memory) -> list[Note]:
    return [Note(code="connections", args={"counts": [record.connections]})]


def _kernel_notes(record: Memory) -> list[Note]:
    joined = record.points.get("joined")
    methods = [] if joined is None else [joined.kernel_method]
    return [*_notes(record), Note(code="kernel_memory", args={"methods": methods})]


def _memory_row(id_: str, title: str, point: str, part: Literal["user", "kernel"]) -> Spec:
    kinds = {
        "user": "PSS over the process tree and unmapped memfd blocks",
        "kernel": "the kernel's memory for the server's sockets",
    }
    about = row(
        "Memory",
        id_,
        title,
        "MB",
        "lower",
        f"{kinds[part]}, growth over the empty server per 10,000 connections "
        f"({point.replace('_', ' ')}), MB = 10^6 bytes.",
    )
    return Spec(
        about,
        "memory",
        plain(lambda record: growth_mb(record, point, part)),
        notes=_kernel_notes if part == "kernel" else _notes,
        absent="not measured, or too few connections to stand out from the empty server's noise",
    )


def _rows() -> list[Spec]:
    empty = row(
        "Memory",
        "memory_empty",
        "Empty server",
        "MB",
        "lower",
        "PSS of the process tree before the first connection.",
    )
    total = row(
        "Memory",
        "memory_with_kernel",
        "Memory per 10k, joined, the kernel's with it",
        "MB",
        "lower",
        "Both of them: what a machine must have for 10,000 joined connections beside the empty "
        "server.",
    )
    return [
        Spec(empty, "memory", plain(_empty_mb), notes=_notes),
        _memory_row("memory_idle", "User memory per 10k, idle", "idle", "user"),
        _memory_row("memory_joined", "User memory per 10k, joined", "joined", "user"),
        _memory_row("memory_after_rest", "User memory per 10k, after rest", "after_rest", "user"),
        _memory_row("memory_kernel", "Kernel memory per 10k, joined", "joined", "kernel"),
        Spec(total, "memory", plain(_whole_mb), notes=_notes),
    ]


METHOD = """
**Memory.** User: PSS over the process tree. Kernel: from a cgroup where one can be made, else
half of the difference of slab and socket memory, marked *estimate*. Never sampled during a timed
hold.
"""
METRIC = Metric(
    record=Memory,
    settings=Settings,
    measure=_visit,
    describe=_describe,
    rows=_rows(),
    method=METHOD,
)

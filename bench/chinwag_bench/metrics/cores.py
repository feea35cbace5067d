"""Cores: what more of them are to a server, at one rate for all."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import msgspec

from chinwag_bench.judging.bounds import Bounds, exactly
from chinwag_bench.judging.matrix import Note
from chinwag_bench.judging.row import Spec, row
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.machine.cpu_plan import CpuPlan
from chinwag_bench.machine.cputime import ThreadTimes, thread_times
from chinwag_bench.metrics.cell import Place, bout
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.metrics.metric import Metric, MetricSettings, Visit
from chinwag_bench.records import Record, Run, Step

COUNTS = (1, 2, 4, 8)
_NAMED = 8
"""Threads of a point, the busiest ones, that a record names."""


class CoresPoint(msgspec.Struct, kw_only=True):
    """One hold with the server on so many cores."""

    server_cores: int
    shared: bool
    """Whether the generator had to run on some of them."""
    step: Step
    threads_s: dict[str, float]
    """CPU seconds of the busiest threads from the hold's warm-up to its drain, by ``PID/TID NAME``.
    """
    all_threads_s: float

    @property
    def cores_used(self) -> float | None:
        """How many threads as busy as the busiest one would do the work; at most one a core."""
        busiest = max(self.threads_s.values(), default=0.0)
        return min(self.all_threads_s / busiest, self.server_cores) if busiest else None


class Cores(Record, kw_only=True, tag="cores", tag_field="metric"):
    deliveries_per_s: float = 0.0
    points: list[CoresPoint] = msgspec.field(default_factory=list)


class Settings(MetricSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    load: str
    connections: int
    repeats: int
    setup_s: float
    """Of each number of cores."""
    deliveries_per_s: float
    hold: HoldSeconds

    @property
    def planned_s(self) -> float:
        return len(counts_here(os.cpu_count() or 1)) * (self.setup_s + self.hold.seconds)

    def rounds(self, of_run: int) -> int:
        return self.repeats

    def loads(self) -> set[str]:
        return {self.load}


def counts_here(cores: int) -> list[int]:
    return [count for count in COUNTS if count <= cores]


def _visit(visit: Visit) -> list[Cores]:
    settings: Settings = visit.settings
    started_at, started = time.time(), time.monotonic()
    plan = visit.place.site.cpus
    every = [*plan.server, *(core for core in plan.generator if core not in plan.server)]
    points = [
        _measure(_on(visit.place, every, count), visit.load, settings)
        for count in counts_here(len(every))
    ]
    return [
        Cores(
            column=visit.place.target.id,
            round=visit.place.round,
            started_at=started_at,
            seconds=time.monotonic() - started,
            status="ok",
            deliveries_per_s=settings.deliveries_per_s,
            points=points,
        )
    ]


def _on(place: Place, every: list[int], count: int) -> Place:
    """The generator keeps its cores, and shares them where the server needs all."""
    server = every[:count]
    generator = place.site.cpus.generator
    shared = not set(server).isdisjoint(generator)
    cpus = CpuPlan(server=server, generator=generator, shared=shared)
    site = msgspec.structs.replace(place.site, cpus=cpus)
    return msgspec.structs.replace(place, site=site, metric=f"{place.metric}-{count}")


def _measure(place: Place, load: LoadProfile, settings: Settings) -> CoresPoint:
    with bout(place, load, settings.connections) as pair:
        before = thread_times(pair.server.supervisor_pid)
        step, _ = pair.hold(settings.deliveries_per_s, settings.hold, "cores")
        spent = _spent(before, thread_times(pair.server.supervisor_pid))
    busiest = sorted(spent.items(), key=lambda item: -item[1])[:_NAMED]
    return CoresPoint(
        server_cores=len(place.site.cpus.server),
        shared=place.site.cpus.shared,
        step=step,
        threads_s=dict(busiest),
        all_threads_s=sum(spent.values()),
    )


def _spent(before: ThreadTimes, after: ThreadTimes) -> dict[str, float]:
    spent = {name: round(now - before.get(name, 0.0), 3) for name, now in after.items()}
    return {name: seconds for name, seconds in spent.items() if seconds > 0}


def _describe(record: Cores) -> str:
    return "; ".join(_in_words(point) for point in record.points)


def _in_words(point: CoresPoint) -> str:
    cores = f"{point.server_cores} core{'' if point.server_cores == 1 else 's'}"
    # Within a hold shorter than its tick, the kernel may count none.
    cpu = point.step.cpu_us_per_delivery or None
    used = point.cores_used
    return (
        f"{cores}: {'-' if cpu is None else f'{cpu:.2f}'} us CPU a delivery, "
        f"{'-' if used is None else f'{used:.1f}'} used"
    )


def _of_point(
    count: int, value: Callable[[CoresPoint], float | None]
) -> Callable[[Cores], Bounds | None]:
    def bounds(record: Cores) -> Bounds | None:
        found = next((one for one in record.points if one.server_cores == count), None)
        return None if found is None else exactly(value(found))

    return bounds


def _notes(count: int) -> Callable[[Cores], list[Note]]:
    def notes(record: Cores) -> list[Note]:
        shared = any(one.shared for one in record.points if one.server_cores == count)
        args = {"deliveries_per_s": record.deliveries_per_s, "shared": shared}
        return [Note(code="cores", args=args)]

    return notes


def rows_of_run(run: Run) -> list[Spec]:
    """For each number of cores that the run's machine has."""
    if "cores" not in (run.plan.get("settings") or {}):
        return []
    cores = {*run.plan.get("server_cores", []), *run.plan.get("generator_cores", [])}
    return [spec for count in counts_here(len(cores)) for spec in _rows_of(count)]


def possible_rows() -> list[Spec]:
    """For each number of cores that is ever measured."""
    return [spec for count in COUNTS for spec in _rows_of(count)]


def _rows_of(count: int) -> list[Spec]:
    on = f"{count} core{'' if count == 1 else 's'}"
    rate = "at one rate for all, whatever a server could do"
    cpu = row(
        "Cores",
        f"cores_{count}_cpu",
        f"CPU per delivery on {on}",
        "us",
        "lower",
        f"CPU time of the server's processes on {on}, user and system, per delivery, {rate}.",
    )
    used = row(
        "Cores",
        f"cores_{count}_used",
        f"Cores that share the work, of {count}",
        "cores",
        "none",
        f"CPU time of all the server's threads on {on} over that of the busiest one, {rate}: 1 is "
        "a server whose work is done by one thread, however many cores there are.",
    )
    specs = [
        Spec(
            cpu,
            "cores",
            _of_point(count, lambda point: point.step.cpu_us_per_delivery),
            notes=_notes(count),
        )
    ]
    if count > 1:
        used_by = _of_point(count, lambda point: point.cores_used)
        specs.append(Spec(used, "cores", used_by, notes=_notes(count)))
    return specs


METHOD = """
**Cores.** The server on 1, 2, 4 and 8 cores, as far as there are so many, told by `CHAT_WORKERS`,
each time at 20,000 deliveries/s: one rate for all, because on small machines the generator shares
the last core. CPU per delivery, and how many cores share the work: CPU time of all threads over
that of the busiest one. What a server can carry on more cores is another run: `--server-cores`.
"""
METRIC = Metric(
    record=Cores,
    settings=Settings,
    measure=_visit,
    describe=_describe,
    rows_of_run=rows_of_run,
    possible_rows=possible_rows,
    method=METHOD,
)

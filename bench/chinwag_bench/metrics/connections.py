"""Max connections: how many joined connections a server holds, and what stopped it there."""

from __future__ import annotations

import math
import time

import msgspec

from chinwag_bench.claims.catalog import load as articles
from chinwag_bench.judging.bounds import Bounds
from chinwag_bench.judging.matrix import Note
from chinwag_bench.judging.row import (
    GIGABYTE,
    Spec,
    plain,
    row,
)
from chinwag_bench.machine.kernel_memory import kernel_meter
from chinwag_bench.metrics.cell import Bout, Place, attached_generator, running_server
from chinwag_bench.metrics.metric import Metric, MetricSettings, Visit
from chinwag_bench.metrics.ramp import (
    MEMORY_SHARE_MAX,
    Ramp,
    RampSettings,
    bytes_per_connection,
)
from chinwag_bench.metrics.scale import Scale
from chinwag_bench.records import OPEN_ENDS, Limited, RampStep

PROJECTED_GB = articles().fact("memory_gb")


class Connections(Limited, kw_only=True, tag="connections", tag_field="metric"):
    """``limited_by``: "p99", "refusal", "loss", "server", "memory", "generator", "open files",
    "cap" or "time"."""

    connections: int = 0
    """Joined, with every probe so far in time."""
    steps: list[RampStep] = msgspec.field(default_factory=list)
    """The ramp, with the step that ended it if the server outlived that."""
    stopped: str = ""
    """``limited_by`` with its figures."""
    bytes_per_connection: float | None = None
    """Growth over the empty server, user and kernel memory, at the last good step."""


class Settings(MetricSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """For cells of its own; with ``memory.ramp`` it goes on from the memory metric's set-up."""

    load: str
    setup_s: float
    repeats: int
    ramp: RampSettings

    @property
    def planned_s(self) -> float:
        """One step more than the ramp's time may be under way at its end."""
        return self.setup_s + self.ramp.seconds + self.ramp.probe.seconds

    def rounds(self, of_run: int) -> int:
        return self.repeats

    def loads(self) -> set[str]:
        return {self.load}

    def capped(self, connections: int) -> Settings:
        ramp = msgspec.structs.replace(self.ramp, cap=connections)
        return msgspec.structs.replace(self, ramp=ramp)


def measure(place: Place, pair: Bout, scale: Scale, settings: RampSettings) -> Connections:
    """Goes up from what ``pair`` has open. ``scale`` has a sample ``empty``. A server that dies or
    refuses on the way has reached its maximum: that is no failure of the cell.
    """
    started_at, started = time.time(), time.monotonic()
    ramp = Ramp(pair, scale, settings, place.site.open_files)
    stop = ramp.climb()
    return Connections(
        column=place.target.id,
        round=place.round,
        started_at=started_at,
        seconds=time.monotonic() - started,
        status="ok",
        reason=None if ramp.held else f"not one step was held: {stop.text}",
        connections=ramp.held,
        steps=ramp.steps,
        limited_by=stop.word,
        lower_bound=stop.word in OPEN_ENDS,
        stopped=stop.text,
        bytes_per_connection=bytes_per_connection(scale.points["empty"], ramp.steps, ramp.held),
    )


def _visit(visit: Visit) -> list[Connections]:
    settings: Settings = visit.settings
    place = visit.place
    with kernel_meter() as meter, running_server(place, meter.procs_files) as server:
        scale = Scale(server, meter)
        scale.sample("empty")
        step, sources = (
            settings.ramp.step,
            settings.ramp.sources(place.site.open_files, place.site.cpus.workers),
        )
        with attached_generator(place, server, visit.load, step, sources) as generator:
            pair = Bout(server, generator, visit.load, 0, len(place.site.cpus.generator))
            return [measure(place, pair, scale, settings.ramp)]


def _describe(record: Connections) -> str:
    sign = ">= " if record.lower_bound else ""
    return f"{sign}{record.connections:,} connections (ended by: {record.stopped})"


def _held(record: Connections) -> Bounds | None:
    """Open where something else than the server or its memory ended the ramp."""
    held = float(record.connections)
    return Bounds(held, math.inf if record.lower_bound else held) if held else None


def _projected(record: Connections) -> float | None:
    """How many would fit into the articles' memory, if each took what it takes here."""
    if not record.bytes_per_connection or record.bytes_per_connection <= 0:
        return None
    return MEMORY_SHARE_MAX * PROJECTED_GB * GIGABYTE / record.bytes_per_connection


def _projection_note(record: Connections) -> list[Note]:
    if not record.bytes_per_connection:
        return []
    return [Note(code="projection", args={"bytes": record.bytes_per_connection})]


def _ended_note(record: Connections) -> list[Note]:
    return [Note(code="ended_by", args={"stopped": record.stopped})]


def _rows() -> list[Spec]:
    most = row(
        "Connections",
        "max_connections",
        "Max connections",
        "connections",
        "higher",
        "Joined connections in rooms of 10, added in steps while each step's probe messages keep "
        "p99 at most 1 s and nothing is refused. It ends at the first of: p99, a refusal, a lost "
        "connection, 85 % of the memory, the server's open files, the profile's cap or time.",
    )
    projected = row(
        "Connections",
        "max_connections_projected",
        f"Projected to {PROJECTED_GB:g} GB",
        "connections",
        "none",
        f"85 % of {PROJECTED_GB:g} GB, the memory of article A's host, divided by the bytes that a "
        "connection took here (user and kernel). A projection: nothing but memory is looked at.",
    )
    return [
        Spec(most, "connections", _held, notes=_ended_note),
        Spec(projected, "connections", plain(_projected), notes=_projection_note),
    ]


METHOD = """
**Max connections.** Joined connections in rooms of 10 are added in steps (`quick`: on from the
memory cell's 10,000). After each step probe messages are sent at a fixed rate; the step is held
when all arrive, p99 at most 1 s, nobody is refused and no connection ends. It ends at the first
of p99, refusal, loss, the server's death, 85 % of the memory (host or control group), open files
of the server's processes, the profile's cap or time, and the record says which. After the last
three its high side is open. The generator's open files end nothing: it has more processes then.
The projection to 32 GB (article A's host) divides 85 % of that by the bytes, user and kernel,
that a connection took over the empty server; it looks at nothing but memory and is marked as a
projection.
"""
METRIC = Metric(
    record=Connections,
    settings=Settings,
    measure=_visit,
    describe=_describe,
    rows=_rows(),
    method=METHOD,
)

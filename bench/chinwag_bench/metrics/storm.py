"""Reconnect storm: everyone's connection ends at once, and everyone comes back at once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import msgspec

from chinwag_bench.errors import GeneratorError, ServerError
from chinwag_bench.generator import Rejoined
from chinwag_bench.judging.bounds import Bounds
from chinwag_bench.judging.generator_limits import CPU_SHARE_MAX, usable_cores
from chinwag_bench.judging.matrix import QUEUE_OVERFLOWED, Note
from chinwag_bench.judging.row import (
    Spec,
    row,
)
from chinwag_bench.machine.listen_queue import QueueCounts, count_queues, gained
from chinwag_bench.metrics.cell import Bout, Place, blaming_the_server, bout
from chinwag_bench.metrics.metric import Metric, MetricSettings, Visit
from chinwag_bench.metrics.ramp import CONNECTIONS_A_SOURCE
from chinwag_bench.records import Record


class Storm(Record, kw_only=True, tag="storm", tag_field="metric"):
    """Everyone's connection ended at once; all came back and joined their rooms again at once."""

    connections: int = 0
    """That were ended."""
    joined: int = 0
    """In their rooms again."""
    refused: int = 0
    """Not back in time; ``reason`` says why the first was not."""
    total_s: float | None = None
    """From the first end until the last one was back, or refused."""
    rejoin_ms: dict[str, float] = msgspec.field(default_factory=dict)
    """Keys: mean, p50, p99, max. Of who is back, each from its own end."""
    generator_cpu: float = 0.0
    """Share of one core, 0 to 1 for each generator process."""
    generator_limited: bool = False
    backlog: int | None = None
    """So many were to wait to be accepted: ``CHAT_BACKLOG``, which the kernel keeps within its
    ``net.core.somaxconn``. ``None`` in runs from before it was set; so is the next."""
    listen_queue: QueueCounts | None = None
    """What the kernel counted meanwhile in its network namespace; ``None`` where it shows
    nothing."""

    def spoilt_by(self) -> list[str]:
        why = _overflow(self.backlog, self.listen_queue)
        return [] if why is None else [why]


class LastStorm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A storm on another metric's set-up, when all else is done there."""

    settle_s: float
    """Waited before it."""
    planned_s: float
    """Allowance for both; a slow server takes longer."""
    timeout_s: float
    """Who is not in its room again by then counts as refused."""


class Settings(MetricSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """For cells of its own; with ``memory.storm`` it comes last on the memory metric's set-up."""

    load: str
    connections: int
    setup_s: float
    repeats: int
    storm: LastStorm

    @property
    def planned_s(self) -> float:
        return self.setup_s + self.storm.planned_s

    def rounds(self, of_run: int) -> int:
        return self.repeats

    def loads(self) -> set[str]:
        return {self.load}

    def storms(self) -> int:
        return self.connections


def sources(connections: int) -> int:
    """Source addresses for connections that come back while the ports of those before are not free
    again.
    """
    return math.ceil(2 * connections / CONNECTIONS_A_SOURCE)


def measure(place: Place, pair: Bout, settings: LastStorm) -> Storm:
    """One storm on what ``pair`` has open. Raises ``ServerError`` or ``GeneratorError``."""
    started_at, started = time.time(), time.monotonic()
    with blaming_the_server(pair.server):
        pair.generator.rest(settings.settle_s)
        before = count_queues()
        outcome = pair.generator.storm(settings.timeout_s)
    queue = gained(before, count_queues())
    pair.server.check_alive()
    cores = usable_cores(len(pair.generator.pids), pair.generator_cores)
    return Storm(
        column=place.target.id,
        round=place.round,
        started_at=started_at,
        seconds=time.monotonic() - started,
        status="ok",
        reason=_refusals(outcome, pair.server.launch.backlog, queue),
        connections=outcome.connections,
        joined=outcome.joined,
        refused=outcome.refused,
        total_s=outcome.total_s,
        rejoin_ms=outcome.rejoin_ms,
        generator_cpu=outcome.generator_cpu,
        generator_limited=outcome.generator_cpu > CPU_SHARE_MAX * cores,
        backlog=pair.server.launch.backlog,
        listen_queue=queue,
    )


def measure_last(place: Place, pair: Bout, connections: int, settings: LastStorm) -> Storm:
    """A storm of ``connections`` after whatever happened before: connections beyond them are ended
    first. A failure is a failed record, because what was measured before it still stands.
    """
    started_at, started = time.time(), time.monotonic()
    try:
        pair.server.check_alive()
        with blaming_the_server(pair.server):
            pair.generator.disconnect(connections)
        return measure(place, pair, settings)
    except (ServerError, GeneratorError) as error:
        return Storm(
            column=place.target.id,
            round=place.round,
            started_at=started_at,
            seconds=time.monotonic() - started,
            status="failed",
            reason=f"after the ramp: {error.text()}",
        )


def _refusals(outcome: Rejoined, backlog: int | None, queue: QueueCounts | None) -> str | None:
    if not outcome.refused:
        return None
    text = f"{outcome.refused:,} of {outcome.connections:,} refused: {outcome.reason}"
    why = _overflow(backlog, queue)
    return text if why is None else f"{text}; {why}"


def _overflow(backlog: int | None, queue: QueueCounts | None) -> str | None:
    """What was dropped; ``None`` where nothing was, or nobody counted."""
    if queue is None or not queue.overflowed:
        return None
    length = "" if backlog is None else f" of {backlog:,}"
    return (
        f"the listen queue{length} overflowed: {max(queue.overflows, queue.drops):,} drops, "
        f"{queue.syn_retransmissions:,} connection requests sent again"
    )


def _visit(visit: Visit) -> list[Storm]:
    settings: Settings = visit.settings
    wanted = settings.connections
    with bout(visit.place, visit.load, wanted, sources=sources(wanted), or_fewer=True) as pair:
        return [measure(visit.place, pair, settings.storm)]


def _describe(record: Storm) -> str:
    if record.refused or record.total_s is None:
        return record.reason or "nothing measured"
    sign = "<= " if record.generator_limited else ""
    spoilt = "".join(f"; {reason}" for reason in record.spoilt_by())
    return (
        f"{record.connections:,} connections back in {sign}{record.total_s:.2f} s, "
        f"p99 {record.rejoin_ms['p99']:,.0f} ms{spoilt}"
    )


def _storm_bounds(record: Storm, value: float | None) -> Bounds | None:
    """A generator at its own limit may have taken all of the time."""
    if record.refused or value is None:
        return None
    return Bounds(0.0 if record.generator_limited else value, value)


def _storm_total(record: Storm) -> Bounds | None:
    return _storm_bounds(record, None if record.total_s is None else record.total_s * 1000)


def _storm_quantile(key: str) -> Callable[[Storm], Bounds | None]:
    return lambda record: _storm_bounds(record, record.rejoin_ms.get(key))


def _notes(record: Storm) -> list[Note]:
    notes = [Note(code="connections", args={"counts": [record.connections]})]
    queue = record.listen_queue
    if queue is not None and queue.overflowed:
        args = {"round": record.round, "backlog": record.backlog}
        notes.append(Note(code=QUEUE_OVERFLOWED, args=args | msgspec.structs.asdict(queue)))
    elif queue is not None:
        notes.append(Note(code="queue_held", args={"backlog": record.backlog}))
    return notes


def _rows() -> list[Spec]:
    what = (
        "All connections end at once, without a goodbye, and all connect and join their rooms "
        "again at once, each of them once"
    )
    rows = {
        "storm": ("Reconnect storm", f"{what}: time until the last one is a member again.", None),
        "storm_p50": ("... p50", "Of the connections, each from its own end.", "p50"),
        "storm_p99": ("... p99", "Of the connections, each from its own end.", "p99"),
    }
    return [
        Spec(
            row("Connections", id_, title, "ms", "lower", definition),
            "storm",
            _storm_quantile(key) if key else _storm_total,
            notes=_notes,
        )
        for id_, (title, definition, key) in rows.items()
    ]


METHOD = """
**Reconnect storm.** 10,000 joined connections (rooms of 10) end at once, without a goodbye; all
connect again at once, under their names, and join. No retry, no pause: what spares the server in
practice is its clients' own courtesy. The time is from the first end to the last `user_joined`,
and p50 and p99 are of each connection from its own end, so the generator's queue counts. Who is
refused or isn't back in 20 s (`full`: 60 s) leaves the cell without a time. With the generator's
CPU over 90 % its low side is zero. In `quick` it comes last on the memory cell's set-up, once.
Every server is told to let as many connections wait as the machine allows (`CHAT_BACKLOG` as
`net.core.somaxconn`, 65,535 at most). The kernel's counters of the network namespace say what was
dropped all the same (ListenOverflows, ListenDrops) and how many requests were sent again
(TCPSynRetrans), 1 s and more later: a storm with drops times that, so it is made once more where
time allows, and what stays so ranks nobody.
"""
METRIC = Metric(
    record=Storm, settings=Settings, measure=_visit, describe=_describe, rows=_rows(), method=METHOD
)

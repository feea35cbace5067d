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
from chinwag_bench.judging.matrix import Note
from chinwag_bench.judging.row import (
    Spec,
    row,
)
from chinwag_bench.metrics.cell import Bout, Place, blaming_the_server, bout
from chinwag_bench.metrics.metric import Metric, MetricSettings, Visit
from chinwag_bench.metrics.ramp import CONNECTIONS_A_SOURCE
from chinwag_bench.records import Storm


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
        outcome = pair.generator.storm(settings.timeout_s)
    pair.server.check_alive()
    cores = usable_cores(len(pair.generator.pids), pair.generator_cores)
    return Storm(
        column=place.target.id,
        round=place.round,
        started_at=started_at,
        seconds=time.monotonic() - started,
        status="ok",
        reason=_refusals(outcome),
        connections=outcome.connections,
        joined=outcome.joined,
        refused=outcome.refused,
        total_s=outcome.total_s,
        rejoin_ms=outcome.rejoin_ms,
        generator_cpu=outcome.generator_cpu,
        generator_limited=outcome.generator_cpu > CPU_SHARE_MAX * cores,
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


def _refusals(outcome: Rejoined) -> str | None:
    if not outcome.refused:
        return None
    return f"{outcome.refused:,} of {outcome.connections:,} refused: {outcome.reason}"


def _visit(visit: Visit) -> list[Storm]:
    settings: Settings = visit.settings
    wanted = settings.connections
    with bout(visit.place, visit.load, wanted, sources=sources(wanted), or_fewer=True) as pair:
        return [measure(visit.place, pair, settings.storm)]


def _describe(record: Storm) -> str:
    if record.refused or record.total_s is None:
        return record.reason or "nothing measured"
    sign = "<= " if record.generator_limited else ""
    return (
        f"{record.connections:,} connections back in {sign}{record.total_s:.2f} s, "
        f"p99 {record.rejoin_ms['p99']:,.0f} ms"
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
            notes=lambda record: [Note(code="connections", args={"counts": [record.connections]})],
        )
        for id_, (title, definition, key) in rows.items()
    ]


METRIC = Metric(record=Storm, settings=Settings, measure=_visit, describe=_describe, rows=_rows())

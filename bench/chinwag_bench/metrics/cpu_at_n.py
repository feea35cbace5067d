"""CPU at N connections: what connections cost that hardly speak, in user and in kernel mode."""

from __future__ import annotations

import time
from collections.abc import Callable

from chinwag_bench.judging.bounds import Bounds
from chinwag_bench.judging.matrix import Note
from chinwag_bench.judging.row import (
    Spec,
    row,
)
from chinwag_bench.metrics.cell import Bout, Place, bout
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.metrics.metric import Metric, MetricSettings, Visit
from chinwag_bench.records import Record, Step

_TICK_S = 0.01
"""The kernel counts a process's time in ticks, in each mode for itself: what is between two
readings is known to one tick."""


class CpuAtN(Record, kw_only=True, tag="cpu_at_n", tag_field="metric"):
    """What connections cost that hardly speak."""

    connections: int = 0
    messages_per_s: float = 0.0
    """What they say all together; heartbeats come on top."""
    user_share: float | None = None
    """Share of the server's cores in user mode, 1 = all of them busy."""
    system_share: float | None = None
    available_s: float | None = None
    """What the shares are of: the hold's seconds on all the server's cores. ``None`` in older runs,
    of which it is less than ``seconds``."""


class Settings(MetricSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """For cells of its own; with ``memory.quiet`` it is measured on the memory metric's set-up."""

    load: str
    connections: int
    setup_s: float
    quiet: HoldSeconds

    @property
    def planned_s(self) -> float:
        return self.setup_s + self.quiet.seconds

    def loads(self) -> set[str]:
        return {self.load}


def measure(place: Place, pair: Bout, quiet: HoldSeconds) -> CpuAtN:
    """One hold at the load profile's own rate. Raises ``ServerError`` or ``GeneratorError``."""
    started_at, started = time.time(), time.monotonic()
    messages_per_s = pair.connections * pair.load.messages_per_second_per_connection
    rate = messages_per_s * pair.load.deliveries_per_message(pair.connections)
    step, _ = pair.hold(rate, quiet, "quiet")
    user, system = shares(step, len(place.site.cpus.server))
    return CpuAtN(
        column=place.target.id,
        round=place.round,
        started_at=started_at,
        seconds=time.monotonic() - started,
        status="ok",
        connections=pair.connections,
        messages_per_s=messages_per_s,
        user_share=user,
        system_share=system,
        available_s=step.hold.hold_s * len(place.site.cpus.server),
    )


def shares(step: Step, server_cores: int) -> tuple[float, float]:
    """User and system time as shares of all the server's cores during the hold."""
    available_s = step.hold.hold_s * server_cores
    system_s = step.server_system_s or 0.0
    return (step.server_cpu_s - system_s) / available_s, system_s / available_s


def _visit(visit: Visit) -> list[CpuAtN]:
    settings: Settings = visit.settings
    with bout(visit.place, visit.load, settings.connections, or_fewer=True) as pair:
        return [measure(visit.place, pair, settings.quiet)]


def _describe(record: CpuAtN) -> str:
    user, system = record.user_share or 0.0, record.system_share or 0.0
    return (
        f"{record.connections:,} connections, {user + system:.1%} of the cores "
        f"({user:.1%} user, {system:.1%} system)"
    )


def _share_percent(*names: str) -> Callable[[CpuAtN], Bounds | None]:
    def bounds(record: CpuAtN) -> Bounds | None:
        shares = [getattr(record, name) for name in names]
        if None in shares:
            return None
        value, available_s = sum(shares), record.available_s or record.seconds
        slack = len(names) * _TICK_S / available_s if available_s else 0.0
        return Bounds(100 * max(0.0, value - slack), 100 * (value + slack))

    return bounds


def _rows() -> list[Spec]:
    what = "of the server's cores while many joined connections send heartbeats and hardly speak"
    parts = {
        "cpu_at_n": ("CPU at N connections", "Share", ("user_share", "system_share")),
        "cpu_at_n_user": ("CPU at N, user mode", "User time's share", ("user_share",)),
        "cpu_at_n_system": ("CPU at N, kernel", "System time's share", ("system_share",)),
    }
    return [
        Spec(
            row("Connections", id_, title, "%", "lower", f"{part} {what}."),
            "cpu_at_n",
            _share_percent(*names),
            notes=lambda record: [
                Note(
                    code="load",
                    args={
                        "connections": record.connections,
                        "messages_per_s": record.messages_per_s,
                    },
                )
            ],
        )
        for id_, (title, part, names) in parts.items()
    ]


METHOD = """
**CPU at N connections.** User and system time of the server's process tree, each as a share of
the assigned cores, while N joined connections (10,000; rooms of 10) send heartbeats every 20 s
and one message a minute each. On the memory cell's set-up. The kernel counts in ticks of 10 ms, in
each mode for itself, so a hold of 5 s knows each share to 0.2 %: a cell's two sides are so far
apart.
"""
METRIC = Metric(
    record=CpuAtN,
    settings=Settings,
    measure=_visit,
    describe=_describe,
    rows=_rows(),
    method=METHOD,
)

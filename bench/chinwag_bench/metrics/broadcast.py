"""Broadcast: one message to everyone in a large room, at a fixed modest rate."""

from __future__ import annotations

import time

from chinwag_bench.judging.matrix import Note
from chinwag_bench.judging.row import (
    Spec,
    percentile,
    row,
)
from chinwag_bench.metrics.cell import bout
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.metrics.metric import Metric, MetricSettings, Visit
from chinwag_bench.records import Paced


class Broadcast(Paced, kw_only=True, tag="broadcast", tag_field="metric"):
    """One message to each of ``members``, at a fixed rate."""

    members: int = 0
    messages_per_s: float = 0.0


class Settings(MetricSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    load: str
    connections: int
    """The room's members."""
    repeats: int
    setup_s: float
    messages_per_s: float
    hold: HoldSeconds

    @property
    def planned_s(self) -> float:
        return self.setup_s + self.hold.seconds

    def rounds(self, of_run: int) -> int:
        return self.repeats

    def loads(self) -> set[str]:
        return {self.load}


def _visit(visit: Visit) -> list[Broadcast]:
    settings: Settings = visit.settings
    started_at, started = time.time(), time.monotonic()
    with bout(visit.place, visit.load, settings.connections) as pair:
        deliveries = visit.load.deliveries_per_message(settings.connections)
        step, _ = pair.hold(settings.messages_per_s * deliveries, settings.hold, "broadcast")
    return [
        Broadcast(
            column=visit.place.target.id,
            round=visit.place.round,
            started_at=started_at,
            seconds=time.monotonic() - started,
            status="ok",
            members=min(settings.connections, visit.load.room_size),
            messages_per_s=settings.messages_per_s,
            step=step,
        )
    ]


def _describe(record: Broadcast) -> str:
    if record.step is None:
        return "nothing measured"
    note = "" if record.step.sustained else f", not sustained: {record.step.why_not}"
    p99 = record.step.hold.latency_ms["p99"]
    return f"1 to {record.members:,}, {record.messages_per_s:g} a second: p99 {p99:.2f} ms{note}"


def _rows() -> list[Spec]:
    def note(record: Broadcast) -> list[Note]:
        args = {"messages_per_s": record.messages_per_s, "members": record.members}
        return [Note(code="broadcast", args=args)]

    return [
        Spec(
            row(
                "Latency of a broadcast",
                f"broadcast_{key}",
                f"{key}, one to 1,000",
                "ms",
                "lower",
                "Latency from the planned send time to the read by each of 1,000 members of one "
                f"room, {key} of all deliveries, at a fixed modest rate. The members take turns "
                "as the sender.",
            ),
            "broadcast",
            percentile(key),
            quantile=quantile,
            notes=note,
        )
        for key, quantile in (("p90", 0.9), ("p99", 0.99))
    ]


METHOD = """
**Broadcast.** p90 and p99 of messages from one member to all 1,000 members of one room, 10
messages/s (10,000 deliveries/s), the members taking turns as the sender; `quick` sends too few
for p99. p99 is the second reading of the articles' p99.
"""
METRIC = Metric(
    record=Broadcast,
    settings=Settings,
    measure=_visit,
    describe=_describe,
    rows=_rows(),
    method=METHOD,
)

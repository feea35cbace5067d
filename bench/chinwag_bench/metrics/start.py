"""Start: from the making of the process to the first message that came back through a room."""

from __future__ import annotations

import time
from collections.abc import Callable

from websockets.exceptions import WebSocketException

from chinwag_bench.errors import ServerError
from chinwag_bench.judging.row import (
    Spec,
    plain,
    row,
)
from chinwag_bench.metrics.cell import Place, running_server
from chinwag_bench.metrics.first_message import exchange
from chinwag_bench.metrics.metric import Metric, MetricSettings, Visit
from chinwag_bench.records import Record
from chinwag_bench.servers.process import ServerProcess

_ANSWER_TIMEOUT_S = 5.0


class Start(Record, kw_only=True, tag="start", tag_field="metric"):
    health_s: float | None = None
    """Process start to the first 200 of /health."""
    first_message_s: float | None = None
    """Process start to the first message that came back through a room."""


class Settings(MetricSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    repeats: int
    seconds: float
    """Allowance for one start."""

    @property
    def planned_s(self) -> float:
        return self.seconds

    def rounds(self, of_run: int) -> int:
        return self.repeats


def measure(place: Place) -> Start:
    """One start. Raises ``ServerError`` when the server does not come up or does not deliver."""
    started_at, started = time.time(), time.monotonic()
    with running_server(place) as server:
        health_s = time.monotonic() - server.started_at
        first_message_s = _first_message(server)
    return Start(
        column=place.target.id,
        round=place.round,
        started_at=started_at,
        seconds=time.monotonic() - started,
        status="ok",
        health_s=health_s,
        first_message_s=first_message_s,
    )


def _first_message(server: ServerProcess) -> float:
    """Seconds from process start until a connection has its own message back from a room."""
    try:
        manifest = server.launch.target.server.manifest
        exchange(manifest.transport, server.port, _ANSWER_TIMEOUT_S)
        return time.monotonic() - server.started_at
    except (OSError, WebSocketException, ValueError) as error:
        server.check_alive()
        raise ServerError(
            f"{server.launch.target.id} did not deliver a first message: "
            f"{error or type(error).__name__}",
            detail=server.log_tail(),
        ) from error


def _visit(visit: Visit) -> list[Start]:
    return [measure(visit.place)]


def _describe(record: Start) -> str:
    ready = f"{record.health_s:.3f} s" if record.health_s is not None else "-"
    first = f"{record.first_message_s:.3f} s" if record.first_message_s is not None else "-"
    return f"ready after {ready}, first message after {first}"


def _start_ms(name: str) -> Callable[[Start], float | None]:
    def value(record: Start) -> float | None:
        seconds = getattr(record, name)
        return None if seconds is None else float(seconds * 1000)

    return value


def _rows() -> list[Spec]:
    health = row(
        "Start",
        "start_health",
        "Start to /health",
        "ms",
        "lower",
        "Process start to the first 200 of /health.",
    )
    first = row(
        "Start",
        "start_first_message",
        "Start to first message",
        "ms",
        "lower",
        "Process start to the first message that came back through a room.",
    )
    return [
        Spec(health, "start", plain(_start_ms("health_s"))),
        Spec(first, "start", plain(_start_ms("first_message_s"))),
    ]


METHOD = """
**Start.** From the making of the process to the first 200 of `/health`, and to the first message
that came back to its sender through a room, over one connection that has nothing else to do.
"""
METRIC = Metric(
    record=Start, settings=Settings, measure=_visit, describe=_describe, rows=_rows(), method=METHOD
)

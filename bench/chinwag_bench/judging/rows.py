"""The matrix's rows: what each means, where its numbers come from, and which way is better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from chinwag_bench.judging.published import article
from chinwag_bench.metrics.ramp import MEMORY_SHARE_MAX
from chinwag_bench.records import (
    Broadcast,
    Connections,
    CpuAtN,
    Effort,
    Latency,
    Memory,
    Paced,
    Row,
    Start,
    Storm,
    Throughput,
)

Source = str
"""A metric's name; "common" or "half", the two points of latency; "effort"; or "none"."""
Better = Literal["higher", "lower", "none"]
MEGABYTE = 1e6
GIGABYTE = 1e9
PROJECTED_GB: float = article("A")["setup"]["memory_gb"]
PER_CONNECTIONS = 10_000
COMMON_GROUP = "At the common rate"
PERCENTILES = {"p50": "p50", "p99": "p99", "p99_9": "p99.9", "max": "max"}


@dataclass(frozen=True)
class Spec:
    """A row, the kind of record it is read from, and how. ``value`` answers ``None`` if absent."""

    row: Row
    source: Source
    value: Callable[[Any], float | None]
    is_rate: bool = False
    """The generator can end a rate too early, so that it is a lower bound."""
    is_latency: bool = False
    """The generator's own lag can be part of it, so that it is an upper bound."""
    notes: Callable[[Any], list[str]] = lambda _: []
    """What a reader must know about one record's value; equal notes are shown once."""
    needs_article: bool = False
    """Shown only where an article gives a figure, because this version doesn't measure it."""


def _row(group: str, id_: str, title: str, unit: str, better: Better, /, definition: str) -> Row:
    return Row(id=id_, title=title, unit=unit, better=better, definition=definition, group=group)


def _best(name: str) -> Callable[[Throughput], float | None]:
    def value(record: Throughput) -> float | None:
        return None if record.best is None else float(getattr(record.best.hold, name))

    return value


def _throughput_rows() -> list[Spec]:
    def spec(row: Row, value: Callable[[Any], float | None], is_rate: bool = False) -> Spec:
        return Spec(row, "throughput", value, is_rate=is_rate)

    return [
        spec(
            _row(
                "Throughput",
                "throughput_deliveries",
                "Throughput, deliveries",
                "deliveries/s",
                "higher",
                "Highest rate of the load profile that is sustained: delivered in full, p99 at "
                "most 1 s, delay not growing, nothing outstanding 1 s after the end. One message "
                "to a room of 100 is 100 deliveries.",
            ),
            _best("deliveries_per_s"),
            is_rate=True,
        ),
        spec(
            _row(
                "Throughput",
                "throughput_messages",
                "Throughput, messages",
                "messages/s",
                "higher",
                "The same steps counted in messages sent.",
            ),
            _best("messages_per_s"),
            is_rate=True,
        ),
        spec(
            _row(
                "Throughput",
                "cpu_per_delivery",
                "CPU per delivery, at that rate",
                "us",
                "lower",
                "CPU time of the server's processes, user and system, per delivery, in the hold "
                "that confirmed the server's highest sustained rate.",
            ),
            lambda record: record.cpu_us_per_delivery,
        ),
        spec(
            _row(
                "Throughput",
                "wire_bytes_per_delivery",
                "Wire bytes per delivery",
                "B",
                "none",
                "Bytes received from the socket per delivery: frame header, JSON and content. It "
                "shows that all servers send the same.",
            ),
            _best("wire_bytes_per_delivery"),
        ),
    ]


def _percentile(key: str) -> Callable[[Paced], float | None]:
    def value(record: Paced) -> float | None:
        return None if record.step is None else record.step.hold.latency_ms.get(key)

    return value


def _rate_reached(record: Latency) -> float | None:
    return None if record.step is None else record.step.hold.deliveries_per_s


def _cpu_per_delivery(record: Latency) -> float | None:
    """Nothing where the rate is too high: what is not delivered in time costs nothing, yet."""
    step = record.step
    return step.cpu_us_per_delivery if step is not None and step.sustained else None


def _cpu_per_delivery_row(what: str) -> Row:
    return _row(
        COMMON_GROUP,
        "common_cpu_per_delivery",
        "CPU per delivery",
        "us",
        "lower",
        "CPU time of the server's processes, user and system, per delivery, at " + what + ". "
        "Runtimes that spin while idle pay for it here.",
    )


def _latency_rows(source: Literal["common", "half"]) -> list[Spec]:
    common = source == "common"
    group = COMMON_GROUP if common else "At half of each server's own rate"
    what = (
        "one rate for all, fixed after the throughput phase"
        if common
        else ("half of the server's own throughput: rates differ, so these aren't ranked")
    )
    rate = _row(group, f"{source}_rate", "Rate reached", "deliveries/s", "none", f"At {what}.")
    rows = [Spec(rate, source, _rate_reached)]
    if common:
        rows.append(Spec(_cpu_per_delivery_row(what), source, _cpu_per_delivery))
    for key, name in PERCENTILES.items():
        row = _row(
            group,
            f"{source}_{key}",
            name,
            "ms",
            "lower" if common else "none",
            f"Latency from the planned send time to the read, {name} of all deliveries of "
            f"a round, at {what}.",
        )
        rows.append(Spec(row, source, _percentile(key), is_latency=True))
    return rows


def growth_mb(record: Memory, point: str, part: Literal["user", "kernel"]) -> float | None:
    """Memory over the empty server, in MB (10^6 bytes) per 10,000 connections."""
    here, empty = record.points.get(point), record.points.get("empty")
    if here is None or empty is None or record.connections <= 0:
        return None
    if part == "user":
        grown = here.user_bytes - empty.user_bytes
    elif here.kernel_bytes is None or empty.kernel_bytes is None:
        return None
    else:
        grown = here.kernel_bytes - empty.kernel_bytes
    return grown / MEGABYTE * PER_CONNECTIONS / record.connections


def _empty_mb(record: Memory) -> float | None:
    empty = record.points.get("empty")
    return None if empty is None else empty.user_bytes / MEGABYTE


def _memory_row(id_: str, title: str, point: str, part: Literal["user", "kernel"]) -> Spec:
    kinds = {
        "user": "PSS over the process tree and unmapped memfd blocks",
        "kernel": "the kernel's memory for the server's sockets",
    }
    row = _row(
        "Memory",
        id_,
        title,
        "MB",
        "lower",
        f"{kinds[part]}, growth over the empty server per 10,000 connections "
        f"({point.replace('_', ' ')}), MB = 10^6 bytes.",
    )
    return Spec(row, "memory", lambda record: growth_mb(record, point, part))


def _memory_rows() -> list[Spec]:
    empty = _row(
        "Memory",
        "memory_empty",
        "Empty server",
        "MB",
        "lower",
        "PSS of the process tree before the first connection.",
    )
    return [
        Spec(empty, "memory", _empty_mb),
        _memory_row("memory_idle", "User memory per 10k, idle", "idle", "user"),
        _memory_row("memory_joined", "User memory per 10k, joined", "joined", "user"),
        _memory_row("memory_after_rest", "User memory per 10k, after rest", "after_rest", "user"),
        _memory_row("memory_kernel", "Kernel memory per 10k, joined", "joined", "kernel"),
    ]


def _share_percent(*names: str) -> Callable[[CpuAtN], float | None]:
    def value(record: CpuAtN) -> float | None:
        shares = [getattr(record, name) for name in names]
        return None if None in shares else float(sum(shares) * 100)

    return value


def _cpu_rows() -> list[Spec]:
    what = "of the server's cores while many joined connections send heartbeats and hardly speak"
    parts = {
        "cpu_at_n": ("CPU at N connections", "Share", ("user_share", "system_share")),
        "cpu_at_n_user": ("CPU at N, user mode", "User time's share", ("user_share",)),
        "cpu_at_n_system": ("CPU at N, kernel", "System time's share", ("system_share",)),
    }
    return [
        Spec(
            _row("Connections", id_, title, "%", "lower", f"{part} {what}."),
            "cpu_at_n",
            _share_percent(*names),
            notes=lambda record: [
                f"with {record.connections:,} connections, together "
                f"{record.messages_per_s:,.0f} messages/s"
            ],
        )
        for id_, (title, part, names) in parts.items()
    ]


def _held(record: Connections) -> float | None:
    return float(record.connections) if record.connections else None


def _projected(record: Connections) -> float | None:
    """How many would fit into the articles' memory, if each took what it takes here."""
    if not record.bytes_per_connection or record.bytes_per_connection <= 0:
        return None
    return MEMORY_SHARE_MAX * PROJECTED_GB * GIGABYTE / record.bytes_per_connection


def _projection_note(record: Connections) -> list[str]:
    if not record.bytes_per_connection:
        return []
    return [f"a projection, not measured: {record.bytes_per_connection:,.0f} bytes a connection"]


def _connection_rows() -> list[Spec]:
    most = _row(
        "Connections",
        "max_connections",
        "Max connections",
        "connections",
        "higher",
        "Joined connections in rooms of 10, added in steps while each step's probe messages keep "
        "p99 at most 1 s and nothing is refused. It ends at the first of: p99, a refusal, a lost "
        "connection, 85 % of the memory, the server's open files, the profile's cap or time.",
    )
    projected = _row(
        "Connections",
        "max_connections_projected",
        f"Projected to {PROJECTED_GB:g} GB",
        "connections",
        "none",
        f"85 % of {PROJECTED_GB:g} GB, the memory of article A's host, divided by the bytes that a "
        "connection took here (user and kernel). A projection: nothing but memory is looked at.",
    )
    return [
        Spec(most, "connections", _held, is_rate=True, notes=lambda r: [f"ended by: {r.stopped}"]),
        Spec(projected, "connections", _projected, notes=_projection_note),
    ]


def _storm_total_ms(record: Storm) -> float | None:
    return None if record.refused or record.total_s is None else record.total_s * 1000


def _storm_ms(key: str) -> Callable[[Storm], float | None]:
    return lambda record: None if record.refused else record.rejoin_ms.get(key)


def _storm_rows() -> list[Spec]:
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
            _row("Connections", id_, title, "ms", "lower", definition),
            "storm",
            _storm_ms(key) if key else _storm_total_ms,
            is_latency=True,
            notes=lambda record: [f"with {record.connections:,} connections"],
        )
        for id_, (title, definition, key) in rows.items()
    ]


def _broadcast_rows() -> list[Spec]:
    row = _row(
        "Latency of a broadcast",
        "broadcast_p99",
        "p99, one to 1,000",
        "ms",
        "lower",
        "Latency from the planned send time to the read by each of 1,000 members of one room, p99 "
        "of all deliveries, at a fixed modest rate. The members take turns as the sender.",
    )

    def note(record: Broadcast) -> list[str]:
        return [f"{record.messages_per_s:g} messages/s, each to {record.members:,} members"]

    return [Spec(row, "broadcast", _percentile("p99"), is_latency=True, notes=note)]


def _start_ms(name: str) -> Callable[[Start], float | None]:
    def value(record: Start) -> float | None:
        seconds = getattr(record, name)
        return None if seconds is None else float(seconds * 1000)

    return value


def _start_rows() -> list[Spec]:
    health = _row(
        "Start",
        "start_health",
        "Start to /health",
        "ms",
        "lower",
        "Process start to the first 200 of /health.",
    )
    first = _row(
        "Start",
        "start_first_message",
        "Start to first message",
        "ms",
        "lower",
        "Process start to the first message that came back through a room.",
    )
    return [
        Spec(health, "start", _start_ms("health_s")),
        Spec(first, "start", _start_ms("first_message_s")),
    ]


def _effort(field: str, per: float = 1) -> Callable[[Effort], float | None]:
    def value(effort: Effort) -> float | None:
        found = getattr(effort, field)
        return None if found is None else float(found / per)

    return value


def _effort_rows() -> list[Spec]:
    rows = {
        "lines_of_code": (
            "Lines of code",
            "",
            "Lines of the server's own sources, without blanks, comments and documentation.",
        ),
        "build_cold_s": (
            "Build time, cold",
            "s",
            "Into an empty build folder; package caches may have been warm.",
        ),
        "build_warm_s": ("Build time, warm", "s", "The last build over an earlier one."),
        "dependencies_direct": (
            "Libraries, direct",
            "",
            "Libraries that the server's own sources name, counted by the manifest's commands.",
        ),
        "dependencies_total": (
            "Libraries, in all",
            "",
            "Those and all that they bring along, without what comes with the language.",
        ),
        "deployed_bytes": (
            "Deployed",
            "MB",
            "Size of the files that the manifest calls deployed, without a language's runtime or "
            "shared libraries that the system has.",
        ),
    }
    return [
        Spec(
            _row("Effort", f"effort_{field}", title, unit, "none", definition),
            "effort",
            _effort(field, MEGABYTE if unit == "MB" else 1),
        )
        for field, (title, unit, definition) in rows.items()
    ]


def _unmeasured(id_: str, title: str, unit: str, definition: str) -> Spec:
    row = _row("Published only", id_, title, unit, "none", definition)
    return Spec(row, "none", lambda _: None, needs_article=True)


def _unmeasured_rows() -> list[Spec]:
    return [
        _unmeasured(
            "fault_recovery",
            "Fault recovery",
            "ms",
            "From a fault to the first message sent after it that arrives.",
        ),
        _unmeasured(
            "hot_upgrade",
            "Hot upgrade",
            "",
            "Replacing the running build without losing connections.",
        ),
        _unmeasured(
            "across_machines", "Across machines", "", "One room with members on two nodes."
        ),
        _unmeasured("cores", "Use of cores", "", "What it takes to use more than one core."),
        _unmeasured("cost", "Cost", "", "Per million deliveries and per 100,000 connections."),
        _unmeasured("learning", "Learning curve", "weeks", "Time until a team is productive."),
    ]


SPECS: list[Spec] = [
    *_throughput_rows(),
    *_latency_rows("common"),
    *_latency_rows("half"),
    *_broadcast_rows(),
    *_memory_rows(),
    *_connection_rows(),
    *_storm_rows(),
    *_cpu_rows(),
    *_start_rows(),
    *_effort_rows(),
    *_unmeasured_rows(),
]

"""One line about one measured cell, for the progress output."""

from __future__ import annotations

from chinwag_bench.records import Latency, Memory, Raw, Start, Throughput

_MEBIBYTE = 1 << 20


def describe(record: Raw) -> str:
    """What was measured, with its unit, or why nothing was."""
    head = f"{record.column}, round {record.round}:"
    if record.status != "ok":
        return f"{head} {record.reason}"
    if isinstance(record, Throughput):
        return f"{head} {_throughput(record)}"
    if isinstance(record, Latency):
        return f"{head} {_latency(record)}"
    if isinstance(record, Memory):
        return f"{head} {_memory(record)}"
    return f"{head} {_start(record)}"


def _throughput(record: Throughput) -> str:
    if record.best is None:
        return record.reason or "no rate was sustained"
    cost = f", {record.cpu_us_per_delivery:.2f} us CPU each" if record.cpu_us_per_delivery else ""
    sign = ">= " if record.lower_bound else ""
    rate = f"{sign}{record.best.hold.deliveries_per_s:,.0f} deliveries/s"
    return f"{rate}{cost} (ended by: {record.limited_by})"


def _latency(record: Latency) -> str:
    if record.step is None:
        return f"{record.point}: nothing measured"
    figures = record.step.hold.latency_ms
    note = "" if record.step.sustained else f", not sustained: {record.step.why_not}"
    return f"{record.point} rate: p50 {figures['p50']:.2f} ms, p99 {figures['p99']:.2f} ms{note}"


def _memory(record: Memory) -> str:
    empty, joined = record.points["empty"], record.points["joined"]
    user = (joined.user_bytes - empty.user_bytes) / record.connections
    share = (
        f", {record.cpu_share_idle:.1%} of the cores when quiet"
        if record.cpu_share_idle is not None
        else ""
    )
    return (
        f"{record.connections:,} connections, {joined.user_bytes / _MEBIBYTE:.0f} MiB, "
        f"{user:,.0f} user bytes a connection{share}"
    )


def _start(record: Start) -> str:
    ready = f"{record.health_s:.3f} s" if record.health_s is not None else "-"
    first = f"{record.first_message_s:.3f} s" if record.first_message_s is not None else "-"
    return f"ready after {ready}, first message after {first}"

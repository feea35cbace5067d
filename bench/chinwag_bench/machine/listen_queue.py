"""How many connections may wait to be accepted, and what the kernel counts when more come.

A listening socket's queue is as long as listen(2) was asked for, within ``net.core.somaxconn``. A
connection request that finds it full is dropped, and sent again by the client's kernel after 1 s,
then 2 s more: what is measured then is that timer.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

BACKLOG_DEFAULT = 4096
"""Of chat/1's ``CHAT_BACKLOG``, and of ``net.core.somaxconn`` since Linux 5.4."""
BACKLOG_MAX = 65_535
"""The longest that ``CHAT_BACKLOG`` may ask for."""
LISTEN_QUEUE_AMPLE = 16_384
"""Room for all of a storm's 10,000 connections. In a queue of 4,096 some 1,600 of them were
dropped, by a server of one thread and by one of many, on a busy machine.
"""
SOMAXCONN = "proc/sys/net/core/somaxconn"
_COUNTERS = "proc/net/netstat"
_ROOT = Path("/")


class QueueCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What this network namespace's kernel has counted, of all its sockets. Differences of two
    mean something.
    """

    overflows: int
    """Times that a connection found a listening socket's queue full (TcpExt ListenOverflows)."""
    drops: int
    """Connections that a listening socket dropped, for that reason or another (ListenDrops)."""
    syn_retransmissions: int
    """Connection requests that were sent again (TCPSynRetrans)."""

    @property
    def overflowed(self) -> bool:
        return self.overflows > 0 or self.drops > 0

    def __sub__(self, earlier: QueueCounts) -> QueueCounts:
        return QueueCounts(
            overflows=self.overflows - earlier.overflows,
            drops=self.drops - earlier.drops,
            syn_retransmissions=self.syn_retransmissions - earlier.syn_retransmissions,
        )


def longest_backlog(root: Path = _ROOT) -> int:
    """The longest queue that a server may ask for and gets; ``BACKLOG_DEFAULT`` where the machine
    does not show its bound.
    """
    try:
        return max(1, min(int((root / SOMAXCONN).read_text()), BACKLOG_MAX))
    except (OSError, ValueError):
        return BACKLOG_DEFAULT


def count_queues(root: Path = _ROOT) -> QueueCounts | None:
    """``None`` where this machine does not show all of the counters."""
    counters = _tcp_counters(root)
    try:
        return QueueCounts(
            overflows=counters["ListenOverflows"],
            drops=counters["ListenDrops"],
            syn_retransmissions=counters["TCPSynRetrans"],
        )
    except KeyError:
        return None


def gained(before: QueueCounts | None, after: QueueCounts | None) -> QueueCounts | None:
    """What lies between two looks; ``None`` where either saw nothing."""
    return None if before is None or after is None else after - before


def _tcp_counters(root: Path) -> dict[str, int]:
    """The line ``TcpExt:`` of names and the one of values behind it."""
    try:
        lines = (root / _COUNTERS).read_text().splitlines()
    except OSError:
        return {}
    rows = [line.split()[1:] for line in lines if line.startswith("TcpExt:")]
    if len(rows) != 2:
        return {}
    pairs = zip(*rows, strict=False)
    return {name: int(value) for name, value in pairs if value.lstrip("-").isdigit()}

"""The limit of open files: raised as far as allowed, and what it leaves for connections."""

from __future__ import annotations

import os
import resource

from chinwag_bench.servers.supervisor import descendants

# Listeners, logs, epoll, a runtime's own pipes and libraries.
_RESERVED = 500
_IDLE_FILES = 100
"""More than a process has open that serves nobody."""


def raise_limit() -> int:
    """Sets the soft limit to the hard one for this process and all that it starts. Returns the
    limit.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def connections_possible(wanted: int, limit: int, processes: int = 1) -> int:
    """How many of the wanted connections so many server processes can hold, each of which may open
    ``limit`` files. The generator starts as many processes as it needs.
    """
    return max(1, min(wanted, processes * (limit - _RESERVED)))


def holding_processes(root: int, connections: int) -> int:
    """How many processes below ``root`` share the connections, by their open files: a runtime has
    processes that serve nobody. At least 1.
    """
    counts = [_open_files(pid) for pid in descendants(root)]
    fair_share = connections / max(1, len(counts))
    serves = max(_IDLE_FILES, fair_share / 2)
    return max(1, sum(count >= serves for count in counts))


def _open_files(pid: int) -> int:
    """0 for a process that is gone."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0

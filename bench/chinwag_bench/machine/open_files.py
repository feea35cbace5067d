"""The limit of open files: raised as far as allowed, and what it leaves for connections."""

from __future__ import annotations

import resource

# Listeners, logs, epoll, a runtime's own pipes and libraries.
_RESERVED = 500


def raise_limit() -> int:
    """Sets the soft limit to the hard one for this process and all that it starts. Returns the
    limit.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def connections_possible(wanted: int, limit: int) -> int:
    """How many of the wanted connections one server process and one generator process can hold."""
    return max(1, min(wanted, limit - _RESERVED))

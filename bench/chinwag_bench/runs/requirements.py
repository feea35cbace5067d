"""What a machine must offer before a run begins, and what must be said of its figures because it
offers less than it should.
"""

from __future__ import annotations

import os
import socket

from chinwag_bench.errors import HostError
from chinwag_bench.machine.control_groups import cpu_quota
from chinwag_bench.machine.cpu_plan import CpuPlan
from chinwag_bench.machine.listen_queue import LISTEN_QUEUE_AMPLE
from chinwag_bench.machine.open_files import connections_possible, raise_limit
from chinwag_bench.machine.run_network import pacing
from chinwag_bench.machine.runtime_variables import runtime_variables
from chinwag_bench.servers.ports import ephemeral_range

CONNECTIONS_MIN = 100
"""Figures of fewer connections than that, where more were asked for, say nothing of a server."""
LOOPBACK_TIMEOUT_S = 5.0


def check_machine(connections: int) -> None:
    """Raises ``HostError`` where servers and generator can't meet, or so many connections can't be
    opened at once.
    """
    check_loopback()
    check_source_ports(connections, ephemeral_range())
    check_open_files(connections, raise_limit())


def check_loopback(host: str = "127.0.0.1") -> None:
    """Raises ``HostError`` where nothing can listen on the address and be connected to."""
    try:
        with socket.create_server((host, 0)) as listener:
            socket.create_connection(listener.getsockname(), LOOPBACK_TIMEOUT_S).close()
    except OSError as error:
        raise HostError(
            f"{host} can't be used: {error.strerror or error}",
            hint="servers and load generator meet there: bring the loopback up, ip link set lo up",
        ) from error


def check_source_ports(connections: int, outgoing: tuple[int, int]) -> None:
    """Raises ``HostError`` where the load generator would run out of ports to connect from: what it
    can't open would look like a server's refusal.
    """
    low, high = outgoing
    ports = high - low + 1
    if ports < connections:
        raise HostError(
            f"the run opens {connections:,} connections at once, and there are only {ports:,} "
            f"ports to connect from ({low} to {high})",
            hint='widen the range: sysctl -w net.ipv4.ip_local_port_range="32768 60999"',
        )


def check_open_files(connections: int, limit: int) -> None:
    """Raises ``HostError`` where a process may open so few files that next to nothing of what was
    asked for could be measured.
    """
    possible = connections_possible(connections, limit)
    if possible < min(connections, CONNECTIONS_MIN):
        raise HostError(
            f"a process may open {limit} files here, enough for {possible} of {connections:,} "
            "connections",
            hint=f"raise the limit, as root: ulimit -Hn {connections + 1000}",
        )


def short_queue(connections: int, longest: int) -> str | None:
    """What to know of a run's storms of so many connections where so many may wait to be accepted;
    ``None`` where all of them may.
    """
    if connections <= longest:
        return None
    return (
        f"{longest:,} connections may wait to be accepted here, and {connections:,} come at once "
        "in the storm: where the queue overflows it times the kernel's timer, and ranks nobody; "
        f'for a longer one: sysctl -w net.core.somaxconn="{LISTEN_QUEUE_AMPLE}"'
    )


def caveats(cpus: CpuPlan) -> list[str]:
    """Why the figures are not for quoting; empty on a machine that has what it takes."""
    found = []
    if cpus.shared:
        found.append("server and load generator share the only core")
    quota, usable = cpu_quota(), len(os.sched_getaffinity(0))
    if quota is not None and quota < usable:
        found.append(
            f"a CPU quota of {quota:g} cores stops both for the rest of each period, where "
            f"{usable} are used"
        )
    if control := pacing():
        found.append(
            f"the kernel paces connections here (congestion control {control}), which costs each "
            "server another share of its CPU time"
        )
    if names := runtime_variables():
        found.append(f"servers run under settings of this shell: {', '.join(names)}")
    return found

"""What loopback load asks of the kernel: queues, ports, buffers, time stamps."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from chinwag_bench.machine.doctor.finding import Change, Finding, Level, read
from chinwag_bench.machine.listen_queue import LISTEN_QUEUE_AMPLE
from chinwag_bench.machine.run_network import (
    CONGESTION_CONTROL,
    SETTINGS,
    RunNetwork,
    pacing,
)
from chinwag_bench.machine.sysctl import read_sysctl, sysctl_path
from chinwag_bench.servers.ports import PortSpan, ephemeral_range, port_span

_GROUP = "network"
_CONNECTIONS = 10_000
_SO_TIMESTAMPNS = getattr(socket, "SO_TIMESTAMPNS", 35)
_PAGES_PER_CONNECTION = 8
_CONNECTIONS_TRACKED = 1 << 16
"""Those of a cell, and of the cells of the last two minutes."""
_TAKEN_SHARE_MAX = 0.5
_PORT_RANGE = "/proc/sys/net/ipv4/ip_local_port_range"
_STANDARD = "32768 60999"


@dataclass(frozen=True)
class Minimum:
    """A sysctl whose value, or the one at ``position`` of several, should not be smaller."""

    name: str
    least: int
    meaning: str
    position: int = 0
    level: Level = "warning"

    @property
    def path(self) -> str:
        return str(sysctl_path(self.name))


# Not net.ipv4.tcp_max_syn_backlog: over loopback a handshake is over before connect(2) returns, so
# hardly any is half-open. With 16, and without SYN cookies, none of 10,000 was dropped.
MINIMA = [
    Minimum(
        "net.core.somaxconn",
        LISTEN_QUEUE_AMPLE,
        "connections that may wait to be accepted, whatever a server asks for; over it they are "
        "dropped and come again after 1 s and more: a storm that meets that ranks nobody",
    ),
    Minimum(
        "net.core.netdev_max_backlog",
        1000,
        "packets queued for a core; over it loopback drops them, which shows as a tail of 200 ms",
    ),
    Minimum("net.ipv4.tcp_rmem", 1 << 20, "largest receive buffer of a connection, bytes", 2),
    Minimum("net.ipv4.tcp_wmem", 1 << 20, "largest send buffer of a connection, bytes", 2),
    Minimum(
        "net.ipv4.tcp_mem",
        _CONNECTIONS * _PAGES_PER_CONNECTION,
        "pages of all TCP buffers; over it the kernel shrinks windows and throughput falls",
        2,
    ),
    Minimum(
        "net.netfilter.nf_conntrack_max",
        _CONNECTIONS_TRACKED,
        "connections that the firewall keeps track of, closed ones for two minutes; over it "
        "packets are dropped: connects time out",
    ),
]


def findings(root: Path) -> Iterator[Finding]:
    network = RunNetwork()
    network.close()
    yield of_a_run(network)
    for found in _of_the_machine(root):
        yield replaced(found) if network.has_been_made else found
    yield time_stamps()


def _of_the_machine(root: Path) -> Iterator[Finding]:
    for minimum in MINIMA:
        found = sysctl(root, minimum)
        if found is not None:
            yield found
    yield congestion_control(root)
    outgoing = ephemeral_range(root / _PORT_RANGE.lstrip("/"))
    yield port_range(root, outgoing)
    yield free_ports(root, port_span(outgoing))


def of_a_run(network: RunNetwork) -> Finding:
    """Whether a run has a network of its own."""
    own = network.has_been_made
    return Finding(
        group=_GROUP,
        check="network of a run",
        level="ok" if own else "note",
        found="its own" if own else network.description,
        meaning="a namespace with the same settings on every machine"
        if own
        else "figures depend on the network settings below, and on the machine's firewall",
        todo="" if own or os.geteuid() == 0 else "measure as root, where namespaces may be made",
    )


def replaced(found: Finding) -> Finding:
    """The finding where runs have a network of their own, which has its own value of it, and ports
    that nobody else takes.
    """
    if found.check == "free ports" and found.level != "ok":
        meaning = "for `chinwag verify` and `serve`; a run's own network has others"
        return msgspec.structs.replace(found, level="note", meaning=meaning)
    value = SETTINGS.get(found.check)
    if value is None:
        return found
    meaning = f"a run's own network has {value}"
    return msgspec.structs.replace(found, level="ok", meaning=meaning, todo="", changes=[])


def congestion_control(root: Path) -> Finding:
    """Whether the kernel spaces out what each connection sends."""
    shown = read_sysctl(CONGESTION_CONTROL, root) or "not shown"
    paces = pacing(root) is not None
    change = Change(str(sysctl_path(CONGESTION_CONTROL)), shown, "cubic")
    return Finding(
        group=_GROUP,
        check=CONGESTION_CONTROL,
        level="warning" if paces else "ok",
        found=shown,
        meaning="it paces each connection by a timer of its own: over loopback that costs servers "
        "CPU time, and each another share of it"
        if paces
        else "it does not pace connections",
        todo=f"measure without: {change.command()}" if paces else "",
        changes=[change] if paces else [],
    )


def sysctl(root: Path, minimum: Minimum) -> Finding | None:
    """``None`` where this kernel, or this container, does not show it."""
    text = read(root, minimum.path)
    values = (text or "").split()
    if len(values) <= minimum.position or not all(value.isdigit() for value in values):
        return None
    enough = int(values[minimum.position]) >= minimum.least
    wanted = list(values)
    wanted[minimum.position] = str(minimum.least)
    change = Change(minimum.path, " ".join(values), " ".join(wanted))
    return Finding(
        group=_GROUP,
        check=minimum.name,
        level="ok" if enough else minimum.level,
        found=" ".join(values),
        meaning=minimum.meaning,
        todo="" if enough else f"raise it to {minimum.least:,}: {change.command()}",
        changes=[] if enough else [change],
    )


def port_range(root: Path, outgoing: tuple[int, int]) -> Finding:
    """Each connection of the generator takes one port of this range."""
    low, high = outgoing
    room = high - low + 1
    enough = room >= 2 * _CONNECTIONS
    shown = read(root, _PORT_RANGE) is not None
    return Finding(
        group=_GROUP,
        check="net.ipv4.ip_local_port_range",
        level="ok" if enough else "warning" if room > _CONNECTIONS else "problem",
        found=f"{low} {high}" if shown else f"not shown; the kernel's default is {low} {high}",
        meaning=f"{room:,} ports for the generator's connections; closed ones rest for a minute",
        todo="" if enough else "widen it",
        changes=[Change(_PORT_RANGE, f"{low} {high}", _STANDARD)] if shown and not enough else [],
    )


def free_ports(root: Path, span: PortSpan) -> Finding:
    """How many of the ports that servers are put on are taken. The kit tries another one, so only
    a crowd is in the way.
    """
    taken = {port for port in _bound_ports(root) if span.lowest <= port <= span.highest}
    room = len(span)
    crowded = len(taken) > room * _TAKEN_SHARE_MAX
    level: Level = "ok"
    meaning, todo = "servers listen here, apart from outgoing connections", ""
    if span.shared:
        level = "note"
        meaning = (
            "servers listen where outgoing connections get their ports, too: one that is taken "
            "between choice and start is tried again elsewhere"
        )
        todo = f'for ports of their own: sysctl -w net.ipv4.ip_local_port_range="{_STANDARD}"'
    if crowded:
        level = "problem" if len(taken) >= room else "warning"
        meaning = "servers may fail to start"
        todo = "; ".join(filter(None, ["see who listens with `ss -ltnp`, and end it", todo]))
    return Finding(
        group=_GROUP,
        check="free ports",
        level=level,
        found=f"{len(taken):,} of {room:,} taken ({span.lowest} to {span.highest})",
        meaning=meaning,
        todo=todo,
    )


def _bound_ports(root: Path) -> Iterator[int]:
    """Local ports of every TCP socket, from the second column of /proc/net/tcp."""
    for name in ("tcp", "tcp6"):
        for row in (read(root, f"proc/net/{name}") or "").splitlines()[1:]:
            yield int(row.split()[1].rpartition(":")[2], 16)


def time_stamps() -> Finding:
    """Whether the kernel stamps what arrives: receive lag is measured against it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            able = bool(probe.getsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS))
        except OSError:
            able = False
    return Finding(
        group=_GROUP,
        check="SO_TIMESTAMPNS",
        level="ok" if able else "warning",
        found="yes" if able else "no",
        meaning="the kernel's receive time stamps show the generator's own lag"
        if able
        else "the generator's receive lag can't be told: its share of a latency stays unknown",
        todo="" if able else "measure on a Linux kernel that has it, not in a sandbox",
    )

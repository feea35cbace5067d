"""Free TCP ports that the kernel will not hand to a client meanwhile."""

from __future__ import annotations

import errno
import random
import socket
import time
from pathlib import Path
from typing import Any

import msgspec

from chinwag_bench.errors import HostError

_LOWEST = 20000
_HIGHEST = 32000
_UNPRIVILEGED = 1024
_LAST = 65535
_BELOW_MAX = 2000
_ENOUGH = 64
"""Ports of a span that is of use: several servers at once, and some that others have taken."""
_ATTEMPTS = 200
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_EPHEMERAL_DEFAULT = (32768, 60999)


class PortSpan(msgspec.Struct, frozen=True):
    """The ports that servers are put on, both ends included."""

    lowest: int
    highest: int
    shared: bool = False
    """Outgoing connections get them, too: a port may be taken between choice and start."""

    def __len__(self) -> int:
        return max(0, self.highest - self.lowest + 1)


def pick_port(host: str = "127.0.0.1") -> int:
    """A port outside of the ephemeral range, where that leaves enough, that could be bound just
    now. Another process may still take it first: who starts a server retries. Raises ``HostError``
    when none is found.
    """
    span = port_span()
    for _ in range(_ATTEMPTS):
        port = random.randint(span.lowest, span.highest)
        if is_free(port, host):
            return port
    hint = "see who listens with `ss -ltnp`"
    if span.shared:
        hint += ', or leave room below the outgoing ones: sysctl -w net.ipv4.ip_local_port_range="'
        hint += f'{_EPHEMERAL_DEFAULT[0]} {_EPHEMERAL_DEFAULT[1]}"'
    raise HostError(f"no free port between {span.lowest} and {span.highest} on {host}", hint=hint)


def port_span(ephemeral: tuple[int, int] | None = None) -> PortSpan:
    """Below the ephemeral range (this machine's, unless given); else above it; else, where neither
    side has ports enough for several servers, inside.
    """
    low, high = ephemeral or ephemeral_range()
    highest = min(_HIGHEST, low - 1)
    below = PortSpan(min(_LOWEST, max(_UNPRIVILEGED, highest - _BELOW_MAX)), highest)
    above = PortSpan(max(high + 1, _UNPRIVILEGED), _LAST)
    for span in (below, above):
        if len(span) >= _ENOUGH:
            return span
    return PortSpan(max(low, _UNPRIVILEGED), high, shared=True)


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there. Raises ``HostError`` where none could on any port: of a
    name's addresses one is enough.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise _unusable(host, port, error) from error
    refusals = [_refusal(family, address) for family, _, _, _, address in found]
    if any(error is not None and error.errno == errno.EADDRINUSE for error in refusals):
        return False
    if None not in refusals:
        raise _unusable(host, port, refusals[0])
    return True


def _refusal(family: int, address: Any) -> OSError | None:
    """Why nothing can listen there, if so. SO_REUSEADDR, as servers set it: old TIME_WAITs do not
    count.
    """
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        return error
    return None


def _unusable(host: str, port: int, error: Exception | None) -> HostError:
    reason = getattr(error, "strerror", None) or error
    hint = "a host is a name or an address of this machine: see `ip address`"
    if isinstance(error, PermissionError):
        hint = f"choose a port from {_UNPRIVILEGED} on"
    where = f"port {port} of {host or 'an empty host'}"
    return HostError(f"nothing can listen on {where}: {reason}", hint=hint)


def wait_until_free(port: int, host: str = "127.0.0.1", timeout_s: float = 10.0) -> None:
    """Waits until the port can be listened on again. Raises ``HostError`` after ``timeout_s``
    seconds.
    """
    deadline = time.monotonic() + timeout_s
    while not is_free(port, host):
        if time.monotonic() > deadline:
            raise HostError(
                f"port {port} on {host} is still taken {timeout_s:.0f} s after its server's end",
                hint="see who listens with `ss -ltnp`",
            )
        time.sleep(0.01)


def ephemeral_range(path: Path = _EPHEMERAL) -> tuple[int, int]:
    """The ports that the kernel gives to outgoing connections; its default where not shown."""
    try:
        low, high = map(int, path.read_text().split())
    except (OSError, ValueError):
        return _EPHEMERAL_DEFAULT
    return low, high

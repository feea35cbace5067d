"""TCP connections of this network namespace, as the kernel lists them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_ESTABLISHED = "01"
_IPV4_TEXT = 8
_MAPPED_TEXT = "0000000000000000FFFF0000"
"""How the kernel writes what begins an IPv4 address in IPv6, by words of the machine's order."""


def established(port: int, peer: str) -> int:
    """How many connections to the local port from the IPv4 address neither side has ended, as far
    as this one knows.
    """
    wanted = _as_listed(peer)
    # A table that changes while it is read may have a connection twice.
    return len(
        {
            remote
            for local, remote, state in _rows()
            if state == _ESTABLISHED and local.endswith(f":{port:04X}") and _ipv4(remote) == wanted
        }
    )


def _as_listed(address: str) -> str:
    return ipaddress.IPv4Address(address).packed[::-1].hex().upper()


def _ipv4(remote: str) -> str:
    text = remote.partition(":")[0]
    return text[-_IPV4_TEXT:] if text.startswith(_MAPPED_TEXT) else text


def _rows() -> Iterator[tuple[str, str, str]]:
    """Local and remote address, and state."""
    for table in _TABLES:
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, remote, state = line.split()[:4]
            yield local, remote, state

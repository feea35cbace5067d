"""What the kernel holds of a connection: bytes that wait in the sockets of both its ends."""

from __future__ import annotations

import socket
from pathlib import Path


def queued_bytes(client: socket.socket) -> int:
    """What the server has written and the client has not read: in the server's socket, sent or not,
    and in the client's. 0 once the connection is gone.

    The server's socket may be one of IPv6 that takes IPv4, too, as Java's are: the kernel lists it
    apart from the client's.
    """
    try:
        own, server = client.getsockname()[1], client.getpeername()[1]
    except OSError:
        return 0
    in_both_sockets = 0
    for fields in _sockets():
        local, remote = (int(fields[at].rpartition(":")[2], 16) for at in (1, 2))
        to_send, to_read = (int(number, 16) for number in fields[4].split(":"))
        if (local, remote) == (server, own):
            in_both_sockets += to_send
        elif (local, remote) == (own, server):
            in_both_sockets += to_read
    return in_both_sockets


def _sockets() -> list[list[str]]:
    """The columns of every TCP socket of this network namespace."""
    tables = [path for name in ("tcp", "tcp6") if (path := Path("/proc/net", name)).exists()]
    return [line.split() for path in tables for line in path.read_text("ascii").splitlines()[1:]]

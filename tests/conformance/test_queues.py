"""The suite's own measuring: what the kernel holds of a connection."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from .queues import queued_bytes

SENT_BYTES = 200_000
RECEIVE_BUFFER = 4096


NEEDS_IPV6 = pytest.mark.skipif(not Path("/proc/net/tcp6").exists(), reason="no IPv6 here")


@pytest.mark.parametrize(
    "family",
    [
        pytest.param(socket.AF_INET, id="IPv4"),
        pytest.param(socket.AF_INET6, id="IPv6", marks=NEEDS_IPV6),
    ],
)
def test_what_waits_in_either_socket_counts(family: socket.AddressFamily) -> None:
    """A server may take IPv4 with a socket of IPv6, which the kernel lists elsewhere."""
    with socket.socket(family) as listener, socket.socket(socket.AF_INET) as client:
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            listener.bind(("::ffff:127.0.0.1", 0))
        else:
            listener.bind(("127.0.0.1", 0))
        listener.listen()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        client.connect(("127.0.0.1", listener.getsockname()[1]))
        server = listener.accept()[0]
        with server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * SENT_BYTES)
            server.sendall(bytes(SENT_BYTES))
            # What has arrived counts twice until it is acknowledged.
            assert 0 <= queued_bytes(client) - SENT_BYTES <= 4 * RECEIVE_BUFFER
    assert queued_bytes(client) == 0

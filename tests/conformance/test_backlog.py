"""Rule L11: how many may wait to be accepted.

The kernel completes connections for a server that stands still, until its queue is full.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from .handshake import Address
from .processes import process_ids, stopped
from .servers import Choice, Fleet, Running

SHORT = 20
SPARE = 10
"""The kernel lets one more in than it is told; a library may accept some before it is stopped."""
CROWD = 600
"""More than any library's own choice (511 in Node.js, 100 in Python, 128 elsewhere)."""
SOMAXCONN = Path("/proc/sys/net/core/somaxconn")
CONNECTS_WITHIN_S = 0.3
"""On loopback the kernel connects at once, or not before a SYN is sent again after 1 s."""


@pytest.fixture
def of_short_queue(own_choice: Choice, fleet: Fleet) -> Iterator[Running]:
    server = fleet.start(own_choice, "backlog", CHAT_BACKLOG=str(SHORT))
    yield server
    assert server.process is not None
    server.process.stop()


@pytest.mark.smoke
@pytest.mark.rules("L11")
async def test_the_queue_is_as_long_as_the_setting_says(of_short_queue: Running) -> None:
    count = await connected_to_a_stopped(of_short_queue, SHORT + 2 * SPARE)
    assert SHORT <= count <= SHORT + SPARE, f"{count} may wait where {SHORT} were to"


@pytest.mark.rules("L11")
async def test_without_the_setting_a_crowd_may_wait(own_server: Running) -> None:
    crowd = min(CROWD, int(SOMAXCONN.read_text("ascii")))
    count = await connected_to_a_stopped(own_server, crowd)
    assert count == crowd, f"of {crowd} that came at once {count} may wait"


async def connected_to_a_stopped(server: Running, attempts: int) -> int:
    with stopped(process_ids(server)), contextlib.ExitStack() as stack:
        socks = [stack.enter_context(connecting(server.address)) for _ in range(attempts)]
        await asyncio.sleep(CONNECTS_WITHIN_S)
        return sum(has_connected(sock) for sock in socks)


def connecting(address: Address) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    sock.connect_ex(address.pair)
    return sock


def has_connected(sock: socket.socket) -> bool:
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    return bool(poll.poll(0)) and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0

"""The suite's own waiting: a test that is over must not go on."""

from __future__ import annotations

import asyncio
import socket

import pytest

from .handshake import receive_some


@pytest.mark.parametrize("turns", range(6))
async def test_reading_that_is_cancelled_just_as_bytes_come_ends(turns: int) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        reading = asyncio.create_task(receive_some(ours))
        for _ in range(3):
            await asyncio.sleep(0)
        theirs.send(b"x")
        for _ in range(turns):
            await asyncio.sleep(0)
        if reading.cancel():
            await asyncio.wait({reading})
            assert reading.cancelled()

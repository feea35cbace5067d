"""Rules L3 and L4 by the byte: who lags by less than the limit stays, who lags by more does not."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from .chat import Chat, fresh_name
from .client import Client
from .queues import queued_bytes
from .servers import Choice

CONTENT = "x" * 4000
BATCH = 16
LAG_BYTES = 256 * 2**10
"""A quarter of the limit of 1 MiB: what everybody has to keep for a member that lags."""

SENT_MAX_BYTES = 64 * 2**20
PACE_S = 0.3
LET_GO_WITHIN_S = 30.0
"""At this pace 100 messages, 400 KB: a limit that is twice as high is not reached by then."""

RECEIVE_BUFFER = 4096


class Lag:
    """A room in which one member does not read, and what waits for it in the server itself."""

    def __init__(self, room: str, sender: Client, lagging: Client) -> None:
        self._room, self._sender, self._lagging = room, sender, lagging
        self.sent = 0
        self.sent_bytes = 0
        self.departed = False

    async def send_batch(self, size: int = BATCH) -> None:
        """The sender has got all of it back when this ends."""
        request = {"type": "message", "room": self._room}
        batch = [{**request, "content": f"{self.sent + at} {CONTENT}"} for at in range(size)]
        await self._sender.send_at_once(*batch)
        for _ in batch:
            payload = await self._sender.receive_raw()
            if len(payload) < len(CONTENT):
                assert json.loads(payload)["type"] == "user_left", payload
                self.departed = True
                payload = await self._sender.receive_raw()
            self.sent_bytes += len(payload)
        self.sent += size

    def waiting_bytes(self) -> int:
        """What the server keeps: neither the kernel has it, nor the member."""
        return self.sent_bytes - queued_bytes(self._lagging.sock)


async def lag(chat: Chat) -> tuple[Lag, Client]:
    room = fresh_name("room")
    sender = await chat.member(room)
    lagging = await chat.connect(receive_buffer=RECEIVE_BUFFER)
    await lagging.join(room)
    await sender.expect(type="user_joined", user=lagging.user)
    return Lag(room, sender, lagging), lagging


@pytest.mark.slow
@pytest.mark.rules("L3", "L4", "R11")
async def test_who_lags_by_less_than_the_limit_is_kept(chat: Chat) -> None:
    """Both sockets are full and 256 KiB wait in the server; then all of it is read."""
    room, lagging = await lag(chat)
    while room.waiting_bytes() < LAG_BYTES:
        assert room.sent_bytes < SENT_MAX_BYTES, "nothing of this waits in the server"
        await room.send_batch()
        assert not room.departed, f"let go with {room.waiting_bytes():,} bytes waiting"
    for number in range(room.sent):
        message = await lagging.expect(type="message")
        assert message["content"].startswith(f"{number} "), f"message {number} is missing"
    await lagging.fence()


@pytest.mark.slow
@pytest.mark.rules("L3", "L4")
async def test_no_more_than_the_limit_waits(chat: Chat, choice: Choice) -> None:
    """Once a quarter more than the limit waits, the member is let go, whatever follows."""
    room, _ = await lag(chat)
    while not room.departed and room.waiting_bytes() <= 1.25 * choice.pending_bytes:
        assert room.sent_bytes < SENT_MAX_BYTES, "nothing of this waits in the server"
        await room.send_batch()
    deadline = time.monotonic() + LET_GO_WITHIN_S
    while not room.departed:
        await room.send_batch(size=1)
        assert time.monotonic() < deadline, f"{room.waiting_bytes():,} bytes wait"
        await asyncio.sleep(PACE_S)

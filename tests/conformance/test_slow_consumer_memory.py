"""Rules L3 and L4: what waits for a member that does not read is bounded."""

from __future__ import annotations

import asyncio
import json
import select
import time

import pytest

from . import frames
from .chat import Chat, fresh_name
from .client import Client
from .deadline import timeout
from .frames import Opcode
from .handshake import TIMEOUT_S, NothingCame
from .processes import process_ids, proportional_bytes
from .servers import Running

CONTENT = "x" * 4096
BATCH = 32
"""Messages of a batch, and readers take all of it before the next: nobody else lags."""

WARM_UP_BATCHES = 256
"""32 MiB: buffers and heaps are as large by then as this traffic makes them."""

SENT_ENOUGH_BATCHES = 512
"""64 MiB: from here on only a server that waits for time to pass has something left to do."""

PACE_S = 0.02
LET_GO_WITHIN_S = 60.0
RECEIVE_BUFFER = 4096
GROWTH_BYTES = 8 * 2**20

PINGS = b"".join(frames.encode(Opcode.PING, b"%0125d" % number) for number in range(500))
READ_ROUNDS = 100
"""6.5 MB of pings whose pongs are read: heaps are as large by then as pings make them."""

UNREAD_ROUNDS = 1000
"""65 MB, three times what may be held, collectors of several processes included."""

PONGS_GROWTH_BYTES = 20 * 2**20
"""Node.js grows in steps of its own, not with what waits. Its servers grew by up to 18 MB; after
400 rounds that are read, or with semi-spaces of 1 MiB, 2 of 31 runs by 19 MB, the others by less
than 4 MB."""

VISITS = 100
"""Joins and leaves of one write."""

VISIT_WRITES = 400
"""40,000 visits, of which the visitor alone would be told 8.8 MB: sockets of one machine take 2.8
MB by themselves, and the limit is 1 MiB. Servers that did not bound this kept 5 KiB of each."""

VISIT_PACE_S = 0.005
"""Between two writes: a server may refuse more than 50,000 requests a second."""

NOT_TAKEN_S = 2.0
"""A server that takes no byte for so long waits for its client to read."""


class Traffic:
    """A sender and a witness in one room, and the most memory that the server took meanwhile."""

    def __init__(self, server: Running, room: str, members: list[Client]) -> None:
        self._pids = process_ids(server)
        self._room, self._members = room, members
        self._batch = BATCH * frames.encode(
            Opcode.TEXT,
            json.dumps({"type": "message", "room": room, "content": CONTENT}).encode(),
        )
        self.departures = 0
        self.peak_bytes = 0

    async def send_batch(self) -> None:
        await self._members[0].send_bytes(self._batch)
        await asyncio.gather(*(self._take_batch(member) for member in self._members))
        self.peak_bytes = max(self.peak_bytes, proportional_bytes(self._pids))

    async def _take_batch(self, member: Client) -> None:
        """All messages of a batch; who left is counted."""
        taken = 0
        while taken < BATCH:
            payload = await member.receive_raw()
            if len(payload) < len(CONTENT):
                assert json.loads(payload)["type"] == "user_left", payload
                self.departures += 1
            else:
                taken += 1

    async def until_all_heard_of_a_departure(self) -> None:
        deadline = time.monotonic() + LET_GO_WITHIN_S
        batches = 0
        while self.departures < len(self._members):
            await self.send_batch()
            batches += 1
            if batches > SENT_ENOUGH_BATCHES:
                assert time.monotonic() < deadline, "nothing was done about the slow member"
                await asyncio.sleep(PACE_S)


@pytest.mark.slow
@pytest.mark.rules("L3", "L4")
async def test_memory_for_a_member_that_does_not_read_is_bounded(own_server: Running) -> None:
    """Compared with the peak of the same traffic while everyone reads."""
    chat, room = Chat(own_server.address), fresh_name("room")
    try:
        members = await chat.members(room, 2)
        traffic = Traffic(own_server, room, members)
        for _ in range(WARM_UP_BATCHES):
            await traffic.send_batch()
        usual = traffic.peak_bytes
        slow = await chat.connect(receive_buffer=RECEIVE_BUFFER)
        await slow.join(room)
        for member in members:
            await member.expect(type="user_joined", user=slow.user)
        await traffic.until_all_heard_of_a_departure()
        grown = traffic.peak_bytes - usual
        allowed = GROWTH_BYTES + own_server.choice.pending_bytes
        assert grown <= allowed, f"grew by {grown:,} bytes; {allowed:,} are allowed"
        assert (await slow.end(ignore_messages=True)).code in (1013, None)
    finally:
        chat.abort()


@pytest.mark.slow
@pytest.mark.rules("L3", "L4", "F1")
async def test_memory_for_pongs_that_nobody_reads_is_bounded(own_server: Running) -> None:
    """A server lets go of the client, or reads no more of it, or answers the newest ping alone."""
    chat, pids = Chat(own_server.address), process_ids(own_server)
    reader = await chat.connect()
    for _ in range(READ_ROUNDS):
        await reader.send_bytes(PINGS)
        while await reader.pong() != b"%0125d" % 499:
            pass
    usual = proportional_bytes(pids)
    flooder = await chat.connect(receive_buffer=RECEIVE_BUFFER)
    peak = usual
    for number in range(UNREAD_ROUNDS):
        if not await takes(flooder, PINGS):
            break
        if number % 20 == 0:
            peak = max(peak, proportional_bytes(pids))
            await reader.fence()
    grown = max(peak, proportional_bytes(pids)) - usual
    allowed = PONGS_GROWTH_BYTES + own_server.choice.pending_bytes
    assert grown <= allowed, f"grew by {grown:,} bytes; {allowed:,} are allowed"
    await reader.fence()
    chat.abort()


@pytest.mark.slow
@pytest.mark.rules("R6", "L3", "L4")
async def test_memory_for_who_joins_and_leaves_and_reads_nothing_is_bounded(
    own_server: Running,
) -> None:
    """Compared with the same visits while they are read. A heap of 260 MB of Socket.IO's, by then
    mostly garbage, was seen to move by 32 MB.
    """
    chat, pids = Chat(own_server.address), process_ids(own_server)
    room = long_name("room")
    try:
        member = await chat.member(room)
        reader = await chat.connect(long_name("reader"))
        usual, was_served = await visit(room, reader, member, pids, reads=True)
        assert was_served, "a visitor that reads was not served"
        visitor = await chat.connect(long_name("visitor"), receive_buffer=RECEIVE_BUFFER)
        peak, was_served = await visit(room, visitor, member, pids, reads=False)
        grown = peak - usual
        allowed = PONGS_GROWTH_BYTES + usual // 4 + own_server.choice.pending_bytes
        assert grown <= allowed, f"grew by {grown:,} bytes; {allowed:,} are allowed"
        assert not was_served, "what waits for a visitor that does not read has no limit"
        await drained(member)
    finally:
        chat.abort()


def long_name(kind: str) -> str:
    """As long as a name may be (N1): so much more is told of it."""
    return fresh_name(kind).ljust(64, "-")


async def visit(
    room: str, visitor: Client, member: Client, pids: list[int], *, reads: bool
) -> tuple[int, bool]:
    """The most memory that the server takes meanwhile, and whether it served all visits: it may let
    the visitor go, or take no more of it.
    """
    patience_s = TIMEOUT_S if reads else NOT_TAKEN_S
    requests = [{"type": kind, "room": room} for kind in ("join", "leave")] * VISITS
    peak = 0
    for number in range(VISIT_WRITES):
        is_taken = await takes(visitor, visitor.encoded(*requests))
        if not is_taken or not await hears_of_all(member, visitor, patience_s):
            return max(peak, proportional_bytes(pids)), False
        if reads:
            await drained(visitor)
            await asyncio.sleep(VISIT_PACE_S)
        if number % 10 == 0:
            peak = max(peak, proportional_bytes(pids))
    return max(peak, proportional_bytes(pids)), True


async def hears_of_all(member: Client, visitor: Client, patience_s: float) -> bool:
    """Whether news of all visits of a write come."""
    left, user = 0, visitor.user.encode()
    try:
        async with timeout(patience_s):
            while left < VISITS:
                payload = await member.receive_raw()
                left += b'"user_left"' in payload and user in payload
    except (asyncio.TimeoutError, NothingCame):
        return False
    return True


async def drained(client: Client) -> None:
    """Proves that it is served, whatever comes before that."""
    await client.send(type="heartbeat")
    while b'"heartbeat"' not in await client.receive_raw():
        pass


async def takes(client: Client, data: bytes) -> bool:
    """Whether all of it was sent before the connection ended or the server took nothing more."""
    rest = memoryview(data)
    while rest:
        _, writable, _ = await asyncio.to_thread(select.select, [], [client.sock], [], NOT_TAKEN_S)
        if not writable:
            return False
        try:
            rest = rest[client.sock.send(rest) :]
        except ConnectionError:
            return False
    return True

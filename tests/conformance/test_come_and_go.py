"""Rules R7 and L6 over a thousand connections: whoever comes and goes, nothing of them stays."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter

import pytest

from .chat import Chat, fence_all, fresh_name
from .client import Client
from .handshake import get, open_socket, send_all
from .processes import open_descriptors, process_ids, proportional_bytes, until
from .servers import Running

WAVE = 100
QUIET_WAVES = 8
GROWTH_BYTES = 512 * 2**10
"""Over so many waves memory may grow by this, which is 655 bytes a connection: no server keeps less
of one. Heaps grow until their collectors have had enough, and then no more; a leak goes on."""

WAVES_MAX = 400
"""A heap of V8 was seen to grow for 250, and then no more for 350."""
LOOK_S = 0.02
LINGERS_S = 1.5


async def wave(chat: Chat, probe: Client, room: str, pids: list[int]) -> int:
    """A hundred join and all leave: a third in order, a third by reset, a third without a close.
    Returns the server's memory while they are there.
    """
    clients = list(await asyncio.gather(*(chat.connect() for _ in range(WAVE))))
    users = Counter(client.user for client in clients)
    for client in clients:
        await client.send(type="join", room=room)
    assert await hear(probe, "user_joined") == users
    memory = proportional_bytes(pids)
    for client in clients[::3]:
        await client.send(type="heartbeat")
    for client in clients[1::3]:
        client.abort()
    for client in clients[2::3]:
        client.hang_up()
    await asyncio.gather(*(client.close() for client in clients[::3]))
    assert await hear(probe, "user_left") == users
    return memory


async def hear(probe: Client, message_type: str) -> Counter[str]:
    return Counter([(await probe.expect(type=message_type))["user"] for _ in range(WAVE)])


@pytest.mark.slow
@pytest.mark.rules("R7", "R11", "L6")
async def test_a_thousand_clients_come_and_go(own_server: Running) -> None:
    chat = Chat(own_server.address)
    pids = process_ids(own_server)
    room = fresh_name("room")
    probe = await chat.member(room)
    try:
        memory = [await wave(chat, probe, room, pids)]
        await probe.fence()
        descriptors = await settled_descriptors(pids)
        counts = await gauges(own_server)
        while still_grows(memory):
            assert len(memory) < WAVES_MAX, f"memory grows on and on: {memory[::10]}"
            memory.append(await wave(chat, probe, room, pids))
        await probe.fence()
        await until(
            lambda: open_descriptors(pids) == descriptors,
            f"the server's descriptors are back to {descriptors}",
        )
        assert await gauges(own_server) == counts
    finally:
        chat.abort()


async def gauges(server: Running) -> list[str]:
    """What the server itself counts of connections, rooms and members, where it has /metrics."""
    answer = await get(server.address, "/metrics")
    lines = answer.rest.decode("utf-8", "replace").splitlines() if answer.status == 200 else []
    return [line for line in lines if re.match(r"\w+_(connections|rooms|members) ", line)]


def still_grows(memory: list[int]) -> bool:
    """Whether the last waves went beyond all earlier ones. Collectors' dips do not hide it."""
    earlier, latest = memory[:-QUIET_WAVES], memory[-QUIET_WAVES:]
    return not earlier or max(latest) > max(earlier) + GROWTH_BYTES


async def settled_descriptors(pids: list[int]) -> int:
    """The number once it stops falling: a server may tell a room before it closes the socket, and
    may linger for a second behind an answer of HTTP.
    """
    lowest, unchanged = open_descriptors(pids), 0
    while unchanged * LOOK_S < LINGERS_S:
        await asyncio.sleep(LOOK_S)
        now = open_descriptors(pids)
        unchanged = unchanged + 1 if now >= lowest else 0
        lowest = min(lowest, now)
    return lowest


@pytest.mark.smoke
@pytest.mark.rules("R7", "L6")
async def test_resets_amid_traffic_disturb_nobody(chat: Chat) -> None:
    room = fresh_name("room")
    first, second = await chat.members(room, 2)
    for number in range(20):
        victim = await chat.member(room)
        await victim.send(type="message", room=room, content="last words")
        await first.expect(type="user_joined", user=victim.user)
        await second.expect(type="user_joined", user=victim.user)
        await first.expect(type="message", content="last words")
        await first.send(type="message", room=room, content=str(number))
        victim.abort()
        for member in (first, second):
            await hears_both(member, str(number), victim.user, late=member is second)
    await fence_all([first, second])


async def hears_both(member: Client, content: str, left: str, *, late: bool) -> None:
    """The message and the departure, in whichever order: a room's order between senders is free."""
    due = [("message", content), ("user_left", left)] + [("message", "last words")] * late
    got = []
    for _ in due:
        message = await member.receive()
        got.append((message["type"], message.get("content", message["user"])))
    assert sorted(got) == sorted(due)


STRAYS = {
    "nothing": b"",
    "a word": b"GET",
    "half a request": b"GET /ws HTTP/1.1\r\nHost: chat.test\r\nUpgrade: websocket\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "zeros": bytes(64),
    "a long header": b"GET /ws HTTP/1.1\r\nX: " + b"x" * 100_000,
}


@pytest.mark.rules("L6")
@pytest.mark.parametrize("sent", STRAYS.values(), ids=STRAYS)
async def test_what_never_becomes_a_connection_disturbs_nobody(chat: Chat, sent: bytes) -> None:
    bystander = await chat.connect()
    sock = await open_socket(chat.address)
    with sock, contextlib.suppress(ConnectionError):
        await send_all(sock, sent)
    await bystander.fence()
    await (await chat.connect()).fence()

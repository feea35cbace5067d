"""Rules L7 to L10 and L12: resets and half-closes, a stop of the whole server, descriptors that run
out, a successor.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
import time

import pytest
from chinwag_bench.servers.process import ServerProcess

from .chat import Chat, fence_all, fresh_name
from .client import Client
from .handshake import open_socket, send_all, upgrade_request
from .processes import has_ended, process_ids, stopped
from .servers import Choice, Fleet, Running
from .test_shutdown import terminate
from .transports import TRANSPORTS

IDLE_S = 1.0
STOPPED_S = 2.5
BEAT_S = 0.2
HASTY = 10
MANY = 200
CLIENTS = 20
CROWD = 100
SPARE_DESCRIPTORS = 3
"""So few are left that the crowd can't be accepted."""
ADMITTED_WITHIN_S = 15.0
BUSY = 0.5
"""The share of a processor that nobody needs who has nothing to do."""
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@pytest.mark.smoke
@pytest.mark.rules("L7", "R7")
async def test_a_reset_does_not_undo_what_came_before_it(own_server: Running) -> None:
    """Messages and resets reach a server that stands still: it learns of them all at once.

    Each is in a room of its own: what others say must not be sent to who is gone already, for
    then the server may learn of the reset before it has read.
    """
    chat = Chat(own_server.address)
    witness = await chat.connect()
    hasty = {fresh_name("room"): await chat.connect() for _ in range(HASTY)}
    for room, client in hasty.items():
        await witness.join(room)
        await client.join(room)
        await witness.expect(type="user_joined", room=room, user=client.user)
    with stopped(process_ids(own_server)):
        for room, client in hasty.items():
            await client.send(type="message", room=room, content="last words")
            client.abort()
    told = [await witness.receive() for _ in range(2 * HASTY)]
    for room in hasty:
        types = [message["type"] for message in told if message["room"] == room]
        assert types == ["message", "user_left"], f"in {room} came {types}"
    await witness.fence()
    chat.abort()


@pytest.mark.rules("L7", "L8", "R11")
async def test_who_left_during_a_stop_is_heard_to_the_end(own_server: Running) -> None:
    """The first copy that is written to the client meets a reset; what it sent is there to read.

    A failed write ends the writing alone.
    """
    chat, room = Chat(own_server.address), fresh_name("room")
    witness, talker = await chat.members(room, 2)
    requests = [{"type": "message", "room": room, "content": str(n)} for n in range(MANY)]
    with stopped(process_ids(own_server)):
        # In one write: segments of their own would not all fit into the kernel's receive buffer.
        await talker.send_at_once(*requests)
        talker.hang_up()
    for number in range(MANY):
        await witness.expect(type="message", user=talker.user, content=str(number))
    await witness.expect(type="user_left", room=room, user=talker.user)
    await witness.fence()
    chat.abort()


@pytest.mark.rules("L12", "R7", "R11")
async def test_who_ends_its_direction_is_heard_to_the_end(own_server: Running) -> None:
    """As a program does that sends all it has, then shuts its side down and reads on."""
    chat, room = Chat(own_server.address), fresh_name("room")
    witness, talker = await chat.members(room, 2)
    requests = [{"type": "message", "room": room, "content": str(n)} for n in range(MANY)]
    with stopped(process_ids(own_server)):
        await talker.send_at_once(*requests)
        talker.sock.shutdown(socket.SHUT_WR)
    for number in range(MANY):
        await witness.expect(type="message", user=talker.user, content=str(number))
    await witness.expect(type="user_left", room=room, user=talker.user)
    await witness.fence()
    chat.abort()


@pytest.mark.rules("L8")
async def test_a_server_that_stood_still_closes_nobody(own_choice: Choice, fleet: Fleet) -> None:
    server = fleet.start(
        own_choice,
        "stopped",
        CHAT_PING_INTERVAL_MS="300",
        CHAT_IDLE_TIMEOUT_MS=str(int(IDLE_S * 1000)),
    )
    assert server.process is not None
    with server.process:
        while not await stay_through_a_stop(server):
            continue


async def stay_through_a_stop(server: Running) -> bool:
    """Whether the try counts: not if this machine was too slow to send in time."""
    chat = Chat(server.address)
    clients = await asyncio.gather(*(chat.connect() for _ in range(CLIENTS)))
    beating = [asyncio.create_task(beat(client)) for client in clients]
    hearing = [asyncio.create_task(hear(client)) for client in clients]
    pids = process_ids(server)
    try:
        await asyncio.sleep(1.5 * BEAT_S)  # between two heartbeats, while the server pings
        with stopped(pids):
            await asyncio.sleep(STOPPED_S)
        await asyncio.sleep(IDLE_S / 2)
        ended = [task.result() for task in hearing if task.done()]
        for beat_task in beating:
            beat_task.cancel()
        gaps = await asyncio.gather(*beating)
        assert not ended or max(gaps) > IDLE_S / 2, f"closed after the stop: {ended}"
        return max(gaps) <= IDLE_S / 2
    finally:
        tasks = [*beating, *hearing]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        chat.abort()


async def beat(client: Client) -> float:
    """Sends until it is cancelled; the longest time between two heartbeats, in seconds."""
    longest, last = 0.0, time.monotonic()
    with contextlib.suppress(asyncio.CancelledError):
        while client.sock.fileno() >= 0:
            await client.send(type="heartbeat")
            await asyncio.sleep(BEAT_S)
            now = time.monotonic()
            longest, last = max(longest, now - last), now
    return longest


async def hear(client: Client) -> object:
    """Reads answers and answers pings; what the end was, if one comes."""
    return await client.end(ignore_messages=True)


@pytest.mark.rules("L9", "L6")
async def test_without_descriptors_those_inside_are_served(own_server: Running) -> None:
    """A hundred come who can't be accepted. A loop that asks again at once would burn a processor;
    whoever is inside must not notice, and who comes afterwards is served.
    """
    chat = Chat(own_server.address)
    members = await chat.members(fresh_name("room"), 2)
    pids = process_ids(own_server)
    for pid in pids:
        limit_descriptors(pid, SPARE_DESCRIPTORS)
    path = TRANSPORTS[chat.address.transport]().upgrade_target(None, None)
    try:
        with contextlib.ExitStack() as crowd:
            for _ in range(CROWD):
                sock = crowd.enter_context(await open_socket(chat.address))
                with contextlib.suppress(ConnectionError):
                    await send_all(sock, upgrade_request(path))
            await fence_all(members)
            before, started = processor_s(pids), time.monotonic()
            await asyncio.sleep(1.0)
            used = (processor_s(pids) - before) / (time.monotonic() - started)
            await fence_all(members)
        assert used < BUSY, f"it used {used:.0%} of a processor while nothing was to be done"
        await admitted(chat)
        await fence_all(members)
    finally:
        chat.abort()


def limit_descriptors(pid: int, spare: int) -> None:
    """No more than ``spare`` new ones fit beside those that are open."""
    numbers = sorted(map(int, os.listdir(f"/proc/{pid}/fd")))
    limit = numbers[-1] + 1
    free = limit - len(numbers)
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit + max(spare - free, 0), hard))


def processor_s(pids: list[int]) -> float:
    return sum(_ticks(pid) for pid in pids) / CLOCK_TICKS


def _ticks(pid: int) -> int:
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


async def admitted(chat: Chat) -> None:
    """A newcomer, who may be turned away while the crowd before it is still being dealt with."""
    deadline = time.monotonic() + ADMITTED_WITHIN_S
    while True:
        try:
            await (await chat.connect()).fence()
            return
        except (AssertionError, ConnectionError):
            assert time.monotonic() < deadline, "nobody is admitted though descriptors are free"
            await asyncio.sleep(0.1)


@pytest.mark.rules("L10", "L5")
async def test_a_successor_serves_while_the_last_connections_end(
    own_server: Running, fleet: Fleet
) -> None:
    """One client never answers the close: its server waits for it, and has freed its port."""
    assert own_server.process is not None
    old = own_server.process
    chat = Chat(own_server.address)
    members = await chat.members(fresh_name("room"), 2)
    mute = await chat.connect()
    stopping = asyncio.create_task(terminate(own_server))
    await asyncio.gather(*(client.end(ignore_messages=True) for client in members))
    was_alive = not has_ended(old)
    free = await asyncio.to_thread(can_be_bound, own_server.address.pair)
    assert free or not was_alive, "the port is taken while the last connections end"
    launch = fleet.launch(own_server.choice, "successor")
    with ServerProcess(launch, old.port) as successor:
        await asyncio.to_thread(successor.wait_ready)
        await (await chat.connect()).fence()
    mute.abort()
    await stopping
    chat.abort()


def can_be_bound(address: tuple[str, int]) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(address)
            sock.listen()
        except OSError:
            return False
    return True

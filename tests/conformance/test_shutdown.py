"""Rule L5, and what a server says when it can't listen."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable

import pytest
from chinwag_bench.servers.process import ServerProcess

from .chat import Chat, fresh_name
from .client import Client, End
from .handshake import open_socket
from .messages import Message
from .processes import has_ended, process_ids, until
from .servers import Choice, Fleet, Running
from .test_pending_limit import LAG_BYTES, lag

ENDS_WITHIN_S = 5.0
TRIES = 3
AGAIN_AFTER_S = 0.05
TALKERS = 20
TALK_S = 0.3
READ_BUFFER = 2**20


async def terminate(server: Running) -> float:
    """SIGTERM; seconds until the server has ended by itself, with 0."""
    process = server.process
    assert process is not None
    started = time.monotonic()
    os.kill(process.pid, signal.SIGTERM)
    await until(lambda: has_ended(process), "the server's end after SIGTERM")
    took = time.monotonic() - started
    assert process.exit_code == 0, f"it ended with {process.exit_code}"
    return took


async def ends_in_time(
    choice: Choice, fleet: Fleet, setting: str, stop: Callable[[Running], Awaitable[float]]
) -> None:
    """Starts a server and has it stopped, up to three times: the quickest end counts."""
    took = []
    for number in range(TRIES):
        server = fleet.start(choice, f"{setting}-{number}")
        assert server.process is not None
        try:
            took.append(await stop(server))
        finally:
            await asyncio.to_thread(server.process.end_tree)
        if took[-1] <= ENDS_WITHIN_S:
            return
    pytest.fail(f"the end came {min(took):.1f} s after SIGTERM, not within {ENDS_WITHIN_S} s")


@pytest.mark.smoke
@pytest.mark.rules("L5")
async def test_sigterm_closes_everyone_with_1012(own_server: Running) -> None:
    chat = Chat(own_server.address)
    clients = [*await chat.members(fresh_name("room"), 5), await chat.connect()]
    stopping = asyncio.create_task(terminate(own_server))
    ends = await asyncio.gather(*(client.end(ignore_messages=True) for client in clients))
    codes = [ended.code for ended in ends]
    assert codes == [1012] * len(clients), f"1012 was due for each, not {codes}"
    await stopping


@pytest.mark.rules("L5")
async def test_sigterm_again_and_to_all_processes_changes_nothing(own_server: Running) -> None:
    """As a service manager does that stops a group of processes. One client keeps the server from
    ending before the second signal comes.
    """
    chat, pids = Chat(own_server.address), process_ids(own_server)
    clients = await chat.members(fresh_name("room"), 5)
    mute = await chat.connect()
    stopping = asyncio.create_task(terminate(own_server))
    for _ in range(2):
        await asyncio.sleep(AGAIN_AFTER_S)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
    ends = await asyncio.gather(*(client.end(ignore_messages=True) for client in clients))
    codes = [ended.code for ended in ends]
    assert codes == [1012] * len(clients), f"1012 was due for each, not {codes}"
    mute.abort()
    await stopping


@pytest.mark.slow
@pytest.mark.rules("L5")
async def test_sigterm_amid_traffic_ends_within_5_s(own_choice: Choice, fleet: Fleet) -> None:
    """Twenty talk without pause, and everyone is closed with 1012."""
    await ends_in_time(own_choice, fleet, "traffic", stop_amid_traffic)


async def stop_amid_traffic(server: Running) -> float:
    chat, room = Chat(server.address), fresh_name("room")
    talking = [
        asyncio.create_task(talk(member, room)) for member in await chat.members(room, TALKERS)
    ]
    await asyncio.sleep(TALK_S)
    took = await terminate(server)
    codes = [ended.code for ended in await asyncio.gather(*talking)]
    due = due_code(server)
    assert codes == [due] * TALKERS, f"{due} was due for each, not {codes}"
    return took


@pytest.mark.slow
@pytest.mark.rules("L5", "R11")
@pytest.mark.parametrize("reads_after_s", [0.1, 1.2])
async def test_what_waits_at_sigterm_comes_before_the_close(
    own_choice: Choice, fleet: Fleet, reads_after_s: float
) -> None:
    """Both sockets are full and 256 KiB wait in the server, for a member that reads on later. Three
    tries: on a machine that is busy it may do so too late.
    """
    fault = None
    for number in range(TRIES):
        server = fleet.start(own_choice, f"backlog-{number}")
        assert server.process is not None
        try:
            fault = await stop_with_a_backlog(server, reads_after_s)
        finally:
            await asyncio.to_thread(server.process.end_tree)
        if fault is None:
            return
    pytest.fail(str(fault))


async def stop_with_a_backlog(server: Running, reads_after_s: float) -> str | None:
    """What the member finds missing."""
    chat = Chat(server.address)
    try:
        room, lagging = await lag(chat)
        while room.waiting_bytes() < LAG_BYTES:
            await room.send_batch()
            assert not room.departed, f"let go with {room.waiting_bytes():,} bytes waiting"
        lagging.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, READ_BUFFER)
        stopping = asyncio.create_task(terminate(server))
        await asyncio.sleep(reads_after_s)
        came, end = await until_the_end(lagging)
        await stopping
    finally:
        chat.abort()
    numbers = [int(one["content"].split()[0]) for one in came if one["type"] == "message"]
    if numbers != list(range(room.sent)):
        return f"{len(numbers)} of {room.sent} messages came"
    return None if end.code == due_code(server) else f"{due_code(server)} was due, not {end}"


async def until_the_end(client: Client) -> tuple[list[Message], End]:
    came: list[Message] = []
    while not isinstance(outcome := await client.receive_or_end(), End):
        came.append(outcome)
    return came, outcome


def due_code(server: Running) -> int:
    """Engine.IO's closes say nothing: 1005."""
    return 1012 if server.choice.transport == "websocket" else 1005


async def talk(member: Client, room: str) -> End:
    """Sends a message and reads until it has it back, again and again, up to the end."""
    while True:
        await member.send(type="message", room=room, content="talk")
        while not isinstance(message := await member.receive_or_end(), End):
            if message.get("user") == member.user:
                break
        else:
            return message


@pytest.mark.rules("L5", "L6")
async def test_sigterm_does_not_wait_for_the_unresponsive(own_choice: Choice, fleet: Fleet) -> None:
    """One ignores the close, one stopped in the middle of a frame, one never sent a request."""
    await ends_in_time(own_choice, fleet, "unresponsive", stop_beside_the_unresponsive)


async def stop_beside_the_unresponsive(server: Running) -> float:
    chat = Chat(server.address)
    try:
        await chat.connect()
        cut_off = await chat.connect()
        await cut_off.send_bytes(b"\x81\xfe\x01")
        with await open_socket(server.address):
            return await terminate(server)
    finally:
        chat.abort()


@pytest.mark.rules("L5")
async def test_a_port_in_use_is_said_in_one_line(own_choice: Choice, fleet: Fleet) -> None:
    launch = fleet.launch(own_choice, "port-in-use")
    with socket.socket() as taken:
        taken.bind((launch.host, 0))
        taken.listen()
        process = ServerProcess(launch, taken.getsockname()[1])
        try:
            await until(lambda: has_ended(process), "the end of a server whose port is taken")
        finally:
            process.end_tree()
    assert process.exit_code != 0
    lines = process.log_tail().splitlines()
    assert len(lines) == 1, f"one line was due, not {lines}"

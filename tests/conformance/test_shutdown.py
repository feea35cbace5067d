"""Rule L5, and what a server says when it can't listen."""

from __future__ import annotations

import asyncio
import signal
import socket

import pytest
from chinwag_bench.errors import ServerError
from chinwag_bench.servers.process import ServerProcess

from .chat import Chat, fresh_name
from .handshake import open_socket
from .processes import until
from .servers import Choice, Fleet, Running


async def stop(server: Running) -> int | None:
    """SIGTERM, and the exit code; None if the server had to be killed after the protocol's time."""
    assert server.process is not None
    return await asyncio.to_thread(server.process.stop, signal.SIGTERM)


@pytest.mark.smoke
@pytest.mark.rules("L5")
async def test_sigterm_closes_everyone_with_1012(own_server: Running) -> None:
    chat = Chat(own_server.address)
    clients = [*await chat.members(fresh_name("room"), 5), await chat.connect()]
    stopping = asyncio.create_task(stop(own_server))
    ends = await asyncio.gather(*(client.end(ignore_messages=True) for client in clients))
    assert [ended.code for ended in ends] == [1012] * len(clients)
    assert await stopping == 0


@pytest.mark.rules("L5", "L6")
async def test_sigterm_does_not_wait_for_the_unresponsive(own_server: Running) -> None:
    """One ignores the close, one stopped in the middle of a frame, one never sent a request."""
    chat = Chat(own_server.address)
    await chat.connect()
    cut_off = await chat.connect()
    await cut_off.send_bytes(b"\x81\xfe\x01")
    with await open_socket(own_server.address):
        assert await stop(own_server) == 0
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


def has_ended(process: ServerProcess) -> bool:
    try:
        process.check_alive()
    except ServerError:
        return True
    return False

"""How a server is started: the address it listens on, its workers, and settings that are wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from chinwag_bench.servers.process import ServerProcess

from .chat import Chat, expect_all, fence_all, fresh_name
from .handshake import Address, get, open_socket
from .processes import has_ended, until
from .servers import Choice, Fleet, Running

OTHER_HOST = "127.0.0.2"
WORKERS = 2
MEMBERS = 12
"""Enough that each of two workers has some, whoever the kernel gives a connection to."""
ENDS_WITHIN_S = 15.0


@pytest.fixture
def elsewhere(own_choice: Choice, fleet: Fleet) -> Iterator[Address]:
    yield from address_of(fleet.start(own_choice, "elsewhere", host=OTHER_HOST))


def address_of(server: Running) -> Iterator[Address]:
    yield server.address
    assert server.process is not None
    server.process.stop()


@pytest.mark.rules("H1")
async def test_it_listens_on_the_address_that_it_is_told(elsewhere: Address) -> None:
    """And on no other one."""
    chat = Chat(elsewhere)
    await (await chat.connect()).fence()
    assert (await get(elsewhere, "/health")).status == 200
    with pytest.raises(ConnectionRefusedError):
        await open_socket(Address("127.0.0.1", elsewhere.port))
    chat.abort()


@pytest.fixture
def shared_out(own_choice: Choice, fleet: Fleet) -> Iterator[Address]:
    yield from address_of(fleet.start(own_choice, "workers", workers=WORKERS))


@pytest.mark.rules("R1", "R7", "R10", "R11", "D1", "D2")
async def test_two_workers_are_one_server(shared_out: Address) -> None:
    """Rooms and users are the same for everybody, wherever their connections are served."""
    chat, room = Chat(shared_out), fresh_name("room")
    members = await chat.members(room, MEMBERS)
    for sender in members[:4]:
        await sender.send(type="message", room=room, content=sender.user)
        await expect_all(members, type="message", user=sender.user, content=sender.user)
    for receiver in members:
        await members[0].send(type="direct", to=receiver.user, content="just you")
        await receiver.expect(type="direct", user=members[0].user)
    await fence_all(members)
    gone = members.pop()
    gone.abort()
    await expect_all(members, type="user_left", room=room, user=gone.user)
    await members[0].send(type="direct", to=gone.user, content="anyone?")
    await members[0].expect_error("no_such_user")
    chat.abort()


BAD_SETTINGS = {
    "a port that is no number": {"CHAT_PORT": "x"},
    "a port beyond 65535": {"CHAT_PORT": "70000"},
    "a backlog that is no number": {"CHAT_BACKLOG": "many"},
    "a backlog of nobody": {"CHAT_BACKLOG": "0"},
    "a backlog below nobody": {"CHAT_BACKLOG": "-1"},
    "pings into the past": {"CHAT_PING_INTERVAL_MS": "-1"},
    "an idle timeout into the past": {"CHAT_IDLE_TIMEOUT_MS": "-1"},
    "a host that is no address": {"CHAT_HOST": "256.0.0.1"},
}


BAD_DELAYS = ["-1", "0", "60001", "1e3", "1000000000", "99999999999999999999", "x"]


@pytest.mark.rules("L5")
@pytest.mark.parametrize("env", BAD_SETTINGS.values(), ids=BAD_SETTINGS)
async def test_a_setting_that_can_t_be_served_is_said_in_one_line(
    own_choice: Choice, fleet: Fleet, env: dict[str, str]
) -> None:
    await is_said_in_one_line(own_choice, fleet, env)


@pytest.mark.variant("coalesced")
@pytest.mark.rules("L5")
@pytest.mark.parametrize("delay", BAD_DELAYS)
async def test_a_write_delay_out_of_bounds_is_said_in_one_line(
    own_choice: Choice, fleet: Fleet, delay: str
) -> None:
    await is_said_in_one_line(own_choice, fleet, {"CHAT_WRITE_DELAY_MS": delay})


async def is_said_in_one_line(choice: Choice, fleet: Fleet, env: dict[str, str]) -> None:
    process = ServerProcess(fleet.launch(choice, "bad-setting", **env), 4000)
    try:
        await until(
            lambda: has_ended(process), "the end of a server that can't listen", ENDS_WITHIN_S
        )
    finally:
        await asyncio.to_thread(process.end_tree)
    assert process.exit_code != 0
    lines = process.log_tail().splitlines()
    assert len(lines) == 1, f"one line was due, not {lines}"

"""Faults that a client asks for: real with CHAT_FAULTS=1, and nothing at all without it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from .chat import Chat, fresh_name
from .client import Client
from .servers import Choice, Fleet, Running

SPIN_MS = 400
SAID_WITHIN_S = 5.0
BUILD = "seven"


@pytest.fixture
def faulty_server(own_choice: Choice, fleet: Fleet) -> Iterator[Running]:
    target = own_choice.target
    assert target is not None
    if target.server.manifest.faults is None:
        pytest.skip(f"{own_choice.id}: no [faults] in its server.toml")
    running = fleet.start(own_choice, "faulty", CHAT_FAULTS="1", CHAT_BUILD=BUILD)
    yield running
    assert running.process is not None
    running.process.stop()


async def ask(client: Client, room: str, choice: Choice, fault: str, ms: int = 0) -> None:
    """In the form that the manifest names."""
    assert choice.target is not None
    faults = choice.target.server.manifest.faults
    if faults is not None and faults.form == "content":
        await client.send(type="message", room=room, content=f"{fault} {ms}")
    else:
        await client.send(type=fault, ms=ms)


@pytest.mark.smoke
@pytest.mark.rules("B1")
async def test_a_crash_that_was_asked_for_is_in_the_server_s_log(faulty_server: Running) -> None:
    """Whatever it costs: the message, the connection, or the process."""
    room = fresh_name("room")
    client = await Chat(faulty_server.address).member(room)
    await ask(client, room, faulty_server.choice, "__crash")
    # A library may close the connection first, and log what happened once its close is answered.
    reading = asyncio.create_task(client.receive_or_end())
    assert faulty_server.process is not None
    log = faulty_server.process.launch.log
    assert log is not None
    deadline = time.monotonic() + SAID_WITHIN_S
    while "__crash was asked for" not in log.read_text(errors="replace"):
        assert time.monotonic() < deadline, "its log does not tell of a crash"
        await asyncio.sleep(0.02)
    reading.cancel()


@pytest.mark.rules("B1")
async def test_who_asks_for_a_stuck_handler_is_not_served_meanwhile(faulty_server: Running) -> None:
    room = fresh_name("room")
    client = await Chat(faulty_server.address).member(room)
    started = time.monotonic()
    await ask(client, room, faulty_server.choice, "__spin", SPIN_MS)
    await client.send(type="message", room=room, content="behind it")
    while (await client.expect(type="message"))["content"] != "behind it":
        continue
    assert time.monotonic() - started >= SPIN_MS / 1000


@pytest.mark.smoke
@pytest.mark.rules("B2")
async def test_the_asker_alone_is_told_which_build_serves_it(faulty_server: Running) -> None:
    choice = faulty_server.choice
    assert choice.target is not None
    room = fresh_name("room")
    chat = Chat(faulty_server.address)
    other = await chat.member(room)
    asker = await chat.member(room)
    await other.expect(type="user_joined")
    await ask(asker, room, choice, "__build")
    # Where another build is other code, no variable need name it.
    known = {BUILD, "1"} if choice.target.hot_upgrade.commands else {BUILD}
    assert await told_build(asker) in known
    await asker.send(type="message", room=room, content="behind it")
    await other.expect(type="message", content="behind it")


async def told_build(client: Client) -> str:
    """By a message of its own type, or by a content. Fails if something else is the answer."""
    answer = await client.receive()
    assert answer["type"] in ("__build", "direct", "message"), answer
    if answer["type"] == "__build":
        assert set(answer) - {"timestamp"} == {"type", "build"}
        return str(answer["build"])
    kind, name = answer["content"].split(" ")
    assert kind == "__build"
    return str(name)


@pytest.mark.rules("B1", "B2", "C4")
async def test_nobody_can_ask_a_server_for_faults_that_was_not_told_to(chat: Chat) -> None:
    room = fresh_name("room")
    client = await chat.member(room)
    started = time.monotonic()
    await client.send(type="__crash", ms=0)
    await client.send(type="__spin", ms=3_600_000)
    await client.send(type="__kill", ms=0)
    await client.send(type="__build", ms=0)
    await client.send(type="message", room=room, content="__crash 0")
    await client.expect(type="message", content="__crash 0")
    await client.fence()
    assert time.monotonic() - started < 3_600

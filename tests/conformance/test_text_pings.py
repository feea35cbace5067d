"""Rules L1 and L2 where the server's pings are texts of the transport, not WebSocket pings."""

from __future__ import annotations

import asyncio

import pytest

from .chat import Chat, fresh_name
from .client import End
from .conftest import BRISK_IDLE_MS

pytestmark = pytest.mark.transport("engine.io", "wse", "centrifugo")

CLOSES = {"centrifugo": End(3012, "no pong")}
"""How a transport says that a ping was not answered, where it has a word for it."""
IDLE_S = BRISK_IDLE_MS / 1000


@pytest.mark.rules("L1", "L2")
async def test_pings_come_and_answering_them_is_enough(brisk_chat: Chat) -> None:
    client = await brisk_chat.connect()
    receiving = asyncio.create_task(client.receive())
    await asyncio.sleep(2 * IDLE_S)
    assert not receiving.done(), "nothing was due, and no end though every ping was answered"
    assert len(client.pings) >= 2
    await client.send(type="heartbeat")
    assert (await receiving)["type"] == "heartbeat"


@pytest.mark.rules("L2", "R7")
async def test_silence_ends_the_connection(brisk_chat: Chat) -> None:
    room = fresh_name("room")
    witness, silent = await brisk_chat.members(room, 2)
    silent.answers_pings = False
    hears = asyncio.create_task(witness.expect(type="user_left", user=silent.user))
    ended = await silent.end()
    assert ended == CLOSES.get(brisk_chat.address.transport, ended)
    await hears

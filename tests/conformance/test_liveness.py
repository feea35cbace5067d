"""Rules L1 and L2, on a server whose timers are short."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from . import frames
from .chat import Chat, fresh_name
from .client import Client, End
from .conftest import BRISK_IDLE_MS, BRISK_PING_MS
from .deadline import timeout
from .frames import Opcode

IDLE_S = BRISK_IDLE_MS / 1000
PING_S = BRISK_PING_MS / 1000
CLOSED_WITHIN_S = 15.0


@pytest.mark.rules("L1", "L2")
async def test_pings_come_and_a_pong_is_a_sign_of_life(brisk_chat: Chat) -> None:
    """Pings are answered for twice the idle timeout, and nothing else is sent."""
    client = await brisk_chat.connect()
    started = time.monotonic()
    while time.monotonic() - started < 2 * IDLE_S:
        frame = await client.receive_frame()
        assert frame is not None, "the connection ended though every ping was answered"
        assert frame.opcode == Opcode.PING, f"a ping was due, not {frame}"
        await client.send_frame(Opcode.PONG, frame.payload)
        client.pings.append(frame.payload)
    assert len(client.pings) >= 2
    assert len(client.pings) <= (time.monotonic() - started) / PING_S + 2
    await client.fence()


@pytest.mark.rules("L2", "R7")
async def test_silence_is_closed_with_1001(brisk_chat: Chat) -> None:
    room = fresh_name("room")
    witness = await brisk_chat.member(room)
    silent = await brisk_chat.member(room)
    silent.answers_pings = False
    await witness.expect(type="user_joined", user=silent.user)
    started = time.monotonic()
    hears = asyncio.create_task(witness.expect(type="user_left", user=silent.user))
    try:
        async with timeout(CLOSED_WITHIN_S):
            ended = await silent.end()
    except asyncio.TimeoutError:
        hears.cancel()
        pytest.fail(f"not closed within {CLOSED_WITHIN_S} s")
    assert ended == End(1001, "Heartbeat timeout")
    assert time.monotonic() - started > 0.9 * IDLE_S, "closed before the idle timeout"
    await hears


BEHIND = 200
"""Messages of 1 KiB: more than fits into a socket that is not read."""


@pytest.mark.rules("L1", "L2")
async def test_who_is_always_behind_is_asked_for_a_sign_of_life(brisk_chat: Chat) -> None:
    """A member that only reads, and slowly: something always waits for it. It answers pings."""
    room = fresh_name("room")
    sender = await brisk_chat.member(room)
    slow = await brisk_chat.connect(receive_buffer=8192)
    await slow.join(room)
    await sender.expect(type="user_joined", user=slow.user)
    hears = asyncio.create_task(hear_all(sender))
    said = heard = 0
    started = time.monotonic()
    while time.monotonic() - started < 2 * IDLE_S:
        while said < heard + BEHIND:
            await sender.send(type="message", room=room, content=f"{said} {'x' * 1024}")
            said += 1
        message = await slow.receive()
        assert message["content"].startswith(f"{heard} "), message["content"][:20]
        heard += 1
        await asyncio.sleep(0.001)
    hears.cancel()


async def hear_all(member: Client) -> None:
    with contextlib.suppress(OSError):  # it is gone with the test
        while True:
            await member.receive()


IGNORED = frames.encode(Opcode.TEXT, b'{"type":"dance"}')
SIGNS = [IGNORED, frames.encode(Opcode.PING), frames.encode(Opcode.PONG)]


@pytest.mark.rules("L2")
async def test_any_frame_is_a_sign_of_life(brisk_chat: Chat) -> None:
    await asyncio.gather(*(stays(brisk_chat, sign) for sign in SIGNS))


async def stays(chat: Chat, sign: bytes) -> None:
    """Tries again where this machine was too slow to send in time: such a try says nothing."""
    while not await _outlives_the_timeout(await chat.connect(), sign):
        continue


async def _outlives_the_timeout(client: Client, sign: bytes) -> bool:
    """Whether the try counts. Without answering a ping, the client must be served in the end."""
    started = last = time.monotonic()
    longest_gap = 0.0
    while last - started < 1.5 * IDLE_S:
        await asyncio.sleep(IDLE_S / 10)
        await client.send_bytes(sign)
        now = time.monotonic()
        longest_gap, last = max(longest_gap, now - last), now
    if longest_gap > IDLE_S / 2:
        return False
    await client.send_frame(Opcode.PING, b"alive")
    while await client.pong() != b"alive":
        continue
    return True

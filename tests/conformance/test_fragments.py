"""Rules F2, F6 and F7: a message in very many fragments takes time in proportion to them."""

from __future__ import annotations

import time

import pytest

from . import frames
from .chat import Chat
from .client import Client
from .frames import Opcode

HEARTBEAT = b'{"type":"heartbeat"}'
FEW, MANY = 10_000, 100_000
RATIO_MAX = 40.0
"""Ten times the fragments: linear work takes 10 times as long, quadratic work 100 times."""
TRIES, REPEATS = 4, 3


def in_fragments(count: int) -> bytes:
    """A heartbeat padded with spaces, in ``count`` fragments: every second one is empty, so that
    100,000 keep below the limit of 65,536 bytes. All others have one byte.
    """
    text = HEARTBEAT.ljust(count // 2)
    empty = frames.encode(Opcode.CONTINUATION, b"", fin=False)
    pieces = [frames.encode(Opcode.CONTINUATION, text[at : at + 1], fin=False) for at in range(20)]
    space = frames.encode(Opcode.CONTINUATION, b" ", fin=False)
    pieces += [space] * (len(text) - 20)
    pieces[0] = frames.encode(Opcode.TEXT, text[:1], fin=False)
    return empty.join(pieces) + frames.encode(Opcode.CONTINUATION)


async def served_in_s(client: Client, data: bytes) -> float:
    started = time.perf_counter()
    await client.send_bytes(data)
    await client.expect(type="heartbeat")
    return time.perf_counter() - started


@pytest.mark.rules("F2", "F6", "L6")
async def test_100_000_fragments_are_served_in_linear_time(chat: Chat) -> None:
    """The best of several each, and several tries: noise can't make linear work look quadratic in
    all of them, and quadratic work does so in every one.
    """
    client = await chat.connect()
    few, many = in_fragments(FEW), in_fragments(MANY)
    ratios = []
    for _ in range(TRIES):
        shorter = min([await served_in_s(client, few) for _ in range(REPEATS)])
        longer = min([await served_in_s(client, many) for _ in range(REPEATS)])
        ratios.append(longer / shorter)
        if ratios[-1] < RATIO_MAX:
            return
    pytest.fail(f"10 times the fragments take {min(ratios):.0f} times as long")


@pytest.mark.rules("F7", "L6")
async def test_fragments_of_one_byte_over_the_limit_close_with_1009(chat: Chat) -> None:
    client, bystander = await chat.connect(), await chat.connect()
    one = frames.encode(Opcode.CONTINUATION, b" ", fin=False)
    await client.send_bytes(frames.encode(Opcode.TEXT, b"{", fin=False) + one * MANY)
    assert (await client.end()).code == 1009
    await bystander.fence()


@pytest.mark.rules("F2", "L6")
async def test_empty_fragments_without_end_hurt_nobody(chat: Chat) -> None:
    """They never reach the limit of a message: nothing of them may be kept."""
    client, bystander = await chat.connect(), await chat.connect()
    empty = frames.encode(Opcode.CONTINUATION, b"", fin=False)
    await client.send_bytes(frames.encode(Opcode.TEXT, b"", fin=False) + empty * MANY)
    await bystander.fence()
    await client.send_frame(Opcode.CONTINUATION, HEARTBEAT)
    await client.served_or_ended(1009, None)
    await bystander.fence()


@pytest.mark.rules("F1", "F2")
async def test_control_frames_between_all_fragments_are_answered_in_order(chat: Chat) -> None:
    client = await chat.connect()
    for number, value in enumerate(HEARTBEAT):
        await client.send_frame(Opcode.PING, b"%d" % number)
        opcode = Opcode.CONTINUATION if number else Opcode.TEXT
        await client.send_frame(opcode, bytes([value]), fin=number == len(HEARTBEAT) - 1)
    for number in range(len(HEARTBEAT)):
        assert await client.pong() == b"%d" % number
    await client.expect(type="heartbeat")

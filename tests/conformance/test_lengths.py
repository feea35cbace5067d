"""Rules F6, F7 and F13: what the length of a frame says, in 7, 16 or 64 bits."""

from __future__ import annotations

import pytest

from . import frames
from .chat import Chat
from .frames import Opcode

HEARTBEAT = b'{"type":"heartbeat"}'
SLOW_BYTES = 14
"""A header of the longest form, with its masking key."""


def padded(length: int) -> bytes:
    return HEARTBEAT[:-1] + b" " * (length - len(HEARTBEAT)) + b"}"


@pytest.mark.rules("F6")
@pytest.mark.parametrize("size", [125, 126, 127, 65_535, 65_536])
async def test_a_length_that_comes_byte_by_byte_is_served(chat: Chat, size: int) -> None:
    client = await chat.connect()
    frame = frames.encode(Opcode.TEXT, padded(size))
    await client.send_slowly(frame[:SLOW_BYTES])
    await client.send_bytes(frame[SLOW_BYTES:])
    await client.expect(type="heartbeat")


@pytest.mark.rules("F7", "L6")
@pytest.mark.parametrize("length", [65_537, 2**20, 2**31, 2**32, 2**32 + 20, 2**62, 2**63 - 1])
async def test_a_length_over_the_limit_is_refused_before_the_bytes_come(
    chat: Chat, length: int
) -> None:
    client, bystander = await chat.connect(), await chat.connect()
    await client.send_bytes(frames.header(Opcode.TEXT, length) + frames.MASK)
    assert (await client.end()).code == 1009
    await bystander.fence()


@pytest.mark.rules("F7", "L6")
@pytest.mark.parametrize("length", [65_537, 2**32, 2**62])
async def test_a_fragment_over_the_limit_is_refused_before_the_bytes_come(
    chat: Chat, length: int
) -> None:
    """By its own length. A sum over the limit may be noticed when the bytes are there."""
    client = await chat.connect()
    await client.send_frame(Opcode.TEXT, HEARTBEAT, fin=False)
    await client.send_bytes(frames.header(Opcode.CONTINUATION, length) + frames.MASK)
    assert (await client.end()).code == 1009


ABSURD = {
    "2^63": frames.header(Opcode.TEXT, 2**63),
    "2^64 - 1": frames.header(Opcode.TEXT, 2**64 - 1),
    "a ping of 2^62": frames.header(Opcode.PING, 2**62),
    "2^63 - 1 after a fragment": frames.encode(Opcode.TEXT, HEARTBEAT, fin=False)
    + frames.header(Opcode.CONTINUATION, 2**63 - 1),
    "2^64 - 20 after a fragment": frames.encode(Opcode.TEXT, HEARTBEAT, fin=False)
    + frames.header(Opcode.CONTINUATION, 2**64 - 20),
}


@pytest.mark.rules("F13", "L6")
@pytest.mark.parametrize("header", ABSURD.values(), ids=ABSURD)
async def test_an_absurd_length_ends_the_connection(chat: Chat, header: bytes) -> None:
    """Also where a sum with it would not fit into 64 bits."""
    client, bystander = await chat.connect(), await chat.connect()
    await client.send_bytes(header + frames.MASK)
    assert (await client.end()).code in (1002, 1009, None)
    await bystander.fence()


# The shortest form of each payload, and the longer ones that RFC 6455 (5.2) forbids.
LONGER_FORMS = [(0, 3), (0, 9), (20, 3), (20, 9), (125, 3), (125, 9), (126, 9), (65_535, 9)]


@pytest.mark.rules("F13")
@pytest.mark.parametrize(("size", "length_bytes"), LONGER_FORMS)
async def test_a_length_in_too_many_bytes_is_served_or_refused(
    chat: Chat, size: int, length_bytes: int
) -> None:
    """In a data frame; an empty one is the first fragment."""
    client, bystander = await chat.connect(), await chat.connect()
    payload = padded(size) if size else b""
    await client.send_bytes(
        frames.encode(Opcode.TEXT, payload, fin=size > 0, length_bytes=length_bytes)
    )
    if size == 0:
        await client.send_frame(Opcode.CONTINUATION, HEARTBEAT)
    await client.served_or_ended(1002, None)
    await bystander.fence()


@pytest.mark.rules("F13", "F9")
@pytest.mark.parametrize("length_bytes", [3, 9])
@pytest.mark.parametrize("opcode", [Opcode.PING, Opcode.PONG])
async def test_a_control_frame_s_length_in_too_many_bytes_is_served_or_refused(
    chat: Chat, opcode: Opcode, length_bytes: int
) -> None:
    client, bystander = await chat.connect(), await chat.connect()
    await client.send_bytes(frames.encode(opcode, b"x", length_bytes=length_bytes))
    await client.send_text(HEARTBEAT)
    await client.served_or_ended(1002, None)
    await bystander.fence()


@pytest.mark.rules("F6")
@pytest.mark.parametrize("key", [bytes(4), b"\xff" * 4, b"\x00\x00\x00\x01"], ids=bytes.hex)
async def test_any_masking_key_is_served(chat: Chat, key: bytes) -> None:
    """Zeros too: RFC 6455 asks for keys that can't be guessed, not for a check of it."""
    client = await chat.connect()
    masked = bytes(value ^ key[at % 4] for at, value in enumerate(HEARTBEAT))
    await client.send_bytes(frames.header(Opcode.TEXT, len(masked)) + key + masked)
    await client.expect(type="heartbeat")

"""Rules F1 to F7: frames, fragments, UTF-8 and sizes."""

from __future__ import annotations

import json

import pytest

from . import frames
from .chat import Chat, fresh_name
from .client import End
from .frames import Opcode

PAYLOAD_MAX = 65_536
HEARTBEAT = b'{"type":"heartbeat"}'


def padded(
    length: int, prefix: bytes = b'{"type":"heartbeat","pad":"', fill: bytes = b"x"
) -> bytes:
    """A request of exactly ``length`` bytes."""
    return prefix + fill * (length - len(prefix) - 2) + b'"}'


@pytest.mark.smoke
@pytest.mark.rules("F1")
@pytest.mark.parametrize("size", [0, 1, 125])
async def test_a_ping_is_answered_with_its_payload(chat: Chat, size: int) -> None:
    client = await chat.connect()
    payload = bytes(range(size))
    await client.send_frame(Opcode.PING, payload)
    assert await client.pong() == payload
    await client.fence()


@pytest.mark.rules("F1", "L2")
async def test_a_pong_nobody_asked_for_is_ignored(chat: Chat) -> None:
    client = await chat.connect()
    await client.send_frame(Opcode.PONG, b"unasked")
    await client.fence()


@pytest.mark.smoke
@pytest.mark.rules("F2")
async def test_fragments_are_one_message(chat: Chat) -> None:
    client = await chat.connect()
    await client.send_frame(Opcode.TEXT, HEARTBEAT[:5], fin=False)
    await client.send_frame(Opcode.CONTINUATION, HEARTBEAT[5:9], fin=False)
    await client.send_frame(Opcode.CONTINUATION, b"", fin=False)
    await client.send_frame(Opcode.CONTINUATION, HEARTBEAT[9:])
    await client.expect(type="heartbeat")
    await client.fence()


@pytest.mark.rules("F2")
async def test_fragments_of_one_byte_are_one_message(chat: Chat) -> None:
    client = await chat.connect()
    request = padded(500)
    await client.send_frame(Opcode.TEXT, request[:1], fin=False)
    for value in request[1:-1]:
        await client.send_frame(Opcode.CONTINUATION, bytes([value]), fin=False)
    await client.send_frame(Opcode.CONTINUATION, request[-1:])
    await client.expect(type="heartbeat")


@pytest.mark.rules("F2")
async def test_an_empty_first_fragment_is_served(chat: Chat) -> None:
    client = await chat.connect()
    await client.send_frame(Opcode.TEXT, b"", fin=False)
    await client.send_frame(Opcode.CONTINUATION, HEARTBEAT)
    await client.expect(type="heartbeat")


@pytest.mark.smoke
@pytest.mark.rules("F1", "F2")
async def test_a_ping_between_fragments_is_answered_at_once(chat: Chat) -> None:
    client = await chat.connect()
    await client.send_frame(Opcode.TEXT, HEARTBEAT[:7], fin=False)
    await client.send_frame(Opcode.PING, b"between")
    assert await client.pong() == b"between"
    await client.send_frame(Opcode.PONG)
    await client.send_frame(Opcode.CONTINUATION, HEARTBEAT[7:])
    await client.expect(type="heartbeat")


@pytest.mark.rules("F2", "F8")
async def test_a_close_between_fragments_is_answered(chat: Chat) -> None:
    client = await chat.connect()
    await client.send_frame(Opcode.TEXT, HEARTBEAT[:7], fin=False)
    assert (await client.close()).code in (1000, 1005)


@pytest.mark.smoke
@pytest.mark.rules("F3")
@pytest.mark.parametrize("cut", [1, 2, 3])
async def test_a_code_point_split_between_fragments_is_served(chat: Chat, cut: int) -> None:
    room = fresh_name("room")
    client = await chat.member(room)
    request = json.dumps(
        {"type": "message", "room": room, "content": "a😀b"}, ensure_ascii=False
    ).encode()
    at = request.index("😀".encode()) + cut
    await client.send_frame(Opcode.TEXT, request[:at], fin=False)
    await client.send_frame(Opcode.CONTINUATION, request[at:])
    await client.expect(type="message", content="a😀b")


@pytest.mark.rules("F2", "F3")
async def test_bytes_that_come_one_by_one_are_served(chat: Chat) -> None:
    """Covers every cut of a frame: in its header, its length, its masking key, a code point."""
    room = fresh_name("room")
    client = await chat.member(room)
    content = "é€😀" + "x" * 120
    request = json.dumps({"type": "message", "room": room, "content": content}, ensure_ascii=False)
    data = request.encode()
    await client.send_slowly(
        frames.encode(Opcode.PING, b"slow")
        + frames.encode(Opcode.TEXT, data[:150], fin=False)
        + frames.encode(Opcode.CONTINUATION, data[150:])
    )
    assert await client.pong() == b"slow"
    await client.expect(type="message", content=content)


@pytest.mark.rules("F2", "R10")
async def test_many_frames_in_one_segment_are_served_in_order(chat: Chat) -> None:
    room = fresh_name("room")
    client = await chat.member(room)
    burst = [
        frames.encode(
            Opcode.TEXT,
            json.dumps({"type": "message", "room": room, "content": str(number)}).encode(),
        )
        for number in range(100)
    ]
    await client.send_bytes(b"".join(burst))
    for number in range(100):
        await client.expect(type="message", content=str(number))
    await client.fence()


@pytest.mark.smoke
@pytest.mark.rules("F4")
@pytest.mark.parametrize("last", [b"", b'"}'], ids=["cut short", "not continued"])
async def test_utf8_broken_across_fragments_closes_with_1007(chat: Chat, last: bytes) -> None:
    client = await chat.connect()
    await client.send_frame(Opcode.TEXT, b'{"type":"heartbeat","x":"\xf0\x9f', fin=False)
    await client.send_frame(Opcode.CONTINUATION, last)
    assert (await client.end()).code == 1007


@pytest.mark.smoke
@pytest.mark.rules("F5")
@pytest.mark.parametrize("payload", [b"", HEARTBEAT, b"\xff\x00"], ids=["empty", "json", "bytes"])
async def test_a_binary_message_closes_with_1003(chat: Chat, payload: bytes) -> None:
    client = await chat.connect()
    await client.send_frame(Opcode.BINARY, payload)
    assert await client.end() == End(1003, "Malformed message")


@pytest.mark.smoke
@pytest.mark.rules("F6")
@pytest.mark.parametrize("size", [125, 126, 127, 65_535, PAYLOAD_MAX])
async def test_sizes_up_to_the_limit_are_served(chat: Chat, size: int) -> None:
    client = await chat.connect()
    await client.send_text(padded(size))
    await client.expect(type="heartbeat")


@pytest.mark.rules("F6")
@pytest.mark.parametrize("parts", [2, 7, 64])
async def test_fragments_up_to_the_limit_are_served(chat: Chat, parts: int) -> None:
    client = await chat.connect()
    await client.send_bytes(fragmented(padded(PAYLOAD_MAX), parts))
    await client.expect(type="heartbeat")


@pytest.mark.rules("F6", "R9", "R11")
async def test_the_longest_content_arrives_whole(chat: Chat) -> None:
    room = fresh_name("room")
    client = await chat.member(room)
    prefix = b'{"type":"message","room":"%s","content":"' % room.encode()
    content = "é" * ((PAYLOAD_MAX - len(prefix) - 2) // 2)
    await client.send_text(prefix + content.encode() + b'"}')
    await client.expect(type="message", content=content)


@pytest.mark.smoke
@pytest.mark.rules("F7")
@pytest.mark.parametrize("size", [PAYLOAD_MAX + 1, 4 * PAYLOAD_MAX])
async def test_a_longer_message_closes_with_1009(chat: Chat, size: int) -> None:
    client = await chat.connect()
    await client.send_text(padded(size))
    assert (await client.end()).code == 1009


@pytest.mark.rules("F7")
@pytest.mark.parametrize("parts", [2, 7, 64])
async def test_fragments_over_the_limit_close_with_1009(chat: Chat, parts: int) -> None:
    client = await chat.connect()
    await client.send_bytes(fragmented(padded(PAYLOAD_MAX + 1), parts))
    assert (await client.end()).code == 1009


def fragmented(payload: bytes, parts: int) -> bytes:
    size = -(-len(payload) // parts)
    pieces = [payload[at : at + size] for at in range(0, len(payload), size)]
    return b"".join(
        frames.encode(
            Opcode.TEXT if at == 0 else Opcode.CONTINUATION, piece, fin=at == len(pieces) - 1
        )
        for at, piece in enumerate(pieces)
    )

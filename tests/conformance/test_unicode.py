"""Rules F3 and F4: every way in which UTF-8 is right or wrong, cut at every byte."""

from __future__ import annotations

import json

import pytest

from . import frames
from .chat import Chat, fresh_name
from .client import Client
from .frames import Opcode

# RFC 3629: the first and the last code point of each length, and what lies beside the surrogates.
EDGES = [
    *(0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xCFFF, 0xD000, 0xD7FF, 0xE000),
    *(0xFFFD, 0xFFFE, 0xFFFF, 0x10000, 0x3FFFF, 0x40000, 0xFFFFF, 0x100000, 0x10FFFE, 0x10FFFF),
    *(0xFDD0, 0xFDEF, 0xFEFF, 0x200D, 0x202E, 0x1F600, 0xE0001),
]

WRONG: dict[str, str] = {
    "overlong slash in 2 bytes": "c0 af",
    "overlong NUL in 2 bytes": "c0 80",
    "overlong U+007F in 2 bytes": "c1 bf",
    "overlong slash in 3 bytes": "e0 80 af",
    "overlong U+07FF in 3 bytes": "e0 9f bf",
    "overlong slash in 4 bytes": "f0 80 80 af",
    "overlong U+FFFF in 4 bytes": "f0 8f bf bf",
    "5 bytes": "f8 88 80 80 80",
    "6 bytes": "fc 84 80 80 80 80",
    "first surrogate": "ed a0 80",
    "last leading surrogate": "ed af bf",
    "first trailing surrogate": "ed b0 80",
    "last surrogate": "ed bf bf",
    "a pair of surrogates": "ed a0 bd ed b8 80",
    "U+110000": "f4 90 80 80",
    "U+13FFFF": "f4 bf bf bf",
    "U+140000": "f5 80 80 80",
    "U+1FFFFF": "f7 bf bf bf",
    "byte c0": "c0",
    "byte c1": "c1",
    "byte f5": "f5",
    "byte fe": "fe",
    "byte ff": "ff",
    "UTF-16 mark, little end first": "ff fe",
    "UTF-16 mark, big end first": "fe ff",
    "continuation alone": "80",
    "last continuation alone": "bf",
    "continuation too many after 2": "c3 a9 80",
    "continuation too many after 3": "e2 82 ac 80",
    "continuation too many after 4": "f0 9f 98 80 80",
    "1 of 2 bytes": "c3",
    "1 of 3 bytes": "e2",
    "2 of 3 bytes": "e2 82",
    "1 of 4 bytes": "f0",
    "2 of 4 bytes": "f0 9f",
    "3 of 4 bytes": "f0 9f 98",
    "start in place of a continuation": "e2 c3 a9",
    "latin-1 text": "63 61 66 e9",
}


def request_with(content: bytes, room: str) -> bytes:
    return b'{"type":"message","room":"%s","content":"%s"}' % (room.encode(), content)


@pytest.mark.rules("F4")
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_wrong_utf8_closes_with_1007(chat: Chat, wrong: str) -> None:
    """Inside a string, and as the last bytes of the text."""
    bad = bytes.fromhex(wrong)
    bystander = await chat.connect()
    for text in (b'{"type":"heartbeat","x":"' + bad + b'"}', b'{"type":"heartbeat","x":"' + bad):
        client = await chat.connect()
        await client.send_text(text)
        assert (await client.end()).code == 1007
    await bystander.fence()


@pytest.mark.rules("F4", "F2")
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_wrong_utf8_cut_at_every_byte_closes_with_1007(chat: Chat, wrong: str) -> None:
    """No cut between fragments makes it right: not even one after each byte."""
    bad = bytes.fromhex(wrong)
    text = b'{"type":"heartbeat","x":"' + bad + b'"}'
    start = text.index(bad)
    for at in range(start, start + len(bad) + 1):
        client = await chat.connect()
        await send_cut(client, text, [at])
        assert (await client.end()).code == 1007
    client = await chat.connect()
    await send_cut(client, text, list(range(1, len(text))))
    assert (await client.end()).code == 1007


async def send_cut(client: Client, text: bytes, cuts: list[int]) -> None:
    """One message in fragments that end at ``cuts``."""
    starts, ends = [0, *cuts], [*cuts, len(text)]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        opcode = Opcode.CONTINUATION if number else Opcode.TEXT
        await client.send_frame(opcode, text[start:end], fin=number == len(cuts))


@pytest.mark.smoke
@pytest.mark.rules("F3", "R9")
async def test_code_points_at_the_edges_come_through(chat: Chat) -> None:
    room = fresh_name("room")
    client = await chat.member(room)
    for point in EDGES:
        content = f"a{chr(point)}b"
        await client.send_text(request_with(content.encode(), room))
        await client.expect(type="message", content=content)


@pytest.mark.rules("F3", "R9")
async def test_escaped_code_points_at_the_edges_come_through(chat: Chat) -> None:
    """As UTF-16 escapes, in both cases of the hexadecimal digits."""
    room = fresh_name("room")
    client = await chat.member(room)
    for point in [0, 1, 0x1F, *EDGES]:
        escaped = json.dumps(chr(point)).strip('"').encode()
        for digits in (escaped, escaped.upper().replace(rb"\U", rb"\u")):
            await client.send_text(request_with(digits, room))
            await client.expect(type="message", content=chr(point))


@pytest.mark.rules("F3", "F2")
async def test_text_cut_at_every_byte_by_fragments_comes_through(chat: Chat) -> None:
    room, content = fresh_name("room"), "é€😀\u07ff\u0800\uffff\U0010ffff"
    client = await chat.member(room)
    text = request_with(content.encode(), room)
    for at in range(len(text) + 1):
        await send_cut(client, text, [at])
        await client.expect(type="message", content=content)
    await send_cut(client, text, list(range(1, len(text))))
    await client.expect(type="message", content=content)


@pytest.mark.rules("F3")
async def test_text_cut_at_every_byte_by_segments_comes_through(chat: Chat) -> None:
    """One frame, sent in two pieces with a ping's answer awaited before it: no coalescing."""
    room, content = fresh_name("room"), "é€😀\U0010ffff"
    client = await chat.member(room)
    frame = frames.encode(Opcode.TEXT, request_with(content.encode(), room))
    for at in range(1, len(frame)):
        await client.send_bytes(frames.encode(Opcode.PING, b"%d" % at) + frame[:at])
        assert await client.pong() == b"%d" % at
        await client.send_bytes(frame[at:])
        await client.expect(type="message", content=content)

"""Rules F8 to F11: how connections end."""

from __future__ import annotations

import json
import time
from collections.abc import Collection

import pytest

from . import frames
from .chat import Chat, fresh_name
from .client import MALFORMED, Client
from .frames import Opcode
from .processes import open_descriptors, process_ids, until
from .servers import Choice, Running

FRAMING_END_S = 1.0
UNFINISHED = 20
CUT_OFF_WITHIN_S = 20.0
"""Twice what the rule allows."""

TRIES = 3
"""The best of them counts: a busy machine is not late in all, a server that waits is."""

TEXT = b'{"type":"heartbeat"}'

START = frames.encode(Opcode.TEXT, TEXT[:5], fin=False)
CONTROLS = {"close": Opcode.CLOSE, "ping": Opcode.PING, "pong": Opcode.PONG}

FRAMING_FAULTS: dict[str, bytes] = {
    "unmasked text": frames.encode(Opcode.TEXT, TEXT, masked=False),
    "unmasked ping": frames.encode(Opcode.PING, b"x", masked=False),
    "unmasked close": frames.encode(Opcode.CLOSE, frames.close_payload(1000), masked=False),
    "unmasked continuation": START + frames.encode(Opcode.CONTINUATION, TEXT[5:], masked=False),
    "RSV1": frames.encode(Opcode.TEXT, TEXT, reserved=4),
    "RSV2": frames.encode(Opcode.TEXT, TEXT, reserved=2),
    "RSV3": frames.encode(Opcode.TEXT, TEXT, reserved=1),
    "all reserved bits": frames.encode(Opcode.TEXT, TEXT, reserved=7),
    "RSV1 on a continuation": START + frames.encode(Opcode.CONTINUATION, TEXT[5:], reserved=4),
    **{f"RSV1 on a {name}": frames.encode(code, reserved=4) for name, code in CONTROLS.items()},
    **{f"opcode {code}": frames.encode(code, TEXT) for code in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "opcode 3 inside fragments": START + frames.encode(3, TEXT),
    **{f"fragmented {name}": frames.encode(code, fin=False) for name, code in CONTROLS.items()},
    **{
        f"{name} of {size} bytes": frames.encode(code, b"x" * size)
        for name, code in (("ping", Opcode.PING), ("pong", Opcode.PONG))
        for size in (126, 65_536)
    },
    "close of 126 bytes": frames.encode(Opcode.CLOSE, frames.close_payload(1000, b"x" * 124)),
    "continuation of nothing": frames.encode(Opcode.CONTINUATION, TEXT),
    "empty continuation of nothing": frames.encode(Opcode.CONTINUATION),
    "unfinished continuation of nothing": frames.encode(Opcode.CONTINUATION, TEXT, fin=False),
    "continuation after the end": frames.encode(Opcode.TEXT, b'{"type":"-"}')
    + frames.encode(Opcode.CONTINUATION, TEXT),
    "continuation after fragments' end": frames.encode(Opcode.TEXT, b'{"type":', fin=False)
    + frames.encode(Opcode.CONTINUATION, b'"-"}')
    + frames.encode(Opcode.CONTINUATION, TEXT),
    "text inside fragments": START + frames.encode(Opcode.TEXT, TEXT),
    "binary inside fragments": START + frames.encode(Opcode.BINARY, TEXT),
    "fault after a ping inside fragments": START
    + frames.encode(Opcode.PONG)
    + frames.encode(Opcode.TEXT, TEXT, fin=False),
    **{
        f"close code {code}": frames.encode(Opcode.CLOSE, frames.close_payload(code))
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
    },
}


@pytest.mark.rules("F9", "L6")
@pytest.mark.parametrize("fault", FRAMING_FAULTS)
async def test_a_framing_fault_ends_the_connection(chat: Chat, choice: Choice, fault: str) -> None:
    allowed = {1002} if choice.framing_code_is_due else {1002, None}
    await ends_in_time(chat, FRAMING_FAULTS[fault], allowed)


async def ends_in_time(
    chat: Chat, fault: bytes, allowed: Collection[int | None], *, slowly: bool = False
) -> None:
    """Each try ends with an allowed code, and the quickest one within the protocol's second."""
    took = []
    for _ in range(TRIES):
        client = await chat.connect()
        await (client.send_slowly if slowly else client.send_bytes)(fault)
        started = time.monotonic()
        ended = await client.end()
        took.append(time.monotonic() - started)
        assert ended.code in allowed, f"the end was due with one of {allowed}, not {ended}"
        if took[-1] <= FRAMING_END_S:
            return
    pytest.fail(f"the end came {min(took):.1f} s after the fault, not within {FRAMING_END_S} s")


SHORT_FAULTS = [fault for fault, data in FRAMING_FAULTS.items() if len(data) < 1000]


@pytest.mark.rules("F9", "L6")
@pytest.mark.parametrize("fault", SHORT_FAULTS)
async def test_a_framing_fault_byte_by_byte_ends_the_connection(
    chat: Chat, choice: Choice, fault: str
) -> None:
    """What a server reads at once must not decide what it notices."""
    allowed = {1002} if choice.framing_code_is_due else {1002, None}
    await ends_in_time(chat, FRAMING_FAULTS[fault], allowed, slowly=True)


@pytest.mark.smoke
@pytest.mark.rules("F9", "R7")
async def test_a_framing_fault_costs_its_own_connection_only(chat: Chat) -> None:
    room = fresh_name("room")
    bystander, client = await chat.members(room, 2)
    await client.send_bytes(FRAMING_FAULTS["unmasked text"])
    await bystander.expect(type="user_left", room=room, user=client.user)
    await bystander.fence()


@pytest.mark.smoke
@pytest.mark.rules("F8")
@pytest.mark.parametrize("code", [None, 1000, 1001, 3000, 4999])
async def test_a_close_is_answered(chat: Chat, code: int | None) -> None:
    client = await chat.connect()
    assert (await client.close(code)).code in (code, 1000, 1005)


@pytest.mark.rules("F8")
async def test_a_close_with_the_longest_reason_is_answered(chat: Chat) -> None:
    client = await chat.connect()
    reason = "é".encode() * 61 + b"x"
    await client.send_frame(Opcode.CLOSE, frames.close_payload(1000, reason))
    assert (await client.end()).code in (1000, 1005)


@pytest.mark.rules("F10")
@pytest.mark.parametrize("reason", [b"\xff", b"\xe2\x82"], ids=bytes.hex)
async def test_a_close_reason_that_is_not_utf8_ends_the_connection(
    chat: Chat, reason: bytes
) -> None:
    close = frames.encode(Opcode.CLOSE, frames.close_payload(1000, reason))
    await ends_in_time(chat, close, {1002, 1007, None})


@pytest.mark.rules("F12")
async def test_a_close_of_one_byte_ends_the_connection(chat: Chat) -> None:
    client = await chat.connect()
    await client.send_frame(Opcode.CLOSE, b"\x03")
    assert (await client.end()).code in (1002, 1000, 1005, None)


def room_message(room: str, content: str) -> bytes:
    request = {"type": "message", "room": room, "content": content}
    return frames.encode(Opcode.TEXT, json.dumps(request).encode())


async def expect_only_departure(bystander: Client, room: str, user: str) -> None:
    await bystander.expect(type="user_left", room=room, user=user)
    await bystander.fence()


@pytest.mark.smoke
@pytest.mark.rules("F11", "C1", "R7")
async def test_nothing_is_served_after_the_server_s_close(chat: Chat) -> None:
    room = fresh_name("room")
    bystander, client = await chat.members(room, 2)
    await client.send_bytes(frames.encode(Opcode.TEXT, b"{") + room_message(room, "too late") * 3)
    assert await client.end() == MALFORMED
    await expect_only_departure(bystander, room, client.user)


@pytest.mark.rules("F11", "F8", "R7")
async def test_nothing_is_served_after_the_client_s_close(chat: Chat) -> None:
    room = fresh_name("room")
    bystander, client = await chat.members(room, 2)
    close = frames.encode(Opcode.CLOSE, frames.close_payload(1000))
    await client.send_bytes(close + room_message(room, "too late") * 3)
    assert (await client.end()).code in (1000, 1005, None)
    await expect_only_departure(bystander, room, client.user)


@pytest.mark.rules("F11", "R7")
async def test_who_ignores_a_close_is_gone_all_the_same(chat: Chat) -> None:
    """The client neither reads nor answers the close, and goes on sending."""
    room = fresh_name("room")
    bystander, client = await chat.members(room, 2)
    await client.send_text("{")
    for number in range(10):
        await client.send_bytes(room_message(room, str(number)))
    await expect_only_departure(bystander, room, client.user)


@pytest.mark.slow
@pytest.mark.rules("L13")
@pytest.mark.parametrize("begun_by", ["the server", "the client"])
async def test_who_does_not_finish_a_close_is_cut_off(own_server: Running, begun_by: str) -> None:
    """Neither answers the client a close, nor does it end its side of the TCP connection."""
    chat, pids = Chat(own_server.address), process_ids(own_server)
    last = {
        "the server": frames.encode(Opcode.TEXT, b"{"),
        "the client": frames.encode(Opcode.CLOSE, frames.close_payload(1000)),
    }
    try:
        await chat.connect()
        before = open_descriptors(pids)
        for client in [await chat.connect() for _ in range(UNFINISHED)]:
            await client.send_bytes(last[begun_by])
        # A runtime may have opened a few of its own meanwhile.
        await until(
            lambda: open_descriptors(pids) < before + UNFINISHED // 2,
            "their descriptors to be free",
            CUT_OFF_WITHIN_S,
        )
    finally:
        chat.abort()

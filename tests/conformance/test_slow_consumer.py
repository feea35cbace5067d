"""Rules L3 and L4: a member that does not read costs itself, and nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time

import pytest

from . import frames
from .chat import Chat, fresh_name
from .client import Client, End
from .frames import Opcode
from .messages import Message

CONTENT = "x" * 60_000
RECEIVE_BUFFER = 4096
SENT_ENOUGH_BYTES = 160 * 2**20
"""By then every pending limit is reached, also one of 1,024 messages; from here on only a server
that waits for its socket's send to time out has something left to do, and is given the time."""
PACE_S = 0.02
LET_GO_WITHIN_S = 60.0


@pytest.mark.slow
@pytest.mark.rules("L3", "L4", "R7", "R10", "R11")
async def test_a_member_that_does_not_read_is_let_go(chat: Chat) -> None:
    room = fresh_name("room")
    sender, witness = await chat.members(room, 2)
    slow = await chat.connect(receive_buffer=RECEIVE_BUFFER)
    await slow.join(room)
    for member in (sender, witness):
        await member.expect(type="user_joined", user=slow.user)
    sent = await send_until_left([sender, witness], room, slow.user)
    await sender.fence()
    await witness.fence()
    await ends_within(slow, sent)


async def send_until_left(members: list[Client], room: str, slow_user: str) -> int:
    """Both others get every message, until they hear that the slow one left. Counts messages."""
    left: set[str] = set()
    number = 0
    deadline = time.monotonic() + LET_GO_WITHIN_S
    while len(left) < len(members):
        if number * len(CONTENT) >= SENT_ENOUGH_BYTES:
            assert time.monotonic() < deadline, "nothing was done about the slow member"
            await asyncio.sleep(PACE_S)
        await members[0].send(type="message", room=room, content=f"{number} {CONTENT}")
        for member in members:
            message = await next_message(member, left, slow_user)
            assert message["content"].startswith(f"{number} "), "a message is missing"
        number += 1
    return number


async def next_message(member: Client, left: set[str], slow_user: str) -> Message:
    message = await member.receive()
    if message["type"] == "user_left":
        assert message["user"] == slow_user, f"{message} is not about the slow member"
        assert member.user not in left, "the departure was told twice"
        left.add(member.user)
        message = await member.receive()
    assert message["type"] == "message", f"a message was due, not {message}"
    return message


async def ends_within(slow: Client, sent: int) -> None:
    """What was on its way begins what was sent, without a gap; then comes 1013 or TCP ends."""
    number = 0
    while not isinstance(outcome := await slow.receive_payload(), End):
        assert json.loads(outcome)["content"].startswith(f"{number} "), "a gap before the end"
        number += 1
    assert outcome.code in (1013, None), f"ended with {outcome}"
    assert number < sent, "all was delivered in the end: the member was not slow"


@pytest.mark.rules("L3", "L6")
async def test_who_floods_without_reading_hurts_nobody(chat: Chat) -> None:
    """Answers pile up: the server stops reading, or lets go, or sends slowly; others are served."""
    bystander = await chat.connect()
    flooder = await chat.connect(receive_buffer=RECEIVE_BUFFER)
    heartbeats = memoryview(frames.encode(Opcode.TEXT, b'{"type":"heartbeat"}') * 1000)
    at = 0
    for _ in range(200):
        # A full socket buffer is the aim, and a reset is one of the server's choices.
        with contextlib.suppress(BlockingIOError, ConnectionError):
            at = (at + flooder.sock.send(heartbeats[at:])) % len(heartbeats)
        await bystander.fence()
    flooder.abort()
    await bystander.fence()

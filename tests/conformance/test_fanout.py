"""Rules R2, R10 and R11 with many members: every delivery is counted."""

from __future__ import annotations

import asyncio
from collections import Counter

import msgspec
import pytest

from .chat import Chat, fence_all, fresh_name
from .client import Client

MEMBERS = 500
BATCH = 50
"""Who joins between two readings. Small enough that no server's queue fills meanwhile."""

ROUNDS = 10
BURST = 5
"""Messages of each sender in a round; a round is over when both senders have got all of it back."""


async def join_in_batches(chat: Chat, room: str, count: int) -> list[Client]:
    """Joins ``count`` members; each one hears its own user_joined, then exactly the later ones."""
    members: list[Client] = []
    for _ in range(0, count, BATCH):
        newcomers = [await chat.member(room) for _ in range(BATCH)]
        users = [newcomer.user for newcomer in newcomers]
        await asyncio.gather(
            *(hear(member, users) for member in members),
            *(hear(newcomer, users[at:]) for at, newcomer in enumerate(newcomers, 1)),
        )
        members += newcomers
    return members


async def hear(member: Client, users: list[str]) -> None:
    """The next messages are the user_joined of these, in any order."""
    received = [msgspec.json.decode(await member.receive_raw()) for _ in users]
    assert all(message["type"] == "user_joined" for message in received)
    assert sorted(message["user"] for message in received) == sorted(users)


async def collect(member: Client, count: int) -> dict[str, list[int]]:
    """The numbers of the next ``count`` messages by sender, in the order of their arrival."""
    got: dict[str, list[int]] = {}
    for _ in range(count):
        message = msgspec.json.decode(await member.receive_raw())
        assert message["type"] == "message", f"a message was due, not {message}"
        got.setdefault(message["user"], []).append(int(message["content"]))
    return got


@pytest.mark.slow
@pytest.mark.rules("R2", "R10", "R11")
async def test_500_members_get_everything_once_and_in_order(chat: Chat) -> None:
    room = fresh_name("room")
    members = await join_in_batches(chat, room, MEMBERS)
    senders = members[0], members[-1]
    collecting = [
        asyncio.create_task(collect(member, 2 * ROUNDS * BURST)) for member in members[1:-1]
    ]
    own = [Counter[str](), Counter[str]()]
    for number in range(0, ROUNDS * BURST, BURST):
        for sender in senders:
            for offset in range(BURST):
                await sender.send(type="message", room=room, content=str(number + offset))
        for sender, seen in zip(senders, own, strict=True):
            for _ in range(2 * BURST):
                seen[(await sender.expect(type="message"))["user"]] += 1
    expected = {sender.user: list(range(ROUNDS * BURST)) for sender in senders}
    assert all(got == expected for got in await asyncio.gather(*collecting))
    assert own == [Counter(dict.fromkeys(expected, ROUNDS * BURST))] * 2
    await fence_all(members)


@pytest.mark.smoke
@pytest.mark.rules("R10", "R11")
async def test_20_members_who_all_talk(chat: Chat) -> None:
    room, rounds = fresh_name("room"), 10
    members = await chat.members(room, 20)
    for number in range(rounds):
        await asyncio.gather(
            *(member.send(type="message", room=room, content=str(number)) for member in members)
        )
        received = await asyncio.gather(*(collect(member, len(members)) for member in members))
        assert all(got == {member.user: [number] for member in members} for got in received)
    await fence_all(members)

"""Rules R6, R2 and R10: leaving, and coming back, while messages are under way."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from .chat import Chat, fresh_name
from .client import Client
from .messages import Message

BATCH = 50
"""Messages of one write."""
AHEAD_MAX = 4 * BATCH
"""Nobody is a slow consumer: the flood is no further ahead of who reads, however busy the machine
is.
"""

LEAVES_AFTER = (700, 1200, 1200)
"""Messages that come before it leaves, each time."""
ROUNDS = 50


async def flood(sender: Client, room: str, leaver: Leaver, is_over: asyncio.Event) -> int:
    """Numbered messages, of which the sender reads its own; the last one's number. It waits for the
    leaver while that only reads, and for nobody while it leaves and comes back.
    """
    for start in itertools.count(0, BATCH):
        while leaver.only_reads and leaver.is_there and start - leaver.last > AHEAD_MAX:
            await asyncio.sleep(0.001)
        if is_over.is_set():
            break
        batch = [
            {"type": "message", "room": room, "content": str(number)}
            for number in range(start, start + BATCH)
        ]
        await sender.send_at_once(*batch)
        for number in range(start, start + BATCH):
            while (message := await sender.receive())["type"] != "message":
                continue
            assert message["content"] == str(number), f"{number} was due, not {message}"
    return start - 1


class Leaver:
    """Reads numbered messages, each of which is the next one, and leaves in the middle of them."""

    def __init__(self, client: Client, room: str) -> None:
        self.client, self.room = client, room
        self.last = -1
        self.is_there = True
        self.only_reads = False

    async def read(self, count: int) -> None:
        self.only_reads = True
        for _ in range(count):
            self._took(await self.client.receive())
        self.only_reads = False

    async def read_until(self, number: int) -> None:
        while self.last < number:
            self._took(await self.client.receive())

    def _took(self, message: Message) -> None:
        assert message["type"] == "message", f"a message was due, not {message}"
        number = int(message["content"])
        assert number > self.last, f"{number} came behind {self.last}"
        assert number == self.last + 1 or not self.is_there, f"{number} follows {self.last}"
        self.last, self.is_there = number, True

    async def leave(self) -> None:
        """What was under way may come until a heartbeat is answered, and nothing after it."""
        requests = {"type": "leave", "room": self.room}, {"type": "heartbeat"}
        await self.client.send_at_once(*requests)
        while (message := await self.client.receive())["type"] != "heartbeat":
            self.is_there = False  # some may have been dropped
            self._took(message)
        for _ in range(5):
            await self.client.fence()

    async def join_again(self) -> None:
        """Its own `user_joined` is the first; what it missed does not come."""
        await self.client.join(self.room)
        self.is_there = False


@pytest.mark.slow
@pytest.mark.rules("R6", "R2", "R10", "R11")
async def test_who_leaves_amid_a_flood_gets_nothing_after_its_heartbeat(chat: Chat) -> None:
    room = fresh_name("room")
    sender, client = await chat.members(room, 2)
    leaver = Leaver(client, room)
    is_over = asyncio.Event()
    flooding = asyncio.create_task(flood(sender, room, leaver, is_over))
    try:
        for count in LEAVES_AFTER:
            await leaver.read(count)
            await leaver.leave()
            await leaver.join_again()
        await leaver.read(BATCH)
        is_over.set()
        await leaver.read_until(await flooding)
    finally:
        flooding.cancel()
    await client.fence()


@pytest.mark.smoke
@pytest.mark.rules("R10", "R6", "R2")
async def test_leaving_and_joining_in_one_write_keeps_the_order(chat: Chat) -> None:
    """What was sent before the leave may be dropped for the leaver. It never comes behind what was
    sent after the join, nor at all behind the `user_joined` that begins the room anew.
    """
    room = fresh_name("room")
    witness, client = await chat.members(room, 2)
    for number in range(ROUNDS):
        await client.send_at_once(
            {"type": "message", "room": room, "content": f"{number} before"},
            {"type": "leave", "room": room},
            {"type": "join", "room": room},
            {"type": "message", "room": room, "content": f"{number} after"},
        )
        own = await contents_until(client, f"{number} after")
        whole = [f"{number} before", "user_joined", f"{number} after"]
        assert own in (whole, whole[1:]), f"the leaver got {own}"
        heard = await contents_until(witness, f"{number} after")
        told = [one for one in heard if one.startswith(str(number))]
        assert told == [f"{number} before", f"{number} after"], f"the witness got {heard}"
        assert sorted(set(heard) - set(told)) == ["user_joined", "user_left"]
    await client.fence()


async def contents_until(member: Client, last: str) -> list[str]:
    """Contents of messages, and the types of what has none, up to this content."""
    got: list[str] = []
    while not got or got[-1] != last:
        message = await member.receive()
        got.append(str(message.get("content", message["type"])))
    return got


@pytest.mark.smoke
@pytest.mark.rules("R6")
async def test_a_message_before_leave_and_heartbeat_comes_before_the_answer(chat: Chat) -> None:
    """Or not at all: all three come in one write."""
    room = fresh_name("room")
    _, client = await chat.members(room, 2)
    for number in range(ROUNDS):
        await client.send_at_once(
            {"type": "message", "room": room, "content": str(number)},
            {"type": "leave", "room": room},
            {"type": "heartbeat"},
        )
        message = await client.receive()
        if message["type"] == "message":
            assert message["content"] == str(number)
            message = await client.receive()
        assert message["type"] == "heartbeat", f"the heartbeat's answer was due, not {message}"
        await client.fence()
        await client.join(room)

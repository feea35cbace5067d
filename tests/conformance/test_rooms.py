"""Rules R1 to R7 beyond golden cases: limits, many rooms, many connections, ways to leave."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from .chat import Chat, expect_all, fence_all, fresh_name
from .client import Client

ROOMS_MAX = 64


@pytest.mark.smoke
@pytest.mark.rules("R4", "R3", "C7")
async def test_the_65th_room_is_refused(chat: Chat) -> None:
    client = await chat.connect()
    rooms = [fresh_name("room") for _ in range(ROOMS_MAX + 1)]
    for room in rooms[:ROOMS_MAX]:
        await client.join(room)
    await client.send(type="join", room=rooms[-1])
    await client.expect_error("too_many_rooms")
    await client.join(rooms[0])
    await client.send(type="message", room=rooms[-1], content="x")
    await client.expect_error("not_joined")
    await client.send(type="leave", room=rooms[0])
    await client.join(rooms[-1])
    await client.fence()


@pytest.mark.rules("R4", "R1")
async def test_the_limit_of_rooms_is_per_connection(chat: Chat) -> None:
    full, other = await chat.connect(), None
    for _ in range(ROOMS_MAX):
        await full.join(fresh_name("room"))
    other = await chat.connect(full.user)
    await other.join(fresh_name("room"))


@pytest.mark.rules("R7")
@pytest.mark.parametrize("way", ["close", "abort", "hang_up"])
async def test_every_room_hears_of_a_disconnect_once(chat: Chat, way: str) -> None:
    rooms = [fresh_name("room") for _ in range(10)]
    witness, leaver = await chat.connect(), await chat.connect()
    for room in rooms:
        await witness.join(room)
        await leaver.join(room)
        await witness.expect(type="user_joined", room=room, user=leaver.user)
    if way == "close":
        await leaver.close()
    else:
        getattr(leaver, way)()
    left = [await witness.expect(type="user_left", user=leaver.user) for _ in rooms]
    assert sorted(message["room"] for message in left) == sorted(rooms)
    await witness.fence()


@pytest.mark.rules("R1", "R7")
async def test_connections_of_a_user_leave_one_by_one(chat: Chat) -> None:
    room = fresh_name("room")
    witness = await chat.member(room)
    twins = [await chat.member(room, "twin-" + room) for _ in range(3)]
    for _ in twins:
        await witness.expect(type="user_joined", user=twins[0].user)
    for number, twin in enumerate(twins):
        twin.abort()
        await witness.expect(type="user_left", user=twin.user)
        await witness.send(type="direct", to=twin.user, content=str(number))
        for other in twins[number + 1 :]:
            assert await next_direct(other) == str(number)
    await witness.expect_error("no_such_user")
    await witness.fence()


async def next_direct(client: Client) -> str:
    """What the room says meanwhile is passed over."""
    while (message := await client.receive())["type"] != "direct":
        continue
    return str(message["content"])


@pytest.mark.smoke
@pytest.mark.rules("R6", "R2")
async def test_joining_and_leaving_many_times(chat: Chat) -> None:
    """The next join follows the leave at once: the server must serve them in this order."""
    room = fresh_name("room")
    client = await chat.connect()
    for number in range(50):
        await client.join(room)
        await client.send(type="message", room=room, content=str(number))
        await client.expect(type="message", room=room, content=str(number))
        await client.send(type="leave", room=room)
    await client.fence()


@pytest.mark.rules("R6", "R11")
async def test_a_leaver_in_the_middle_of_traffic_gets_nothing_later(chat: Chat) -> None:
    """After the fence that follows its leave, nothing of the room may come."""
    room = fresh_name("room")
    sender, leaver = await chat.members(room, 2)
    for number in range(20):
        await sender.send(type="message", room=room, content=str(number))
        await leaver.send(type="heartbeat")
        await sender.expect(type="message", content=str(number))
        got = {(await leaver.receive())["type"] for _ in range(2)}
        assert got == {"message", "heartbeat"}
    await leaver.send(type="leave", room=room)
    await sender.expect(type="user_left", user=leaver.user)
    for number in range(20):
        await sender.send(type="message", room=room, content=f"later {number}")
        await sender.expect(type="message", content=f"later {number}")
    await leaver.fence()


@pytest.mark.rules("R2")
async def test_nothing_of_a_room_comes_before_its_own_user_joined(chat: Chat) -> None:
    """Twenty join while a member talks without pause: Client.join insists on the first message."""
    room = fresh_name("room")
    talker = await chat.member(room)
    joined = asyncio.Event()

    async def talk() -> Counter[str]:
        seen: Counter[str] = Counter()
        while not joined.is_set():
            await talker.send(type="message", room=room, content="talk")
            while (message := await talker.receive())["type"] != "message":
                seen[message["user"]] += 1
        return seen

    talking = asyncio.create_task(talk())
    newcomers = [await chat.connect() for _ in range(20)]
    for newcomer in newcomers:
        await newcomer.join(room)
    joined.set()
    seen = await talking
    while sum(seen.values()) < len(newcomers):
        seen[(await talker.expect(type="user_joined"))["user"]] += 1
    assert seen == Counter(newcomer.user for newcomer in newcomers)


@pytest.mark.rules("R3", "R11")
async def test_joining_again_does_not_double_deliveries(chat: Chat) -> None:
    room = fresh_name("room")
    members = await chat.members(room, 3)
    for member in members:
        for _ in range(5):
            await member.join(room)
    await members[0].send(type="message", room=room, content="once")
    await expect_all(members, type="message", content="once")
    await fence_all(members)


@pytest.mark.rules("R2", "R7")
async def test_a_room_begins_anew_after_its_last_member(chat: Chat) -> None:
    room = fresh_name("room")
    for _ in range(5):
        first, second = await chat.members(room, 2)
        first.abort()
        await second.expect(type="user_left", user=first.user)
        await second.send(type="leave", room=room)
        await second.fence()

"""Rules D1 to D4: direct messages beyond what golden cases say."""

from __future__ import annotations

import pytest

from .chat import Chat, expect_all, fence_all, fresh_name


@pytest.mark.smoke
@pytest.mark.rules("D1", "R11")
async def test_each_connection_of_a_user_gets_it_once(chat: Chat) -> None:
    user = fresh_name("user")
    receivers = [await chat.connect(user) for _ in range(5)]
    sender, other = await chat.connect(), await chat.connect()
    await sender.send(type="direct", to=user, content="to all five")
    await expect_all(receivers, type="direct", user=sender.user, content="to all five")
    await fence_all([*receivers, sender, other])


@pytest.mark.rules("D1")
async def test_membership_does_not_matter(chat: Chat) -> None:
    room = fresh_name("room")
    first, second = await chat.members(room, 2)
    await first.send(type="direct", to=second.user, content="just you")
    await second.expect(type="direct", user=first.user, content="just you")
    await fence_all([first, second])


@pytest.mark.smoke
@pytest.mark.rules("D4", "R11")
async def test_two_senders_each_keep_their_order(chat: Chat) -> None:
    count = 100
    receiver, one, two = await chat.connect(), await chat.connect(), await chat.connect()
    for number in range(count):
        await one.send(type="direct", to=receiver.user, content=str(number))
        await two.send(type="direct", to=receiver.user, content=str(number))
    got: dict[str, list[int]] = {one.user: [], two.user: []}
    for _ in range(2 * count):
        message = await receiver.expect(type="direct")
        got[message["user"]].append(int(message["content"]))
    for numbers in got.values():
        assert numbers == list(range(count)), f"out of order, or not once each: {numbers[:9]}"
    await receiver.fence()


@pytest.mark.rules("D2", "R7")
@pytest.mark.parametrize("way", ["abort", "hang_up"])
async def test_a_user_who_vanished_is_nobody(chat: Chat, way: str) -> None:
    room = fresh_name("room")
    witness, gone = await chat.members(room, 2)
    getattr(gone, way)()
    await witness.expect(type="user_left", user=gone.user)
    await witness.send(type="direct", to=gone.user, content="hello?")
    await witness.expect_error("no_such_user")


@pytest.mark.rules("D1", "D2", "R7")
async def test_a_name_can_be_used_again(chat: Chat) -> None:
    room, user = fresh_name("room"), fresh_name("user")
    witness = await chat.member(room)
    for number in range(5):
        bearer = await chat.member(room, user)
        await witness.expect(type="user_joined", user=user)
        await witness.send(type="direct", to=user, content=str(number))
        await bearer.expect(type="direct", content=str(number))
        bearer.abort()
        await witness.expect(type="user_left", user=user)
        await witness.send(type="direct", to=user, content="anyone?")
        await witness.expect_error("no_such_user")


@pytest.mark.rules("D1", "R9")
async def test_a_long_direct_message_arrives_whole(chat: Chat) -> None:
    sender, receiver = await chat.connect(), await chat.connect()
    content = "żółć " * 7000
    await sender.send(type="direct", to=receiver.user, content=content)
    await receiver.expect(type="direct", user=sender.user, content=content)

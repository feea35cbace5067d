"""Rules S1 to S8: rooms and users on several nodes, and what happens without what joins them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from itertools import combinations

import pytest
from chinwag_bench.servers.backplane import Redis
from chinwag_bench.servers.cluster import Cluster

from .chat import Chat, expect_all, fence_all, fresh_name
from .client import Client
from .handshake import Address
from .processes import until
from .servers import Choice, Fleet, Running, addresses

# All of them in the short subset, too: its other cases say nothing of several nodes.
pytestmark = [pytest.mark.variant("cluster"), pytest.mark.smoke]

BURST = 200
JOINS = 20
"""How often somebody joins while others speak: each time in a room that is new to its node."""
CROWD = 8
"""Members of each node who join a room at once."""
OF_A_NODE = b"chinwag1:n"
"""Begins the channel in which a node of chinwagd hears itself, whoever is there."""


@pytest.fixture
def pair(server: Running) -> Iterator[tuple[Chat, Chat]]:
    """The clients of each of two nodes."""
    chats = Chat(server.addresses[0]), Chat(server.addresses[1])
    yield chats
    for chat in chats:
        chat.abort()


@pytest.fixture
def cluster(own_choice: Choice, fleet: Fleet) -> Iterator[Cluster]:
    """Nodes for one test alone."""
    with fleet.cluster(own_choice, fresh_name("nodes")) as cluster:
        yield cluster


@pytest.fixture
def own_pair(own_choice: Choice, cluster: Cluster) -> Iterator[list[Chat]]:
    """The clients of each of those nodes."""
    chats = [Chat(address) for address in addresses(own_choice, cluster)]
    yield chats
    for chat in chats:
        chat.abort()


async def all_say(
    state: str, places: list[Address], choice: Choice, timeout_s: float = 15.0
) -> None:
    """Until /health of every node says so of its backplane."""
    for place in places:
        node = Running(choice, place)

        def says(node: Running = node) -> bool:
            return bool(node.health()["backplane"] == state)

        await until(says, f"/health says that the backplane is {state}", timeout_s)


def redis_of(cluster: Cluster) -> Redis:
    if not isinstance(cluster.backplane, Redis):
        pytest.skip("its nodes are joined without Redis")
    return cluster.backplane


@pytest.mark.rules("S1", "S2")
async def test_a_room_has_members_on_both_nodes(pair: tuple[Chat, Chat]) -> None:
    room = fresh_name("room")
    here, there = await pair[0].member(room), await pair[1].member(room)
    await here.expect(type="user_joined", room=room, user=there.user)
    for sender in (here, there):
        await sender.send(type="message", room=room, content=f"from {sender.user}")
        await expect_all((here, there), type="message", user=sender.user)
    await there.send(type="leave", room=room)
    await here.expect(type="user_left", room=room, user=there.user)
    await there.join(room)
    await here.expect(type="user_joined", room=room, user=there.user)
    there.abort()
    await here.expect(type="user_left", room=room, user=there.user)
    await here.fence()


@pytest.mark.rules("S3")
async def test_a_direct_message_finds_its_user_on_any_node(pair: tuple[Chat, Chat]) -> None:
    user = fresh_name("user")
    bearers = [await chat.connect(user) for chat in (*pair, *pair)]
    sender = await pair[0].connect()
    for number in range(10):
        await sender.send(type="direct", to=user, content=str(number))
        await expect_all(bearers, type="direct", user=sender.user, content=str(number))
    await sender.send(type="direct", to=fresh_name("nobody"), content="anyone?")
    await sender.expect_error("no_such_user")
    await fence_all([sender, *bearers])


@pytest.mark.rules("S3")
async def test_who_was_heard_to_leave_is_nobody_on_either_node(pair: tuple[Chat, Chat]) -> None:
    room = fresh_name("room")
    witnesses = [await chat.member(room) for chat in pair]
    await witnesses[0].expect(type="user_joined", user=witnesses[1].user)
    for chat in (*pair, *pair):
        bearer = await chat.member(room, fresh_name("bearer"))
        await expect_all(witnesses, type="user_joined", user=bearer.user)
        bearer.abort()
        for witness in witnesses:
            await witness.expect(type="user_left", user=bearer.user)
            await witness.send(type="direct", to=bearer.user, content="anyone?")
            await witness.expect_error("no_such_user")


def numbered(room: str, count: int) -> list[dict[str, object]]:
    return [{"type": "message", "room": room, "content": str(number)} for number in range(count)]


@pytest.mark.rules("S1", "S2", "S4")
async def test_each_sender_s_order_is_kept_and_nothing_comes_twice(
    pair: tuple[Chat, Chat],
) -> None:
    """Whatever came twice would come before the last one, or instead of it."""
    room = fresh_name("room")
    members = [await chat.member(room) for chat in (*pair, *pair)]
    for at, member in enumerate(members):
        for newcomer in members[at + 1 :]:
            await member.expect(type="user_joined", user=newcomer.user)
    senders = members[:2]
    for start in range(0, BURST, 20):
        for sender in senders:
            await sender.send_at_once(*numbered(room, start + 20)[start:])
        for member in members:
            got: dict[str, list[str]] = {sender.user: [] for sender in senders}
            for _ in range(2 * 20):
                message = await member.expect(type="message", room=room)
                got[message["user"]].append(message["content"])
            due = [str(number) for number in range(start, start + 20)]
            assert got == {sender.user: due for sender in senders}
    await fence_all(members)


@pytest.mark.rules("S5")
async def test_who_joins_misses_nothing_that_is_said_from_then_on(pair: tuple[Chat, Chat]) -> None:
    for _ in range(JOINS):
        room = fresh_name("room")
        speaker = await pair[0].member(room)
        said, joining = asyncio.Event(), asyncio.create_task(pair[1].member(room))
        speaking = asyncio.create_task(speak_until(speaker, room, said))
        newcomer = await joining
        said.set()
        last = await speaking
        heard: list[int] = []
        while not heard or heard[-1] != last:
            heard.append(int((await newcomer.expect(type="message", room=room))["content"]))
        assert heard == list(range(heard[0], last + 1)), "a gap behind one's own user_joined"
        await newcomer.fence()


@pytest.mark.rules("S1", "S5")
async def test_of_two_who_join_at_once_on_two_nodes_one_hears_of_the_other(
    pair: tuple[Chat, Chat],
) -> None:
    users = [fresh_name("user") for _ in range(2 * CROWD)]
    members = [await pair[at % 2].connect(user) for at, user in enumerate(users)]
    for _ in range(JOINS):
        room = fresh_name("room")
        await asyncio.gather(*(one.join(room) for one in members))
        # Said by each, heard by all: whatever was said of their joins came before.
        for speaker in members:
            await speaker.send(type="message", room=room, content="here")
        met: set[frozenset[str]] = set()
        for member in members:
            said = 0
            while said < len(members):
                heard = await member.receive()
                assert heard["type"] in ("user_joined", "message")
                said += heard["type"] == "message"
                if heard["type"] == "user_joined":
                    met.add(frozenset((member.user, heard["user"])))
        assert met == {frozenset(two) for two in combinations(users, 2)}


async def speak_until(speaker: Client, room: str, said: asyncio.Event) -> int:
    """Counts aloud; the last number is said once the event is set."""
    number = 0
    while True:
        is_last = said.is_set()
        number += 1
        await speaker.send(type="message", room=room, content=str(number))
        while (heard := await speaker.receive())["type"] != "message":
            assert heard["type"] == "user_joined"
        if is_last:
            return number


@pytest.mark.rules("S6")
async def test_a_node_hears_of_no_rooms_but_its_members(
    cluster: Cluster, own_choice: Choice, own_pair: list[Chat]
) -> None:
    redis = redis_of(cluster)
    idle = channels(redis)  # A library may have some for each node, whoever is there.
    here, there = own_pair
    room = fresh_name("room")
    first, second = await here.member(room), await there.member(room)
    third = await here.member(fresh_name("room"))
    assert channels(redis) >= idle + 5, "of two rooms and three users"
    for client in (first, second, third):
        assert (await client.close()).code in (1000, 1005, None)
    await until(lambda: channels(redis) == idle, "everyone is gone, but channels are subscribed")


def channels(redis: Redis) -> int:
    """In which somebody is interested, of both kinds that Redis knows."""
    listed = [_ask(redis, f"PUBSUB {what}") for what in ("CHANNELS", "SHARDCHANNELS")]
    names = [line for lines in listed for line in lines if line and line[:1] not in b"*$"]
    return sum(not name.startswith(OF_A_NODE) for name in names)


def _ask(redis: Redis, command: str) -> list[bytes]:
    with socket.create_connection(("127.0.0.1", redis.port), 5.0) as connection:
        connection.sendall(f"{command}\r\nQUIT\r\n".encode())
        answer = b""
        while more := connection.recv(65_536):
            answer += more
    return answer.removesuffix(b"+OK\r\n").split(b"\r\n")


@pytest.mark.rules("S7")
async def test_without_redis_a_node_serves_its_own(
    cluster: Cluster, own_choice: Choice, own_pair: list[Chat]
) -> None:
    redis, (here, there) = redis_of(cluster), own_pair
    room = fresh_name("room")
    one, two = await here.members(room, 2)
    far = await there.member(room)
    await expect_all((one, two), type="user_joined", user=far.user)
    redis.stop()
    places = addresses(own_choice, cluster)
    await all_say("down", places, own_choice)
    await one.send(type="message", room=room, content="still here?")
    await hears(one, ("message", "error"))
    await two.expect(type="message", content="still here?")
    await one.send(type="direct", to=far.user, content="and you?")
    await one.expect_error("unavailable")
    three = await here.connect()
    await three.send(type="join", room=room)
    await hears(three, ("user_joined", "error"))
    await expect_all((one, two), type="user_joined", user=three.user)
    await fence_all((one, two, three, far))
    redis.start()
    await all_say("up", places, own_choice)
    await three.send(type="message", room=room, content="again")
    await expect_all((one, two, three, far), type="message", content="again")
    await far.send(type="direct", to=three.user, content="welcome")
    await three.expect(type="direct", user=far.user)
    await fence_all((one, two, three, far))


async def hears(client: Client, kinds: tuple[str, ...]) -> None:
    """These, in any order; an error is ``unavailable``."""
    got = [await client.receive() for _ in kinds]
    assert sorted(one["type"] for one in got) == sorted(kinds), got
    assert all(one["code"] == "unavailable" for one in got if one["type"] == "error"), got


@pytest.mark.rules("S4", "S7")
async def test_what_is_said_while_redis_stands_still_comes_when_it_goes_on(
    cluster: Cluster, own_choice: Choice, own_pair: list[Chat]
) -> None:
    redis, (here, there) = redis_of(cluster), own_pair
    room = fresh_name("room")
    one = await here.member(room)
    far = await there.member(room)
    await one.expect(type="user_joined", user=far.user)
    os.kill(redis.pid, signal.SIGSTOP)
    await one.send_at_once(*numbered(room, 20))
    for number in range(20):
        await one.expect(type="message", content=str(number))
    await one.fence()
    await far.fence()
    os.kill(redis.pid, signal.SIGCONT)
    for number in range(20):
        await far.expect(type="message", content=str(number))
    await fence_all((one, far))


@pytest.mark.rules("S7")
async def test_nobody_waits_for_a_redis_that_is_known_to_be_silent(
    cluster: Cluster, own_choice: Choice, own_pair: list[Chat]
) -> None:
    """Once it has stood still for so long that a node says so; a question asked then costs no more
    than an answer of this node's own.
    """
    redis, (here, there) = redis_of(cluster), own_pair
    room = fresh_name("room")
    one = await here.member(room)
    far = await there.member(room)
    await one.expect(type="user_joined", user=far.user)
    places = addresses(own_choice, cluster)
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        await all_say("down", places, own_choice, timeout_s=60.0)
        for client in (one, far):
            await client.send(type="direct", to=fresh_name("user"), content="is there anybody?")
            await client.expect_error("unavailable")
            await client.send(type="message", room=room, content="still here")
            await hears(client, ("message", "error"))
            await client.fence()
    finally:
        os.kill(redis.pid, signal.SIGCONT)
    await all_say("up", places, own_choice, timeout_s=60.0)
    await one.send(type="message", room=room, content="again")
    await expect_all((one, far), type="message", content="again")


@pytest.mark.rules("S8")
async def test_who_is_left_when_a_node_is_killed_goes_on(
    cluster: Cluster, own_choice: Choice, own_pair: list[Chat]
) -> None:
    """Nobody says that its members left; that they come back is said."""
    here, there = own_pair
    room, user = fresh_name("room"), fresh_name("user")
    one = await here.member(room)
    gone = await there.member(room, user)
    await one.expect(type="user_joined", user=user)
    os.kill(cluster.nodes[1].pid, signal.SIGKILL)
    assert (await gone.end(ignore_messages=True)).code is None
    await until_nobody(one, user)
    two = await here.member(room)
    await one.expect(type="user_joined", user=two.user)
    await settle(two)
    await asyncio.to_thread(cluster.start_again, 1)
    await asyncio.to_thread(cluster.wait_joined)
    back = await Chat(addresses(own_choice, cluster)[1]).member(room, user)
    await expect_all((one, two), type="user_joined", user=user)
    await one.send(type="message", room=room, content="welcome back")
    await expect_all((one, two, back), type="message", content="welcome back")
    await one.send(type="direct", to=user, content="there you are")
    await back.expect(type="direct", user=one.user)
    await fence_all((one, two, back))


async def until_nobody(client: Client, user: str) -> None:
    """Until it is known that the user's node is gone: an error says that it can't be reached."""
    while True:
        await client.send(type="direct", to=user, content="are you there?")
        await client.send(type="heartbeat")
        if (answer := await client.receive())["type"] == "error":
            assert answer["code"] in ("no_such_user", "unavailable")
            await client.expect(type="heartbeat")
            return
        await asyncio.sleep(0.02)


async def settle(client: Client) -> None:
    """What joining says of a node that can't be reached may come as well."""
    await client.send(type="heartbeat")
    while (message := await client.receive())["type"] != "heartbeat":
        assert message["code"] == "unavailable"

"""`chinwag.Client` against real servers that go away and come back."""

from __future__ import annotations

import asyncio
import functools
import random
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import chinwag
import pytest
from chinwag.client import with_user
from websockets.asyncio.server import ServerConnection, serve


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


def test_back_off_grows_is_bounded_and_differs_from_client_to_client() -> None:
    class Most(random.Random):
        def uniform(self, a: float, b: float) -> float:
            return b

    backoff = chinwag.Backoff(0.1, 1.0, Most())
    assert [backoff.next_s() for _ in range(6)] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 1.0])
    backoff.reset()
    assert backoff.next_s() == pytest.approx(0.1)
    assert chinwag.Backoff(1, 1).next_s() != chinwag.Backoff(1, 1).next_s()


def test_the_user_is_part_of_the_url() -> None:
    assert with_user("ws://a/ws", "Zoë & co") == "ws://a/ws?user=Zo%C3%AB%20%26%20co"
    assert with_user("ws://a/ws?x=1", "b") == "ws://a/ws?x=1&user=b"
    assert with_user("ws://a/ws", None) == "ws://a/ws"


def test_without_a_name_the_server_gives_one() -> None:
    async def scenario() -> None:
        async with chinwag.Server() as server, chinwag.Client(server.url) as client:
            welcome = await client.receive()
            assert welcome is not None
            assert client.user == welcome.user != ""

    run(scenario())


def test_direct_messages_reach_every_connection_of_a_user() -> None:
    async def scenario() -> None:
        async with (
            chinwag.Server() as server,
            chinwag.Client(server.url, "ann") as ann,
            chinwag.Client(server.url, "bob") as bob,
        ):
            await ann.receive()
            await bob.direct("ann", "psst")
            message = await ann.receive()
            assert message is not None
            assert (message.type, message.user, message.content) == ("direct", "bob", "psst")

    run(scenario())


def test_after_a_break_it_comes_back_into_its_rooms() -> None:
    async def scenario() -> None:
        first = await chinwag.Server().start()
        port = first.port
        backoff = chinwag.Backoff(0.01, 0.05)
        async with chinwag.Client(first.url, "ann", backoff=backoff) as ann:
            await ann.join("tea")
            await first.drain()
            async with chinwag.Server(port=port):
                await ann.send("tea", "back")
                while True:
                    message = await asyncio.wait_for(ann.receive(), 10)
                    assert message is not None
                    if message.type == "message":
                        break
                assert message.content == "back"
                assert ann.reconnects == 1

    run(scenario())


def test_a_server_that_says_nothing_is_a_break() -> None:
    async def scenario() -> None:
        connections = 0

        async def silent(connection: ServerConnection) -> None:
            nonlocal connections
            connections += 1
            await connection.wait_closed()

        async with serve(silent, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            backoff = chinwag.Backoff(0.01, 0.05)
            url = f"ws://127.0.0.1:{port}"
            async with chinwag.Client(url, heartbeat_s=0.05, backoff=backoff):
                while connections < 2:
                    await asyncio.sleep(0.02)

    run(scenario())


def test_a_reader_that_is_slow_makes_the_server_wait_and_loses_nothing() -> None:
    async def scenario() -> None:
        async with (
            chinwag.Server() as server,
            chinwag.Client(server.url, "ann", queue_max=10, heartbeat_s=0.05) as ann,
        ):
            await ann.join("tea")
            for i in range(500):
                server.publish("tea", str(i))
            await asyncio.sleep(0.3)
            assert ann._queue.qsize() <= 11
            got = []
            while len(got) < 500:
                message = await asyncio.wait_for(ann.receive(), 5)
                assert message is not None
                if message.type == "message":
                    got.append(int(message.content))
            assert got == list(range(500))
            assert ann.reconnects == 0

    run(scenario())


def test_a_reader_that_goes_on_when_a_heartbeat_is_due_keeps_its_connection() -> None:
    async def scenario(turns: int) -> None:
        async with (
            chinwag.Server() as server,
            chinwag.Client(server.url, "ann", queue_max=10, heartbeat_s=0.05) as ann,
        ):
            await ann.join("tea")
            for i in range(100):
                server.publish("tea", str(i))
            await asyncio.sleep(0.2)  # it does not read
            time.sleep(0.1)  # nothing runs, and a heartbeat is due
            for _ in range(turns):
                await asyncio.sleep(0)
            for _ in range(50):
                assert await ann.receive() is not None
            await asyncio.sleep(0.05)
            assert ann._connected.is_set()
            assert ann.reconnects == 0

    async def scenarios() -> None:
        for _ in range(3):
            await asyncio.gather(*(scenario(turns) for turns in range(4)))

    run(scenarios())


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ws://127.0.0.1:9/ws", "unreachable"),
        ("http://127.0.0.1/ws", "bad_url"),
    ],
)
def test_what_can_not_be_reached_says_so(url: str, code: str) -> None:
    async def scenario() -> None:
        with pytest.raises(chinwag.ChinwagError) as raised:
            await chinwag.Client(url).connect()
        assert raised.value.code == code

    run(scenario())


def test_a_refused_handshake_says_so() -> None:
    async def scenario() -> None:
        async with chinwag.Server() as server:
            with pytest.raises(chinwag.ChinwagError) as raised:
                await chinwag.Client(f"ws://127.0.0.1:{server.port}/nothing").connect()
            assert raised.value.code == "handshake_refused"

    run(scenario())


def test_closing_ends_the_stream_and_whoever_waits() -> None:
    async def scenario() -> None:
        async with chinwag.Server() as server:
            client = await chinwag.Client(server.url, "ann").connect()
            reader = asyncio.create_task(anext_types(client))
            await asyncio.sleep(0.05)
            await client.close()
            await client.close()
            assert await reader == ["welcome"]
            assert await client.receive() is None
            with pytest.raises(chinwag.ConnectionClosed):
                await client.join("tea")

    async def anext_types(client: chinwag.Client) -> list[str]:
        return [message.type async for message in client.messages()]

    run(scenario())


def guarded() -> chinwag.Server:
    """A server that refuses the room `no` and the word `spam`."""
    server = chinwag.Server()

    @server.on("join")
    def guard(join: chinwag.Join) -> None:
        if join.room == "no":
            join.refuse("not here")

    @server.on("message")
    def judge(message: chinwag.Message) -> None:
        if message.content == "spam":
            message.refuse("no spam")

    return server


def test_a_refusal_belongs_to_the_join_that_was_refused() -> None:
    async def scenario() -> None:
        async with guarded() as server, chinwag.Client(server.url, "ann") as ann:
            await ann.join("a")
            for _ in range(20):
                await ann.send("a", "spam")  # its refusal comes while the joins wait
                outcomes = await asyncio.gather(
                    ann.join("b"), ann.join("no"), ann.join("b"), return_exceptions=True
                )
                assert [type(one) for one in outcomes] == [type(None), chinwag.Refused, type(None)]
                assert str(outcomes[1]) == "not here"
                await ann.leave("b")
            errors = 0
            while errors < 20:
                message = await asyncio.wait_for(ann.receive(), 5)
                assert message is not None
                errors += message.content == "no spam"

    run(scenario())


def test_a_join_that_was_on_its_way_when_the_connection_broke_is_asked_again() -> None:
    async def scenario() -> None:
        server = chinwag.Server()
        asked = 0

        @server.on("join")
        async def break_off_once(join: chinwag.Join) -> None:
            nonlocal asked
            asked += 1
            if asked == 1:
                join.connection.close(3001)
                await asyncio.sleep(0.1)

        backoff = chinwag.Backoff(0.01, 0.05)
        async with server, chinwag.Client(server.url, "ann", backoff=backoff) as ann:
            await ann.join("tea")
            assert (asked, ann.reconnects) == (2, 1)

    run(scenario())


def test_a_peer_that_speaks_something_else_is_a_break() -> None:
    async def scenario() -> None:
        async def odd(connection: ServerConnection) -> None:
            await connection.send("[1]")
            await connection.wait_closed()

        async with serve(odd, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with chinwag.Client(f"ws://127.0.0.1:{port}", reconnect=False) as client:
                assert await client.receive() is None

    run(scenario())


HALF = "\ud83d"  # of an emoji
TOO_LONG = "x" * 70_000

UNSENDABLE: dict[str, tuple[Callable[[chinwag.Client], Awaitable[None]], str]] = {
    "send half a pair": (lambda ann: ann.send("tea", f"hi {HALF}"), "bad_content"),
    "send too much": (lambda ann: ann.send("tea", TOO_LONG), "bad_content"),
    "send to half a pair": (lambda ann: ann.send(HALF, "x"), "bad_name"),
    "send to no room": (lambda ann: ann.send("", "x"), "bad_name"),
    "direct half a pair": (lambda ann: ann.direct("ann", HALF), "bad_content"),
    "direct to half a pair": (lambda ann: ann.direct(HALF, "x"), "bad_name"),
    "leave half a pair": (lambda ann: ann.leave(HALF), "bad_name"),
    "join half a pair": (lambda ann: ann.join(HALF), "bad_name"),
    "join a long name": (lambda ann: ann.join("r" * 70_000), "bad_name"),
    "join a line": (lambda ann: ann.join("tea\n"), "bad_name"),
}


@pytest.mark.parametrize("what", UNSENDABLE)
def test_what_can_not_be_sent_is_an_error_of_the_call_and_costs_no_connection(what: str) -> None:
    async def scenario() -> None:
        async with chinwag.Server() as server, chinwag.Client(server.url, "ann") as ann:
            await ann.join("tea")
            call, code = UNSENDABLE[what]
            with pytest.raises(chinwag.ChinwagError) as raised:
                await asyncio.wait_for(call(ann), 5)
            assert raised.value.code == code
            await ann.send("tea", "fine")
            while (message := await asyncio.wait_for(ann.receive(), 5)) and not message.content:
                pass
            assert message is not None
            assert message.content == "fine"
            assert (ann.reconnects, server.stats()["upgrades"]) == (0, 1)

    run(scenario())


def test_a_text_that_is_none_is_a_type_error() -> None:
    async def scenario() -> None:
        async with chinwag.Server() as server, chinwag.Client(server.url, "ann") as ann:
            with pytest.raises(TypeError, match="content is a str, not int"):
                await ann.send("tea", 5)  # type: ignore[arg-type]

    run(scenario())


@pytest.mark.parametrize("user", [HALF, "u" * 65, "ann\n"])
def test_a_name_that_no_user_may_have_is_an_error_at_once(user: str) -> None:
    with pytest.raises(chinwag.ChinwagError) as raised:
        chinwag.Client("ws://127.0.0.1:9/ws", user)
    assert raised.value.code == "bad_name"


def test_the_longest_content_arrives() -> None:
    async def scenario() -> None:
        async with chinwag.Server() as server, chinwag.Client(server.url, "ann") as ann:
            await ann.join("tea")
            content = "x" * (65_536 - len('{"type": "message", "room": "tea", "content": ""}'))
            with pytest.raises(chinwag.ChinwagError):
                await ann.send("tea", content + "x")
            await ann.send("tea", content)
            while (message := await asyncio.wait_for(ann.receive(), 5)) and not message.content:
                pass
            assert message is not None
            assert message.content == content

    run(scenario())


class Recorded(chinwag.Backoff):
    """Short delays that are written down as if they were long ones."""

    def __init__(self) -> None:
        class Most(random.Random):
            def uniform(self, a: float, b: float) -> float:
                return b

        super().__init__(1.0, 16.0, Most())
        self.delays: list[float] = []

    def next_s(self) -> float:
        self.delays.append(super().next_s())
        return 0.001


@pytest.mark.parametrize("code", [1008, 1013, 3001])
def test_a_server_that_turns_it_away_is_asked_less_and_less_often(code: int) -> None:
    async def scenario() -> None:
        server = chinwag.Server()
        server.on("open", lambda connection: connection.close(code))
        backoff = Recorded()
        async with server, chinwag.Client(server.url, "ann", backoff=backoff):
            while len(backoff.delays) < 6:
                await asyncio.sleep(0.01)
            assert backoff.delays[:6] == [1, 2, 4, 8, 16, 16]

    run(scenario())


def test_after_a_connection_that_lasted_it_comes_back_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        monkeypatch.setattr("chinwag.client.STABLE_S", 0.0)
        server = chinwag.Server()
        server.on("open", lambda connection: connection.close(1012))
        backoff = Recorded()
        async with server, chinwag.Client(server.url, "ann", backoff=backoff):
            while len(backoff.delays) < 3:
                await asyncio.sleep(0.01)
            assert backoff.delays[:3] == [1, 1, 1]

    run(scenario())


def test_a_join_that_ends_every_connection_is_given_up() -> None:
    async def scenario() -> None:
        server = chinwag.Server()

        @server.on("join")
        async def break_off(join: chinwag.Join) -> None:
            join.connection.close(3001)
            await asyncio.sleep(0.1)

        backoff = chinwag.Backoff(0.001, 0.001)
        async with server, chinwag.Client(server.url, "ann", backoff=backoff) as ann:
            with pytest.raises(chinwag.ConnectionClosed, match="3 connections"):
                await ann.join("tea", 20)
            await ann.direct("ann", "still there")

    run(scenario())


def test_a_join_waits_no_longer_than_it_was_told_to_when_nothing_is_connected() -> None:
    async def scenario() -> None:
        server = await chinwag.Server().start()
        async with chinwag.Client(server.url, "ann") as ann:
            await server.drain()
            with pytest.raises(chinwag.NoAnswer):
                await asyncio.wait_for(ann.join("tea", 0.1), 10)

    run(scenario())


@pytest.mark.parametrize("tried", [False, True])
def test_a_client_that_is_not_connected_says_so(tried: bool) -> None:
    async def scenario() -> None:
        client = chinwag.Client("ws://127.0.0.1:9/ws", "ann")
        if tried:
            with pytest.raises(chinwag.ChinwagError):
                await client.connect()
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: client.send("tea", "x"),
            lambda: client.direct("bob", "x"),
            lambda: client.join("tea"),
            lambda: client.leave("tea"),
            client.receive,
        ]
        for call in calls:
            with pytest.raises(chinwag.ConnectionClosed, match="connect first"):
                await asyncio.wait_for(call(), 5)

    run(scenario())


def test_a_reader_that_is_behind_may_join_another_room() -> None:
    async def scenario() -> None:
        async with (
            chinwag.Server() as server,
            chinwag.Client(server.url, "ann", queue_max=10) as ann,
        ):
            await ann.join("tea")
            for i in range(500):
                server.publish("tea", str(i))
            await ann.receive()
            await asyncio.sleep(0.2)  # it has read as much as it keeps
            await ann.join("coffee")
            got = []
            while len(got) < 500:
                message = await asyncio.wait_for(ann.receive(), 5)
                assert message is not None
                if message.type == "message":
                    got.append(int(message.content))
            assert got == list(range(500))

    run(scenario())


def test_a_client_that_only_sends_outlives_its_server() -> None:
    async def scenario() -> None:
        first = await chinwag.Server().start()
        backoff = chinwag.Backoff(0.01, 0.05)
        async with chinwag.Client(
            first.url, "bot", queue_max=4, heartbeat_s=0.1, backoff=backoff
        ) as bot:
            await bot.join("tea")
            for _ in range(100):
                first.publish("tea", "x")
            await asyncio.sleep(0.2)  # it has read as much as it keeps
            await first.drain()
            async with chinwag.Server(port=first.port) as second:
                while second.stats()["messages_in"]["message"] == 0:
                    await asyncio.wait_for(bot.send("tea", "hello"), 10)
                    await asyncio.sleep(0.01)

    run(scenario())


def test_a_server_that_stops_in_the_middle_of_what_it_is_sent_is_a_break() -> None:
    async def scenario() -> None:
        stop = asyncio.Event()

        async def stuck(connection: ServerConnection) -> None:
            await connection.send('{"type": "welcome", "user": "ann"}')
            connection.transport.pause_reading()
            await stop.wait()

        async with serve(stuck, "127.0.0.1", 0) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with chinwag.Client(url, "ann", reconnect=False, heartbeat_s=0.1) as ann:
                with pytest.raises(chinwag.ConnectionClosed):
                    while True:
                        await asyncio.wait_for(ann.send("tea", "x" * 60_000), 20)
            stop.set()

    run(scenario())


def test_a_server_that_does_not_answer_the_handshake_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        impatient = functools.partial(chinwag.client.connect, open_timeout=0.2)
        monkeypatch.setattr("chinwag.client.connect", impatient)
        server = await chinwag.Server().start()
        backoff = chinwag.Backoff(0.01, 0.01)
        async with chinwag.Client(server.url, "ann", backoff=backoff) as ann:
            await server.drain()
            with socket.create_server(("127.0.0.1", server.port)) as mute:
                mute.setblocking(False)
                await asyncio.get_running_loop().sock_accept(mute)
                with pytest.raises(chinwag.ChinwagError) as raised:
                    await chinwag.Client(server.url).connect()
                assert raised.value.code == "unreachable"
            async with chinwag.Server(port=server.port):
                await ann.join("tea")
                assert ann.reconnects == 1

    run(scenario())


def test_closing_while_it_comes_back_leaves_no_connection_behind() -> None:
    async def scenario() -> None:
        first = await chinwag.Server().start()
        backoff = chinwag.Backoff(0.001, 0.001)
        ann = await chinwag.Client(first.url, "ann", backoff=backoff).connect()
        await first.drain()
        async with chinwag.Server(port=first.port) as second:
            while second.stats()["accepted"] == 0:
                await asyncio.sleep(0)
            await ann.close()
            while second.stats()["connections"] > 0:
                await asyncio.sleep(0.01)

    run(scenario())


def test_sends_that_wait_for_the_same_break_all_go_out() -> None:
    async def scenario() -> None:
        server = chinwag.Server()
        backoff = chinwag.Backoff(0.0001, 0.0001)
        async with server, chinwag.Client(server.url, "ann", backoff=backoff) as ann:
            await ann.join("tea")
            reading = asyncio.create_task(read_all(ann))
            for _ in range(5):
                sends = [ann.send("tea", "x" * 2_000) for _ in range(300)]
                (connection,) = server.members("tea")
                connection.close(1012)
                await asyncio.wait_for(asyncio.gather(*sends), 10)
                while not server.members("tea"):
                    await asyncio.sleep(0.01)
        await reading

    async def read_all(client: chinwag.Client) -> None:
        async for _ in client.messages():
            pass

    run(scenario())

"""`chinwag.Client` against real servers that go away and come back."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Coroutine
from typing import Any

import chinwag
import pytest
from chinwag.handshake import with_user
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
    assert with_user("ws://a/ws?user=x&y=1&%75ser=z", "b") == "ws://a/ws?y=1&user=b"
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

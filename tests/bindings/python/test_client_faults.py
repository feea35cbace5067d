"""`chinwag.Client` given what can't be sent, turned away, or hanging behind what nobody reads."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import chinwag
import pytest
from websockets.asyncio.server import ServerConnection, serve


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


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


def test_a_server_that_does_not_answer_the_handshake_is_tried_again() -> None:
    async def scenario() -> None:
        server = await chinwag.Server().start()
        backoff = chinwag.Backoff(0.01, 0.01)
        async with chinwag.Client(server.url, "ann", connect_timeout_s=0.2, backoff=backoff) as ann:
            await server.drain()
            with socket.create_server(("127.0.0.1", server.port)) as mute:
                mute.setblocking(False)
                await asyncio.get_running_loop().sock_accept(mute)
                with pytest.raises(chinwag.ChinwagError) as raised:
                    await chinwag.Client(server.url, connect_timeout_s=0.2).connect()
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
        backoff = chinwag.Backoff(0.001, 0.001)
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


@pytest.mark.parametrize("turns", range(6))
def test_a_join_that_is_cancelled_just_as_it_is_answered_is_cancelled(turns: int) -> None:
    async def scenario() -> None:
        async with chinwag.Server() as server, chinwag.Client(server.url, "ann") as ann:
            joining = asyncio.create_task(ann.join("tea"))
            while not (ann._joins and ann._joins[0].sent):
                await asyncio.sleep(0)
            ann._joins[0].answer.set_result(None)
            for _ in range(turns):
                await asyncio.sleep(0)
            if joining.cancel():
                await asyncio.wait({joining})
                assert joining.cancelled()

    run(scenario())

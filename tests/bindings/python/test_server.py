"""`chinwag.Server`: a server inside this process, spoken to over a real socket."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import chinwag
import pytest


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


async def next_of(client: chinwag.Client, kind: str) -> chinwag.Received:
    while True:
        message = await asyncio.wait_for(client.receive(), 5)
        assert message is not None, f"ended without {kind}"
        if message.type == kind:
            return message


def test_a_room_is_served_and_counted() -> None:
    async def scenario() -> None:
        async with chinwag.Server() as server, chinwag.Client(server.url, "ann") as ann:
            await ann.join("tea")
            await ann.send("tea", "hello")
            assert (await next_of(ann, "message")).content == "hello"
            counted = server.stats()
            assert counted["connections"] == 1
            assert counted["messages_in"]["message"] == 1
            assert server.rooms == {"tea": 1}
            assert [one.user for one in server.members("tea")] == ["ann"]

    run(scenario())


def test_plain_and_async_handlers_change_refuse_and_answer() -> None:
    async def scenario() -> None:
        server = chinwag.Server()

        @server.on("message")
        async def judge(message: chinwag.Message) -> None:
            await asyncio.sleep(0)
            if message.content == "bad":
                message.refuse("mind your words")
            elif message.content == "ask":
                message.answer("42")

        @server.on("message")
        def shout(message: chinwag.Message) -> None:
            if message.content == "loud":
                message.content = "LOUD"

        async with server, chinwag.Client(server.url, "ann") as ann:
            await ann.join("tea")
            for content in ("loud", "bad", "ask", "same"):
                await ann.send("tea", content)
            # What is for one connection alone may come before what is for the room.
            got = [await ann.receive() for _ in range(6)]
            told = [(one.type, one.user, one.content, one.code) for one in got[2:] if one]
            assert sorted(told) == [
                ("direct", "server", "42", ""),
                ("error", "", "mind your words", "forbidden"),
                ("message", "ann", "LOUD", ""),
                ("message", "ann", "same", ""),
            ]
            assert told.index(("message", "ann", "LOUD", "")) < 3

    run(scenario())


def test_a_slow_handler_keeps_one_clients_order_and_nobody_else_waiting() -> None:
    async def scenario() -> None:
        server = chinwag.Server()
        released = asyncio.Event()

        @server.on("message")
        async def judge(message: chinwag.Message) -> None:
            if message.content == "slow":
                await released.wait()

        async with (
            server,
            chinwag.Client(server.url, "ann") as ann,
            chinwag.Client(server.url, "bob") as bob,
        ):
            await ann.join("tea")
            await bob.join("tea")
            await ann.send("tea", "slow")
            await ann.send("tea", "quick")
            await bob.send("tea", "meanwhile")
            assert (await next_of(bob, "message")).content == "meanwhile"
            released.set()
            assert (await next_of(bob, "message")).content == "slow"
            assert (await next_of(bob, "message")).content == "quick"

    run(scenario())


def test_a_handler_that_raises_is_logged_counted_and_costs_nobody_else_anything(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        server = chinwag.Server()
        seen: list[tuple[BaseException, object]] = []

        @server.on("message")
        def judge(message: chinwag.Message) -> None:
            if message.content == "boom":
                raise ValueError("boom")

        @server.on("error")
        def note(error: BaseException, about: object) -> None:
            seen.append((error, about))

        async with server, chinwag.Client(server.url, "ann") as ann:
            await ann.join("tea")
            await ann.send("tea", "boom")
            await ann.send("tea", "fine")
            assert (await next_of(ann, "error")).code == "unavailable"
            assert (await next_of(ann, "message")).content == "fine"
            assert server.stats()["handler_errors"] == 1
        assert isinstance(seen[0][0], ValueError)

    with caplog.at_level(logging.ERROR, "chinwag"):
        run(scenario())
    assert "boom" in caplog.text


def test_a_verdict_that_is_not_valid_costs_only_its_own_message() -> None:
    async def scenario() -> None:
        server = chinwag.Server()

        @server.on("message")
        def judge(message: chinwag.Message) -> None:
            if message.content == "long":
                message.content = "x" * 70_000
            elif message.content == "odd":
                message.refuse("no", "no such code")

        async with server, chinwag.Client(server.url, "ann") as ann:
            await ann.join("tea")
            for content in ("long", "odd", "fine"):
                await ann.send("tea", content)
            assert (await next_of(ann, "error")).code == "unavailable"
            assert (await next_of(ann, "error")).code == "unavailable"
            assert (await next_of(ann, "message")).content == "fine"
            assert server.stats()["handler_errors"] == 2

    run(scenario())


def test_open_join_and_close_are_heard() -> None:
    async def scenario() -> None:
        server = chinwag.Server()
        heard: list[str] = []
        server.on("open", lambda connection: heard.append(f"+{connection.user}"))
        server.on("close", lambda connection, code: heard.append(f"-{connection.user} {code}"))

        @server.on("join")
        def guard(join: chinwag.Join) -> None:
            if join.room == "private":
                join.refuse("members only")

        async with server, chinwag.Client(server.url, "ann") as ann:
            with pytest.raises(chinwag.Refused) as refused:
                await ann.join("private")
            assert refused.value.code == "forbidden"
            await ann.join("tea")
        assert heard == ["+ann", "-ann 1000"]

    run(scenario())


def test_publish_send_to_and_close_reach_clients() -> None:
    async def scenario() -> None:
        async with (
            chinwag.Server() as server,
            chinwag.Client(server.url, "ann", reconnect=False) as ann,
        ):
            await ann.join("tea")
            server.publish("tea", "ding", user="bell")
            message = await next_of(ann, "message")
            assert (message.user, message.content) == ("bell", "ding")
            server.send_to("ann", "psst")
            assert (await next_of(ann, "direct")).content == "psst"
            (connection,) = server.members("tea")
            assert connection in {connection: 1}
            connection.send("you there")
            assert (await next_of(ann, "direct")).content == "you there"
            server.close(connection, 3001)
            assert [message async for message in ann.messages()] == []
            assert not connection.close()
            assert not connection.send("late")
            with pytest.raises(chinwag.ConnectionClosed):
                await ann.send("tea", "late")

    run(scenario())


def test_draining_closes_every_connection_and_is_harmless_again() -> None:
    async def scenario() -> None:
        server = await chinwag.Server().start()
        async with chinwag.Client(server.url, "ann", reconnect=False) as ann:
            await server.drain()
            await server.drain()
            assert [message.type async for message in ann.messages()] == ["welcome"]
        with pytest.raises(chinwag.ChinwagError) as raised:
            server.publish("tea", "late")
        assert raised.value.code == "not_running"

    run(scenario())


def test_two_servers_live_side_by_side() -> None:
    async def scenario() -> None:
        async with chinwag.Server() as one, chinwag.Server() as other:
            assert one.port != other.port
            async with chinwag.Client(one.url, "ann") as ann:
                await ann.join("tea")
                assert (one.stats()["members"], other.stats()["members"]) == (1, 0)

    run(scenario())


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"idle_timeout": 5}, "unknown_option"),
        ({"port": "tea"}, "bad_option_value"),
        ({"port": 70_000}, "bad_option_value"),
    ],
)
def test_a_wrong_option_says_what_is_right(options: dict[str, object], code: str) -> None:
    with pytest.raises(chinwag.ChinwagError) as raised:
        chinwag.Server(**options)
    assert raised.value.code == code
    assert next(iter(options)) in str(raised.value)


def test_a_port_in_use_and_a_host_that_is_not_here_are_errors_with_codes() -> None:
    async def scenario() -> None:
        async with chinwag.Server() as server:
            with pytest.raises(chinwag.ChinwagError) as taken:
                await chinwag.Server(port=server.port).start()
            assert taken.value.code == "port_in_use"
        with pytest.raises(chinwag.ChinwagError) as elsewhere:
            await chinwag.Server(host="192.0.2.1").start()
        assert elsewhere.value.code == "address_unusable"

    run(scenario())


def test_wrong_use_says_what_to_do() -> None:
    async def scenario() -> None:
        server = chinwag.Server()
        for call in (lambda: server.port, lambda: server.publish("tea", "x"), server.stats):
            with pytest.raises(chinwag.ChinwagError) as early:
                call()
            assert early.value.code == "not_running"
        with pytest.raises(chinwag.ChinwagError) as unknown:
            server.on("messages", print)
        assert "message" in str(unknown.value)
        with pytest.raises(TypeError):
            server.on("message", "a text")
        async with server:
            with pytest.raises(chinwag.ChinwagError) as late:
                server.on("message", print)
            assert late.value.code == "already_running"
            with pytest.raises(chinwag.ChinwagError) as twice:
                await server.start()
            assert twice.value.code == "already_running"
            for room, content, code in (
                ("", "x", "bad_name"),
                ("tea", "x" * 65_537, "bad_content"),
            ):
                with pytest.raises(chinwag.ChinwagError) as bad:
                    server.publish(room, content)
                assert bad.value.code == code
            with pytest.raises(TypeError, match="content is a str, not int"):
                server.publish("tea", 42)  # type: ignore[arg-type]

    run(scenario())


def test_it_shows_itself_in_a_notebook() -> None:
    async def scenario() -> None:
        async with chinwag.Server() as server:
            assert "<table>" in server._repr_html_()
        assert "drained" in server._repr_html_()

    run(scenario())


def test_a_handler_that_waited_for_something_cancelled_still_gives_an_answer() -> None:
    async def scenario() -> None:
        server = chinwag.Server()

        @server.on("message")
        async def judge(message: chinwag.Message) -> None:
            if message.content == "doomed":
                cancelled = asyncio.get_running_loop().create_future()
                cancelled.cancel()
                await cancelled

        async with server, chinwag.Client(server.url, "ann") as ann:
            await ann.join("tea")
            await ann.send("tea", "doomed")
            await ann.send("tea", "fine")
            assert (await next_of(ann, "error")).code == "unavailable"
            assert (await next_of(ann, "message")).content == "fine"
            assert server.stats()["handler_errors"] == 1

    run(scenario())


def test_drain_waits_for_handlers_and_everybody_may_wait_for_it() -> None:
    async def scenario() -> None:
        server = chinwag.Server()
        closed: list[str] = []

        @server.on("close")
        async def note(connection: chinwag.Connection, code: int) -> None:
            await asyncio.sleep(0.05)
            closed.append(f"{connection.user} {code}")

        await server.start()
        async with chinwag.Client(server.url, "ann", reconnect=False) as ann:
            await ann.join("tea")
            server.publish("tea", "goodbye")
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(server.drain(), 0.001)
            await asyncio.gather(server.drain(), server.drain())
            assert closed == ["ann 1012"]
            assert "goodbye" in [message.content async for message in ann.messages()]

    run(scenario())


def upgrade_and_close(port: int) -> socket.socket:
    """A peer whose first segment has its request and its close."""
    peer = socket.create_connection(("127.0.0.1", port), 10)
    request = (
        "GET /ws?user=eve HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    peer.sendall(request.encode() + bytes([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8]))
    return peer


def test_a_connection_that_is_gone_when_its_handler_runs_is_no_error() -> None:
    async def scenario() -> None:
        server = chinwag.Server()
        reached: asyncio.Queue[tuple[bool, bool]] = asyncio.Queue()

        @server.on("open")
        async def greet(connection: chinwag.Connection) -> None:
            await closed.wait()
            reached.put_nowait((connection.send("hello"), connection.close(1008)))

        closed = asyncio.Event()
        server.on("close", lambda connection, code: closed.set())
        async with server:
            with upgrade_and_close(server.port):
                assert await asyncio.wait_for(reached.get(), 10) == (False, False)
            assert server.stats()["handler_errors"] == 0

    run(scenario())


def test_the_first_refusal_or_answer_is_final() -> None:
    async def scenario() -> None:
        server = chinwag.Server()
        asked: list[str] = []

        @server.on("message")
        def judge(message: chinwag.Message) -> None:
            if "spam" in message.content:
                message.refuse("no spam")

        @server.on("message")
        async def help_out(message: chinwag.Message) -> None:
            await asyncio.sleep(0)
            if message.content == "/help":
                message.answer("ask away")

        @server.on("message")
        def tidy(message: chinwag.Message) -> None:
            asked.append(message.content)
            message.content = message.content.strip()

        async with server, chinwag.Client(server.url, "ann") as ann:
            await ann.join("tea")
            for content in ("buy spam", "/help", " fine "):
                await ann.send("tea", content)
            told = [(await next_of(ann, "error")).content]
            told.append((await next_of(ann, "direct")).content)
            told.append((await next_of(ann, "message")).content)
            assert told == ["no spam", "ask away", "fine"]
            assert asked == [" fine "]

    run(scenario())


def test_what_is_decided_can_not_be_decided_again() -> None:
    async def scenario() -> None:
        server = chinwag.Server()
        kept: list[chinwag.Message] = []

        @server.on("message")
        def judge(message: chinwag.Message) -> None:
            kept.append(message)
            if message.content == "":
                message.refuse("say something", "bad_request")
                message.content = "nothing"

        async with server, chinwag.Client(server.url, "ann") as ann:
            await ann.join("tea")
            await ann.send("tea", "")
            refused = await next_of(ann, "error")
            assert (refused.code, refused.content) == ("bad_request", "say something")
            await ann.send("tea", "fine")
            await next_of(ann, "message")
        for again in (kept[1].refuse, lambda: kept[1].answer("x"), lambda: set_content(kept[1])):
            with pytest.raises(chinwag.ChinwagError) as raised:
                again()
            assert raised.value.code == "already_decided"
        assert kept[1].content == "fine"

    def set_content(message: chinwag.Message) -> None:
        message.content = "late"

    run(scenario())


HALF = "\ud83d"  # of an emoji


def test_half_a_surrogate_pair_is_an_error_where_it_is_given() -> None:
    async def scenario() -> None:
        server = chinwag.Server()
        codes: list[str] = []

        def code_of(call: Callable[..., object], *given: str) -> str:
            with pytest.raises(chinwag.ChinwagError) as raised:
                call(*given)
            return raised.value.code

        @server.on("message")
        def judge(message: chinwag.Message) -> None:
            codes.append(code_of(message.answer, HALF))
            codes.append(code_of(message.refuse, HALF))
            codes.append(code_of(message.connection.send, HALF))
            codes.append(code_of(lambda text: setattr(message, "content", text), HALF))

        async with server, chinwag.Client(server.url, "ann") as ann:
            assert code_of(server.publish, "tea", HALF) == "bad_content"
            assert code_of(server.publish, HALF, "x") == "bad_name"
            assert code_of(server.send_to, HALF, "x") == "bad_name"
            assert code_of(server.members, HALF) == "bad_name"
            await ann.join("tea")
            await ann.send("tea", "fine")
            assert (await next_of(ann, "message")).content == "fine"
        assert codes == ["bad_content"] * 4

    run(scenario())


def test_a_zero_byte_is_a_character_like_any_other() -> None:
    async def scenario() -> None:
        async with chinwag.Server() as server, chinwag.Client(server.url, "ann") as ann:
            await ann.join("tea")
            server.publish("tea", "a\0b")
            assert (await next_of(ann, "message")).content == "a\0b"

    run(scenario())


@pytest.mark.parametrize("host", ["::1", "127.0.0.1"])
def test_its_url_is_one_that_a_client_can_connect_to(host: str) -> None:
    async def scenario() -> None:
        async with chinwag.Server(host=host) as server, chinwag.Client(server.url, "ann") as ann:
            await ann.join("tea")

    run(scenario())

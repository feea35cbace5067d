"""Servers and clients in programs with several event loops, and with tasks that are cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import chinwag
import pytest
from websockets.utils import accept_key

UPGRADE = (
    b"GET /ws?user=eve HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SAY = b'{"type":"message","room":"tea","content":"hello"}'


def text(payload: bytes) -> bytes:
    """A client's frame, masked with zeros."""
    return bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


def is_free(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False


async def last_code(client: chinwag.Client) -> int | None:
    async for _ in client.messages():
        pass
    assert client._connection is not None
    return client._connection.close_code


def test_a_server_is_drained_from_another_loop_while_its_own_runs() -> None:
    async def scenario() -> None:
        server = chinwag.Server()

        @server.on("message")
        async def judge(message: chinwag.Message) -> None:
            await asyncio.sleep(0.1)

        await server.start()
        async with chinwag.Client(server.url, "ann", reconnect=False) as ann:
            await ann.join("tea")
            await ann.send("tea", "last")
            while not server._handlers._tasks:
                await asyncio.sleep(0)
            await asyncio.to_thread(run, server.drain(5))
            assert "drained" in repr(server)
            assert "last" in [message.content async for message in ann.messages()]
            assert await last_code(ann) == 1012

    run(scenario())


def test_a_server_is_drained_after_its_loop_has_ended() -> None:
    server = chinwag.Server()
    closed: list[int] = []

    @server.on("message")
    async def judge(message: chinwag.Message) -> None:
        await asyncio.sleep(1000)  # with its loop

    server.on("close", lambda connection, code: closed.append(code))
    asyncio.run(server.start())
    server.publish("tea", "it serves still")

    async def scenario() -> None:
        async with chinwag.Client(server.url, "ann", reconnect=False) as ann:
            await ann.join("tea")
            await server.drain(1)
            assert await last_code(ann) == 1012

    run(scenario())
    assert closed == [1012]
    assert is_free(server.port)


def test_a_handler_that_its_loop_ended_with_gave_its_answer() -> None:
    server = chinwag.Server()

    @server.on("message")
    async def judge(message: chinwag.Message) -> None:
        await asyncio.sleep(1000)

    with chinwag.sync.Client(asyncio.run(start(server)), "ann") as ann:
        # The next loop hears of it, and ends while its handler is at work.
        ann.join("tea")
        ann.send("tea", "hello")

        async def hear() -> None:
            server._owner.take()
            assert server._hosted is not None
            server._listen_for(server._hosted)
            while not server._handlers._tasks:
                await asyncio.sleep(0.01)

        run(hear())
        while (message := ann.receive(timeout_s=10)) and message.type != "error":
            pass
        assert message is not None
        assert message.code == "unavailable"
        run(server.drain(1))


async def start(server: chinwag.Server) -> str:
    return (await server.start()).url


def test_a_server_whose_loop_stands_still_is_not_waited_for() -> None:
    loop = asyncio.new_event_loop()
    server = chinwag.Server()
    loop.run_until_complete(server.start())
    with pytest.raises(chinwag.ChinwagError) as raised:
        run(server.drain(1))
    assert raised.value.code == "wrong_loop"
    loop.run_until_complete(server.drain(1))
    loop.close()


async def cancel_all() -> None:
    """What asyncio.run does at its end."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def before(server: chinwag.Server) -> None:
    """While handlers are waited for."""
    while server._draining is None:
        await asyncio.sleep(0)


async def closing(server: chinwag.Server) -> None:
    """While connections are waited for."""
    while server._gone is None:
        await asyncio.sleep(0)


@pytest.mark.parametrize("when", [before, closing])
def test_a_drain_that_was_cancelled_is_begun_anew(
    when: Callable[[chinwag.Server], Awaitable[None]],
) -> None:
    async def scenario() -> None:
        server = chinwag.Server(close_timeout_ms=60_000)
        at_work = asyncio.Event()
        closed: list[int] = []
        server.on("close", lambda connection, code: closed.append(code))

        @server.on("message")
        async def judge(message: chinwag.Message) -> None:
            at_work.set()
            if when is before:
                await asyncio.sleep(1000)

        await server.start()
        with socket.create_connection(("127.0.0.1", server.port), 10) as peer:
            peer.sendall(UPGRADE + text(b'{"type":"join","room":"tea"}') + text(SAY))
            await at_work.wait()
            first = asyncio.create_task(server.drain(1000))  # the peer does not answer its close
            await when(server)
            await cancel_all()
            assert first.cancelled()
            if when is before:
                assert server.stats()["connections"] == 1
            await asyncio.wait_for(server.drain(0.1), 10)
        assert closed in ([1006], [1012])
        assert is_free(server.port)

    asyncio.run(scenario())  # nothing else is there to be cancelled


def test_whoever_waits_for_a_drain_is_not_cancelled_with_it() -> None:
    async def scenario() -> None:
        server = await chinwag.Server().start()
        waiting = [asyncio.create_task(server.drain(5)) for _ in range(3)]
        while server._draining is None:
            await asyncio.sleep(0)
        server._draining.cancel()
        waiting[0].cancel()
        await asyncio.gather(*waiting[1:])
        assert "drained" in repr(server)

    run(scenario())


def test_a_server_that_serves_may_be_cancelled_and_drains() -> None:
    async def scenario() -> None:
        server = chinwag.Server()
        serving = asyncio.create_task(server.serve(5))
        while not server._started:
            await asyncio.sleep(0)
        async with chinwag.Client(server.url, "ann", reconnect=False) as ann:
            await ann.join("tea")
            serving.cancel()
            assert await last_code(ann) == 1012
        with pytest.raises(asyncio.CancelledError):
            await serving

    run(scenario())


def test_a_start_that_fails_leaves_nothing_in_the_loop() -> None:
    async def scenario() -> None:
        async with chinwag.Server() as taken:
            server = chinwag.Server(port=taken.port)
            selector = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
            known = len(selector.get_map())
            for _ in range(3):
                with pytest.raises(chinwag.ChinwagError):
                    await server.start()
            assert len(selector.get_map()) == known
        await server.start()  # now that the port is free
        await server.drain(1)

    run(scenario())


async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers a handshake, and nothing else any more."""
    head = await reader.readuntil(b"\r\n\r\n")
    key = next(
        line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")
    )
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept_key(key.split(b": ")[1].decode()).encode() + b"\r\n\r\n"
    )
    with contextlib.suppress(ConnectionError):
        while await reader.read(65_536):
            pass
        await asyncio.sleep(1000)


def test_a_close_that_was_cancelled_goes_on_and_may_be_waited_for_again() -> None:
    async def scenario() -> None:
        server = await asyncio.start_server(mute, "127.0.0.1", 0)
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"
        for cancel in ("the caller", "everything"):
            client = await chinwag.Client(url, "ann", close_timeout_s=0.5).connect()
            reading = asyncio.create_task(last_code(client))
            closing = asyncio.create_task(client.close())
            while client._closing is None:
                await asyncio.sleep(0)
            if cancel == "the caller":
                closing.cancel()
                await client.close()
                await reading
            else:
                await asyncio.sleep(0)
                closing.cancel()
                client._closing.cancel()
                await asyncio.wait({closing})
                await client.close()
                await asyncio.wait_for(reading, 10)
            assert client._connection is not None
            assert client._connection.transport.is_closing()
            assert client._task is not None
            assert client._task.done()
        server.close()

    run(scenario())


def test_a_server_that_does_not_answer_a_close_is_cut_off() -> None:
    async def scenario() -> None:
        server = await asyncio.start_server(mute, "127.0.0.1", 0)
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"
        client = await chinwag.Client(url, "ann", close_timeout_s=0.1).connect()
        await asyncio.wait_for(client.close(), 5)
        assert client._connection is not None
        assert client._connection.transport.is_closing()
        server.close()

    run(scenario())


def test_a_client_that_is_cancelled_anywhere_can_be_closed() -> None:
    async def life(client: chinwag.Client) -> None:
        await client.connect()
        await client.join("tea")
        await client.send("tea", "x")
        await client.leave("tea")
        await client.receive()
        await client.close()

    async def scenario() -> None:
        async with chinwag.Server() as server:
            for turns in range(0, 120, 3):
                client = chinwag.Client(server.url, "ann")
                living = asyncio.create_task(life(client))
                for _ in range(turns):
                    await asyncio.sleep(0)
                living.cancel()
                await asyncio.wait({living})
                await asyncio.wait_for(client.close(), 10)
            while server.stats()["connections"] > 0:
                await asyncio.sleep(0.01)
            left = [task for task in asyncio.all_tasks() if "Client" in repr(task)]
            assert left == []

    run(scenario())


CALLS: list[Callable[[chinwag.Client], Awaitable[object]]] = [
    lambda client: client.join("tea", 1),
    lambda client: client.leave("tea"),
    lambda client: client.send("tea", "x"),
    lambda client: client.direct("bob", "x"),
    lambda client: client.receive(),
]


def test_a_client_in_another_loop_says_so_and_can_be_closed_there() -> None:
    async def elsewhere(client: chinwag.Client) -> None:
        for call in CALLS:
            with pytest.raises(chinwag.ChinwagError) as raised:
                await asyncio.wait_for(call(client), 5)
            assert raised.value.code == "wrong_loop"
        await asyncio.wait_for(client.close(), 10)

    async def scenario() -> None:
        async with chinwag.Server() as server:
            client = await chinwag.Client(server.url, "ann").connect()
            await asyncio.to_thread(asyncio.run, elsewhere(client))
            assert await last_code(client) == 1000

    run(scenario())
    with chinwag.sync.Server() as server:
        client = chinwag.Client(server.url, "ann")
        asyncio.run(connect(client))  # whose loop ends
        asyncio.run(elsewhere(client))


async def connect(client: chinwag.Client) -> None:
    await client.connect()


def test_a_loop_may_end_with_everything_open() -> None:
    async def scenario() -> None:
        server = await chinwag.Server().start()
        client = await chinwag.Client(server.url, "ann").connect()
        await client.join("tea")
        kept.append((server, client))

    kept: list[Any] = []
    asyncio.run(scenario())
    (server, client) = kept.pop()
    assert "closed" in repr(client)
    asyncio.run(server.drain(1))


def test_servers_of_many_threads_come_and_go() -> None:
    failures: list[BaseException] = []

    def live() -> None:
        async def scenario() -> None:
            async with chinwag.Server() as server, chinwag.Client(server.url, "ann") as ann:
                await ann.join("tea")
                await ann.send("tea", "x")

        try:
            for _ in range(5):
                run(scenario())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=live) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []

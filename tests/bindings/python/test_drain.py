"""How a server ends: deadlines, handlers that are slow, signals."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import chinwag
import pytest
import websockets
from websockets.asyncio.client import connect

# Where children find the package and what it needs. They run without `site`, so that no editable
# install comes first.
PATHS = [Path(one.__file__ or "").resolve().parents[1] for one in (chinwag, websockets)]
PYTHONPATH = os.pathsep.join(map(str, PATHS))


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


@pytest.mark.parametrize("deadline", [None, "x", [], True])
def test_a_deadline_that_is_no_number_is_a_type_error_and_changes_nothing(deadline: Any) -> None:
    async def scenario() -> None:
        server = await chinwag.Server().start()
        with pytest.raises(TypeError, match="deadline is a number"):
            await server.drain(deadline)
        server.publish("tea", "it serves still")
        await server.drain(1)
        assert "drained" in repr(server)

    run(scenario())


@pytest.mark.parametrize("deadline", [math.nan, -1, -math.inf])
def test_a_deadline_that_makes_no_sense_is_an_error_and_changes_nothing(deadline: float) -> None:
    async def scenario() -> None:
        server = await chinwag.Server().start()
        with pytest.raises(chinwag.ChinwagError) as raised:
            await server.drain(deadline)
        assert raised.value.code == "bad_deadline"
        server.publish("tea", "it serves still")
        await server.drain()

    run(scenario())


@pytest.mark.parametrize("deadline", [math.inf, 2**32, 1e300])
def test_the_longest_deadlines_close_as_any_other(deadline: float) -> None:
    async def scenario() -> None:
        server = await chinwag.Server().start()
        async with connect(server.url, proxy=None) as peer:
            await peer.recv()
            await server.drain(deadline)
            await peer.wait_closed()
            assert peer.close_code == 1012

    run(scenario())


@pytest.mark.parametrize("deadline", [math.inf, 2**32 / 1000 + 0.3])
def test_a_deadline_is_waited_for_however_long_it_is(deadline: float) -> None:
    async def scenario() -> None:
        server = await chinwag.Server(close_timeout_ms=60_000).start()
        with socket.create_connection(("127.0.0.1", server.port), 10) as peer:
            peer.sendall(
                b"GET /ws HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            assert await asyncio.to_thread(peer.recv, 4096)
            draining = asyncio.create_task(server.drain(deadline))
            await asyncio.wait({draining}, timeout=1)  # the peer does not answer the close
            assert not draining.done()
        await draining

    run(scenario())


def test_a_drain_needs_no_worker_of_the_programs_executor() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        server = await chinwag.Server().start()
        release = threading.Event()
        busy = [loop.run_in_executor(None, release.wait) for _ in range(64)]
        try:
            await asyncio.wait_for(server.drain(2), 20)
        finally:
            release.set()
            await asyncio.gather(*busy)

    run(scenario())


def test_a_handler_may_wait_for_the_drain_that_it_asked_for() -> None:
    async def scenario() -> None:
        server = chinwag.Server()
        drained = asyncio.Event()

        @server.on("message")
        async def stop(message: chinwag.Message) -> None:
            await server.drain(math.inf)
            drained.set()

        await server.start()
        async with chinwag.Client(server.url, "ann", reconnect=False) as ann:
            await ann.join("tea")
            await ann.send("tea", "stop")
            assert [one.type async for one in ann.messages()] == ["welcome", "user_joined"]
        await drained.wait()

    run(scenario())


def test_a_handler_that_does_not_want_to_end_holds_nothing_up() -> None:
    async def scenario() -> None:
        server = chinwag.Server()
        release = asyncio.Event()

        @server.on("open")
        async def stay(connection: chinwag.Connection) -> None:
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue

        await server.start()
        async with chinwag.Client(server.url, "ann", reconnect=False) as ann:
            await ann.receive()
            await server.drain(0.1)
        release.set()

    run(scenario())


def test_after_a_drain_the_last_counters_can_be_read() -> None:
    async def scenario() -> None:
        server = chinwag.Server()
        async with server, chinwag.Client(server.url, "ann") as ann:
            await ann.join("tea")
            await ann.send("tea", "hello")
            while (message := await ann.receive()) and message.type != "message":
                pass
        last = server.stats()
        assert (last["messages_in"]["message"], last["connections"], last["rooms"]) == (1, 0, 0)
        assert server.stats() == last

    run(scenario())


async def refusal(url: str) -> str | None:
    """Why a newcomer is not let in; ``None`` if one is."""
    try:
        async with chinwag.Client(url, "bob", reconnect=False):
            return None
    except chinwag.ChinwagError as error:
        return error.code


def test_a_drain_lets_nobody_in_while_it_waits_for_handlers() -> None:
    async def scenario() -> None:
        server = chinwag.Server()
        at_work, release = asyncio.Event(), asyncio.Event()

        @server.on("message")
        async def judge(message: chinwag.Message) -> None:
            at_work.set()
            await release.wait()

        await server.start()
        async with chinwag.Client(server.url, "ann", reconnect=False) as ann:
            await ann.join("tea")
            await ann.send("tea", "hello")
            await at_work.wait()
            draining = asyncio.create_task(server.drain(math.inf))
            while (why := await refusal(server.url)) != "unreachable":
                # Who was on the way in when it began may be turned away.
                assert why in (None, "handshake_refused")
                await asyncio.sleep(0)
            async with chinwag.Server(port=server.port):  # a successor
                assert not draining.done()
            release.set()
            await draining
            # Who was there before is served to the end.
            assert "hello" in [message.content async for message in ann.messages()]

    run(scenario())


FLOOD = """
import asyncio, chinwag, os, sys

async def say(i):
    one = await chinwag.Client(sys.argv[1], f"u{i}").connect()
    await one.join("tea")
    for number in range(500):
        await one.send("tea", str(number))

async def main():
    await asyncio.gather(*(say(i) for i in range(10)))
    await asyncio.sleep(0.2)
    os._exit(0)

asyncio.run(main())
"""


@pytest.mark.parametrize("drained", [False, True])
def test_however_much_has_waited_the_event_loop_gets_its_turns(drained: bool) -> None:
    async def scenario() -> None:
        heard = [0]  # messages in each turn of the loop
        server = chinwag.Server()

        @server.on("message")
        def count(message: chinwag.Message) -> None:
            heard[-1] += 1

        await server.start()
        # Nothing runs here meanwhile.
        subprocess.run(
            [sys.executable, "-S", "-c", FLOOD, server.url],
            env={**os.environ, "PYTHONPATH": PYTHONPATH},
            check=True,
            timeout=60,
        )
        if drained:
            await server.drain()
            assert sum(heard) == 5_000
            return
        while sum(heard) < 5_000:
            await asyncio.sleep(0)
            heard.append(0)
        assert max(heard) <= 1024
        await server.drain()

    run(scenario())


def serve(program: str, *numbers: int) -> tuple[int, str, str]:
    """Runs a program that prints `ready` and gets these signals then, one for each `ready`."""
    environment = {**os.environ, "PYTHONPATH": PYTHONPATH, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-S", "-c", program],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        try:
            for number in numbers:
                assert running.stdout.readline() == "ready\n"
                running.send_signal(number)
            output, errors = running.communicate(timeout=30)
        finally:
            running.kill()
    return running.returncode, output, errors


def test_every_server_of_a_loop_hears_a_signal() -> None:
    program = """
import asyncio, chinwag

async def main():
    servers = [chinwag.Server(), chinwag.Server()]
    serving = asyncio.gather(*(one.serve() for one in servers))
    await asyncio.sleep(0.1)
    clients = [await chinwag.Client(one.url, reconnect=False).connect() for one in servers]
    print("ready")
    await serving
    for one in clients:
        print([message.type async for message in one.messages()], one._connection.close_code)

asyncio.run(main())
"""
    code, output, errors = serve(program, signal.SIGTERM)
    assert (code, output, errors) == (0, "['welcome'] 1012\n" * 2, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_script_that_serves_drains_at_a_signal(number: int) -> None:
    program = """
import chinwag, threading, time
server = chinwag.sync.Server()
server.on("close", lambda connection, code: print(code))

def visit():
    while not server._server._started:
        time.sleep(0.01)
    client = chinwag.sync.Client(server.url, reconnect=False).connect()
    client.receive()
    print("ready")

threading.Thread(target=visit).start()
server.serve()
print("end")
"""
    assert serve(program, number) == (0, "1012\nend\n", "")


def test_a_signal_that_the_loop_of_another_thread_hears_at_once_is_heard() -> None:
    class HearsAtOnce(asyncio.SelectorEventLoop):
        def call_soon_threadsafe(self, callback: Any, *args: Any, context: Any = None) -> Any:
            callback(*args)

    loop = HearsAtOnce()
    try:
        assert chinwag.Server()._ask_to_stop(loop, 1)
    finally:
        loop.close()


def test_a_program_has_its_own_signal_handlers_again() -> None:
    program = """
import asyncio, chinwag, signal
mine = lambda *_: print("mine")
signal.signal(signal.SIGTERM, mine)

async def main():
    server = chinwag.Server()
    asyncio.get_running_loop().call_later(0.1, print, "ready")
    await server.serve()
    assert signal.getsignal(signal.SIGTERM) is mine
    signal.raise_signal(signal.SIGTERM)

asyncio.run(main())
"""
    assert serve(program, signal.SIGTERM) == (0, "mine\n", "")


def test_a_second_signal_ends_a_drain_that_takes_long() -> None:
    program = """
import asyncio, chinwag
server = chinwag.Server()

@server.on("open")
async def stay(connection):
    await asyncio.sleep(1000)

async def main():
    serving = asyncio.create_task(server.serve(drain_s=1000))
    await asyncio.sleep(0.1)
    async with chinwag.Client(server.url, reconnect=False) as client:
        await client.receive()
        print("ready")
        while server._draining is None:
            await asyncio.sleep(0.01)
        print("ready")
        await serving

asyncio.run(main())
"""
    code, output, _ = serve(program, signal.SIGTERM, signal.SIGTERM)
    assert (code, output) == (0, "")

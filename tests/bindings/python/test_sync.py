"""`chinwag.sync`: the same for scripts, without an event loop in sight."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import chinwag
import pytest


def test_a_script_talks_to_itself() -> None:
    server = chinwag.sync.Server()

    @server.on("message")
    def shout(message: chinwag.Message) -> None:
        message.content = message.content.upper()

    with server, chinwag.sync.Client(server.url, "ann") as ann:
        ann.join("tea")
        ann.send("tea", "hello")
        for message in ann.messages():
            if message.type == "message":
                assert message.content == "HELLO"
                break
        assert server.rooms == {"tea": 1}
        assert server.members("tea")[0].user == "ann"
        with pytest.raises(TimeoutError):
            ann.receive(timeout_s=0.05)
    assert ann.receive() is None


def test_a_client_that_is_not_connected_says_so() -> None:
    with pytest.raises(chinwag.ConnectionClosed):
        chinwag.sync.Client("ws://127.0.0.1:9/ws").send("tea", "x")


def test_a_handler_that_would_wait_for_its_own_loop_is_told_so() -> None:
    server = chinwag.sync.Server()
    seen: list[str] = []

    @server.on("message")
    def relay(message: chinwag.Message) -> None:
        try:
            server.drain()
        except chinwag.ChinwagError as error:
            seen.append(error.code)

    with server, chinwag.sync.Client(server.url, "ann") as ann:
        ann.join("tea")
        ann.send("tea", "x")
        while (message := ann.receive(timeout_s=5)) and message.type != "message":
            pass
    assert seen == ["would_wait_for_itself"]


def test_an_exit_in_a_handler_is_a_failure_of_that_handler() -> None:
    server = chinwag.sync.Server()

    @server.on("message")
    async def leave(message: chinwag.Message) -> None:
        if message.content == "later":
            await asyncio.sleep(0)
            sys.exit(1)

    @server.on("message")
    def quit_at_once(message: chinwag.Message) -> None:
        if message.content == "quit":
            sys.exit(1)

    with server, chinwag.sync.Client(server.url, "ann") as ann:
        ann.join("tea")
        for content in ("quit", "later", "fine"):
            ann.send("tea", content)
        told = []
        while len(told) < 3:
            message = ann.receive(timeout_s=10)
            assert message is not None
            if message.type in ("error", "message"):
                told.append(message.code or message.content)
        assert told == ["unavailable", "unavailable", "fine"]
        assert server.stats()["handler_errors"] == 2


@pytest.mark.parametrize("deadline", [None, "x"])
def test_a_deadline_that_is_no_number_is_a_type_error(deadline: Any) -> None:
    with chinwag.sync.Server() as server:
        with pytest.raises(TypeError):
            server.drain(deadline)
        server.publish("tea", "it serves still")


@contextmanager
def blocked() -> Iterator[tuple[chinwag.sync.Server, chinwag.sync.Client, threading.Event]]:
    """A server with a handler that does not return before the event is set."""
    server = chinwag.sync.Server()
    at_work, release = threading.Event(), threading.Event()

    @server.on("message")
    def block(message: chinwag.Message) -> None:
        at_work.set()
        release.wait(60)

    server.start()
    ann = chinwag.sync.Client(server.url, "ann", close_timeout_s=0.2).connect()
    try:
        ann.join("tea")
        ann.send("tea", "hello")
        assert at_work.wait(10)
        yield server, ann, release
    finally:
        release.set()
        ann.close()
        server.drain(5)


# Of a minute that the handler takes.
SOON_S = 30


def test_a_drain_does_not_wait_longer_than_its_deadline_for_a_handler_that_blocks() -> None:
    with blocked() as (server, _, _release):
        began = time.monotonic()
        server.drain(0.2)
        assert time.monotonic() - began < SOON_S
        assert server.stats()["connections"] == 0
        assert "drained" in repr(server)
        with pytest.raises(chinwag.ChinwagError) as raised:
            server.publish("tea", "late")
        assert raised.value.code == "not_running"
        server.drain(1)  # again
        other = chinwag.Server(port=server.port)  # the port is free
        asyncio.run(serve_once(other))


async def serve_once(server: chinwag.Server) -> None:
    async with server:
        pass


def test_who_is_connected_when_a_handler_blocks_hears_of_the_end() -> None:
    async def scenario(server: chinwag.sync.Server) -> int | None:
        async with chinwag.Client(server.url, "bob", reconnect=False) as bob:
            await bob.join("coffee")
            drained = asyncio.to_thread(server.drain, 0.2)
            await asyncio.gather(drained, last(bob))
            assert bob._connection is not None
            return bob._connection.close_code

    async def last(client: chinwag.Client) -> None:
        async for _ in client.messages():
            pass

    with blocked() as (server, _, _release):
        assert asyncio.run(asyncio.wait_for(scenario(server), SOON_S)) == 1012


def test_no_call_waits_longer_than_it_was_told_to_for_a_handler_that_blocks() -> None:
    with blocked() as (_, ann, _release):
        began = time.monotonic()
        for call in (lambda: ann.join("coffee", 0.1), lambda: ann.receive(0.1)):
            with pytest.raises(chinwag.NoAnswer, match="a handler blocks"):
                call()
        ann.close()
        assert time.monotonic() - began < SOON_S


def test_what_was_cut_off_ends_well_when_the_handler_returns() -> None:
    with blocked() as (server, ann, release):
        server.drain(0.2)
        release.set()
        while server._server._hosted is not None:
            time.sleep(0.01)
        ann.close()
    with chinwag.sync.Server() as other, chinwag.sync.Client(other.url, "bob") as bob:
        bob.join("tea")  # the loop serves others


LOOP_ENDERS: list[Callable[[], object]] = [
    lambda: asyncio.get_running_loop().stop(),
    lambda: asyncio.get_running_loop().call_soon(sys.exit),
    lambda: asyncio.create_task(interrupt()).add_done_callback(asyncio.Task.exception),
]


async def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("place", range(len(LOOP_ENDERS)))
def test_what_a_handler_does_to_the_loop_does_not_end_it(place: int) -> None:
    server = chinwag.sync.Server()
    server.on("message", lambda message: (LOOP_ENDERS[place](), None)[1])
    with server, chinwag.sync.Client(server.url, "ann") as ann:
        ann.join("tea")
        for content in ("one", "two"):
            ann.send("tea", content)
            while (message := ann.receive(timeout_s=10)) and message.type != "message":
                pass
            assert message is not None
            assert message.content == content


BLOCKED_AT_A_SIGNAL = """
import chinwag, threading, time
server = chinwag.{kind}Server()

@server.on("message")
def block(message):
    print("ready")
    time.sleep(1000)

def visit():
    import asyncio
    async def talk():
        client = await chinwag.Client(server.url, "ann", reconnect=False).connect()
        await client.join("tea")
        await client.send("tea", "hello")
        await asyncio.sleep(1000)
    while True:
        try:
            asyncio.run(talk())
        except chinwag.ChinwagError:
            time.sleep(0.01)

threading.Thread(target=visit, daemon=True).start()
"""


def test_a_signal_ends_a_script_whose_handler_blocks(environment: dict[str, str]) -> None:
    program = BLOCKED_AT_A_SIGNAL.format(kind="sync.") + "server.serve(0.2)\nprint('end')\n"
    with start(program, environment) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        running.send_signal(signal.SIGTERM)
        output, _ = running.communicate(timeout=SOON_S)
    assert (running.returncode, output) == (0, "end\n")


def test_a_second_signal_ends_a_drain_of_a_handler_that_blocks(
    environment: dict[str, str],
) -> None:
    program = BLOCKED_AT_A_SIGNAL.format(kind="sync.") + "server.serve(1000)\nprint('end')\n"
    with start(program, environment) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        signal_until_it_ends(running, signal.SIGINT)  # who drains already hears of the next
        output, _ = running.communicate(timeout=SOON_S)
    assert (running.returncode, output) == (0, "end\n")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 128 + signal.SIGTERM)]
)
def test_signals_end_a_program_whose_loop_is_held_up(
    number: int, code: int, environment: dict[str, str]
) -> None:
    program = BLOCKED_AT_A_SIGNAL.format(kind="") + (
        "import asyncio\nasyncio.run(server.serve(0.2))\n"
    )
    with start(program, environment) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        signal_until_it_ends(running, number)
        running.communicate(timeout=SOON_S)
    assert running.returncode == code


def signal_until_it_ends(running: subprocess.Popen[str], number: int) -> None:
    """Not in haste: when a program has served, its signals have their usual effect again."""
    while running.poll() is None:
        running.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            running.wait(timeout=3)


@contextmanager
def start(program: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A program that ends with the block."""
    with subprocess.Popen(
        [sys.executable, "-S", "-c", program],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()

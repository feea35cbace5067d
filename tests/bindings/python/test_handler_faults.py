"""Whatever a handler, or what is told of its failure, raises: who asked gets an answer."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import chinwag
import pytest


class Outcome(BaseException):
    """As test frameworks and other event loops have them: no Exception."""


RAISED: list[type[BaseException]] = [
    ValueError,
    StopIteration,
    StopAsyncIteration,
    GeneratorExit,
    asyncio.CancelledError,
    Outcome,
    RecursionError,
    MemoryError,
]
EVENTS = ("join", "message")


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


async def answer_of(client: chinwag.Client) -> str:
    """The code of the next error, or the content of the next message."""
    while True:
        message = await asyncio.wait_for(client.receive(), 10)
        assert message is not None
        if message.type in ("error", "message"):
            return message.code or message.content


async def check_refused(server: chinwag.Server) -> None:
    """Of ten clients one says what its handler fails on; all get an answer, twice."""
    async with server:
        clients = [await chinwag.Client(server.url, f"u{i}").connect() for i in range(10)]
        for i, client in enumerate(clients):
            await client.join(f"room {i}")
        for content in ("fine", "again"):
            said = ["boom", *[content] * 9]
            for i, client in enumerate(clients):
                await client.send(f"room {i}", said[i])
            answers = [await answer_of(client) for client in clients]
            assert answers == ["unavailable", *[content] * 9]
        assert server.stats()["handler_errors"] == 2
        await asyncio.gather(*(client.close() for client in clients))
        await asyncio.wait_for(server.drain(1), 10)


@pytest.mark.parametrize("raised", RAISED)
def test_whatever_a_handler_raises_is_a_failure_of_its_message_alone(
    raised: type[BaseException],
) -> None:
    server = chinwag.Server()

    @server.on("message")
    def judge(message: chinwag.Message) -> None:
        if message.content == "boom":
            raise raised

    run(check_refused(server))


@pytest.mark.parametrize("raised", RAISED)
def test_whatever_a_coroutine_raises_is_a_failure_of_its_message_alone(
    raised: type[BaseException],
) -> None:
    server = chinwag.Server()

    @server.on("message")
    async def judge(message: chinwag.Message) -> None:
        await asyncio.sleep(0)
        if message.content == "boom":
            raise raised

    run(check_refused(server))


class Unawaitable:
    def __await__(self) -> Iterator[None]:
        raise Outcome


class Odd:
    def __await__(self) -> Iterator[object]:
        yield "no future"


class Deceptive:
    @property
    def __class__(self) -> type:  # what isinstance() asks
        raise Outcome


@pytest.mark.parametrize("returned", [Unawaitable, Odd, Deceptive])
def test_whatever_a_handler_returns_its_message_has_an_answer(returned: type) -> None:
    server = chinwag.Server()
    server.on("message", lambda message: returned() if message.content == "boom" else None)
    run(check_refused(server))


def test_a_handler_whose_task_can_not_be_made_is_a_failure_of_its_message_alone() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()

        def make(loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> Any:
            if work.__name__ == "_decide_later":
                raise Outcome
            return asyncio.Task(work, loop=loop, **more)

        server = chinwag.Server()

        @server.on("message")
        def judge(message: chinwag.Message) -> asyncio.Future[None]:
            return loop.create_future()

        async with server, chinwag.Client(server.url, "ann") as ann:
            await ann.join("tea")
            loop.set_task_factory(make)
            await ann.send("tea", "hello")
            assert await answer_of(ann) == "unavailable"
            loop.set_task_factory(None)

    run(scenario())


def test_a_generator_is_no_handler() -> None:
    server = chinwag.Server()

    def one(message: chinwag.Message) -> Iterator[None]:
        message.refuse()
        yield

    async def other(message: chinwag.Message) -> AsyncIterator[None]:
        message.refuse()
        yield

    for handler in (one, other):
        with pytest.raises(TypeError, match="yield"):
            server.on("message", handler)
        # Behind a lambda nobody sees it before it is called.
        hidden = chinwag.Server()
        hidden.on("message", lambda message, handler=handler: handler(message))

        async def scenario(server: chinwag.Server = hidden) -> None:
            async with server, chinwag.Client(server.url, "ann") as ann:
                await ann.join("tea")
                await ann.send("tea", "hello")
                assert await answer_of(ann) == "unavailable"

        run(scenario())


@pytest.mark.parametrize("raised", [SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("late", [False, True])
def test_an_exit_comes_after_the_verdicts_and_leaves_the_loop(
    raised: type[BaseException], late: bool
) -> None:
    server = chinwag.Server()

    async def leave(message: chinwag.Message) -> None:
        await asyncio.sleep(0)
        raise raised

    @server.on("message")
    def judge(message: chinwag.Message) -> Any:
        if message.content != "boom":
            return None
        if late:
            return leave(message)
        raise raised

    async def talk() -> list[str]:
        clients = [await chinwag.Client(server.url, f"u{i}").connect() for i in range(10)]
        for i, client in enumerate(clients):
            await client.join(f"room {i}")
        for i, client in enumerate(clients):
            await client.send(f"room {i}", "fine" if i else "boom")
        try:
            return [await answer_of(client) for client in clients]
        finally:
            await asyncio.gather(*(client.close() for client in clients))

    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(server.start())
        talking = loop.create_task(talk())
        with pytest.raises(raised):
            loop.run_until_complete(talking)
        # The program goes on with its loop: everybody has an answer.
        answers = loop.run_until_complete(asyncio.wait_for(talking, 20))
        assert answers == ["unavailable", *["fine"] * 9]
        loop.run_until_complete(asyncio.wait_for(server.drain(1), 10))
    finally:
        loop.close()


def test_an_exit_in_a_handler_ends_the_program_with_its_code(environment: dict[str, str]) -> None:
    program = """
import asyncio, chinwag, sys
server = chinwag.Server()

@server.on("message")
def judge(message):
    sys.exit(7)

async def main():
    async with server, chinwag.Client(server.url, "ann") as ann:
        await ann.join("tea")
        await ann.send("tea", "x")
        await asyncio.sleep(60)

asyncio.run(main())
"""
    command = [sys.executable, "-S", "-c", program]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 7


class Broken(logging.Handler):
    """A handler of logging that lets out what it raises."""

    def __init__(self, raised: type[BaseException]) -> None:
        super().__init__()
        self.raised = raised

    def emit(self, record: logging.LogRecord) -> None:
        raise self.raised


@pytest.fixture
def break_logging() -> Iterator[Callable[[type[BaseException]], None]]:
    logger = logging.getLogger("chinwag")
    level, handlers = logger.level, list(logger.handlers)

    def install(raised: type[BaseException]) -> None:
        logger.setLevel(logging.DEBUG)
        logger.addHandler(Broken(raised))

    yield install
    logger.setLevel(level)
    logger.handlers[:] = handlers


@pytest.mark.parametrize("raised", [ValueError, Outcome])
def test_a_log_that_fails_is_in_nobodys_way(
    raised: type[BaseException],
    break_logging: Callable[[type[BaseException]], None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    break_logging(raised)
    server = chinwag.Server()

    @server.on("message")
    def judge(message: chinwag.Message) -> None:
        if message.content == "boom":
            raise ZeroDivisionError

    run(check_refused(server))
    assert raised.__name__ in capfd.readouterr().err


def test_a_log_that_fails_does_not_end_a_client(
    break_logging: Callable[[type[BaseException]], None],
) -> None:
    break_logging(ValueError)

    async def scenario() -> None:
        first = await chinwag.Server().start()
        backoff = chinwag.Backoff(0.001, 0.01)
        async with chinwag.Client(first.url, "ann", backoff=backoff) as ann:
            await ann.join("tea")
            await first.drain()
            await asyncio.sleep(0.1)  # it does not come back yet, and says so
            async with chinwag.Server(port=first.port):
                await ann.send("tea", "back")
                assert await answer_of(ann) == "back"

    run(scenario())


def test_a_log_that_fails_does_not_keep_a_server_from_serving_and_ending(
    break_logging: Callable[[type[BaseException]], None],
) -> None:
    break_logging(ValueError)

    async def scenario() -> None:
        server = chinwag.Server()
        serving = asyncio.create_task(server.serve())
        while not server._started:
            await asyncio.sleep(0)
        async with chinwag.Client(server.url, "ann") as ann:
            await ann.join("tea")
        await server.drain(1)
        await serving

    run(scenario())


@pytest.mark.parametrize("raised", [ValueError, Outcome])
def test_a_handler_of_error_that_fails_is_counted_and_that_is_all(
    raised: type[BaseException],
) -> None:
    server = chinwag.Server()
    told: list[BaseException] = []

    @server.on("message")
    def judge(message: chinwag.Message) -> None:
        if message.content == "boom":
            raise ZeroDivisionError

    @server.on("error")
    def note(error: BaseException, about: object) -> None:
        raise raised

    @server.on("error")
    async def note_too(error: BaseException, about: object) -> None:
        told.append(error)
        raise raised

    async def scenario() -> None:
        async with server, chinwag.Client(server.url, "ann") as ann:
            await ann.join("tea")
            for content in ("boom", "fine"):
                await ann.send("tea", content)
            assert [await answer_of(ann) for _ in range(2)] == ["unavailable", "fine"]
        assert [type(one) for one in told] == [ZeroDivisionError]
        assert server.stats()["handler_errors"] == 3

    run(scenario())


VERDICTS: dict[str, Callable[[chinwag.Message], object]] = {
    "bad_content: 65,537 bytes of UTF-8: give at most 65,536": lambda message: setattr(
        message, "content", "x" * 65_537
    ),
    "bad_content: 70,000 bytes": lambda message: message.answer("x" * 70_000),
    "bad_content: 131,072 bytes": lambda message: message.refuse("ü" * 65_536),
    "bad_refusal: forbidden, rate_limited": lambda message: message.refuse("no", "no such code"),
    "bad_content: half of a surrogate pair": lambda message: message.answer("\ud83d"),
    "bad_close_code: code is 70000: give one from 0 to 65,535": lambda message: (
        message.connection.close(70_000)
    ),
    "bad_close_code: far out of bounds": lambda message: message.connection.close(10**5000),
    "bad_close_code: is no close code": lambda message: message.connection.close(1005),
    "TypeError: code is an int, not str": lambda message: message.connection.close(
        "x"  # type: ignore[arg-type]
    ),
    "TypeError: code is an int, not bool": lambda message: message.connection.close(True),
    "TypeError: content is a str, not int": lambda message: message.connection.send(
        5  # type: ignore[arg-type]
    ),
}


@pytest.mark.parametrize("expected", VERDICTS)
def test_what_can_be_no_verdict_is_an_error_where_it_is_given(expected: str) -> None:
    server = chinwag.Server()
    raised: list[str] = []

    @server.on("message")
    def judge(message: chinwag.Message) -> None:
        try:
            VERDICTS[expected](message)
        except (chinwag.ChinwagError, TypeError) as error:
            raised.append(f"{getattr(error, 'code', type(error).__name__)}: {error}")

    async def scenario() -> None:
        async with server, chinwag.Client(server.url, "ann") as ann:
            await ann.join("tea")
            await ann.send("tea", "hello")
            assert await answer_of(ann) == "hello"

    run(scenario())
    kind, _, text = expected.partition(": ")
    assert raised[0].startswith(f"{kind}: ")
    assert text in raised[0]

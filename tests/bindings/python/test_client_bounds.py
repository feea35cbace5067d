"""`chinwag.Client` against servers that send too much, something else, or elsewhere."""

from __future__ import annotations

import asyncio
import http
import logging
from collections.abc import Coroutine
from typing import Any

import chinwag
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

WELCOME = '{"type":"welcome","user":"ann"}'
HEAD, TAIL = '{"type":"message","room":"tea","user":"bob","content":"', '","timestamp":1}'
OVERHEAD = len(HEAD + TAIL)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


def url_of(server: Any) -> str:
    return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"


def message_of(size: int) -> str:
    """A message of so many bytes."""
    return HEAD + "x" * (size - OVERHEAD) + TAIL


@pytest.mark.parametrize("pieces", [1, 100])
@pytest.mark.parametrize("limit", [None, 65_536, 3_000_000])
def test_a_message_beyond_the_bound_is_a_break(
    limit: int | None, pieces: int, caplog: pytest.LogCaptureFixture
) -> None:
    bound = 2**20 if limit is None else limit
    options = {} if limit is None else {"message_bytes_max": limit}
    codes: list[int | None] = []

    async def send(connection: ServerConnection, text: str) -> None:
        step = -(-len(text) // pieces)
        await connection.send(text[i : i + step] for i in range(0, len(text), step))

    async def flood(connection: ServerConnection) -> None:
        await connection.send(WELCOME)
        await send(connection, message_of(bound))
        if not codes:
            await send(connection, message_of(bound + 1))
            await connection.wait_closed()
            codes.append(connection.close_code)
        await connection.wait_closed()

    async def scenario() -> None:
        async with serve(flood, "127.0.0.1", 0, compression=None) as server:
            backoff = chinwag.Backoff(0.001, 0.001)
            async with chinwag.Client(url_of(server), "ann", backoff=backoff, **options) as ann:
                sizes = [message.content async for message in first(ann, 4)]
                assert [len(content) > 0 for content in sizes] == [False, True, False, True]
                assert ann.reconnects == 1
        assert codes == [1009]

    with caplog.at_level(logging.WARNING, "chinwag"):
        run(scenario())
    assert f"message_bytes_max, {bound} bytes" in caplog.text


async def first(client: chinwag.Client, count: int) -> Any:
    for _ in range(count):
        message = await asyncio.wait_for(client.receive(), 20)
        assert message is not None
        yield message


def test_a_reader_that_is_slow_keeps_few_bytes_of_long_messages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chinwag.client.KEPT_BYTES_MAX", 300_000)

    async def flood(connection: ServerConnection) -> None:
        await connection.send(WELCOME)
        while True:
            await connection.send(message_of(100_000))

    async def scenario() -> None:
        async with (
            serve(flood, "127.0.0.1", 0, compression=None) as server,
            chinwag.Client(url_of(server), "ann") as ann,
        ):
            await asyncio.sleep(0.3)
            assert ann._queue.qsize() <= 4
            joining = asyncio.create_task(ann.join("tea"))  # the answer may be behind them
            while ann._queue.qsize() <= 4:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)
            assert ann._queue.qsize() <= 14
            joining.cancel()
            async for message in first(ann, 50):
                assert len(message.content) in (0, 100_000 - OVERHEAD)

    run(scenario())


@pytest.mark.parametrize(
    "place",
    ["http://[", "ws://127.0.0.1:999999/", "ws://127.0.0.1:9/ws", "/elsewhere", "", "\xff"],
)
def test_a_redirect_is_not_followed_and_a_client_goes_on_trying(
    place: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        asked: list[str] = []
        turned_away = 0

        def redirect(connection: ServerConnection, request: Request) -> Response | None:
            nonlocal turned_away
            asked.append(request.path)
            if len(asked) in (1, 5):
                return None
            turned_away += 1
            response = connection.respond(http.HTTPStatus.FOUND, "")
            response.headers["Location"] = place
            return response

        async def welcome(connection: ServerConnection) -> None:
            await connection.send(WELCOME)
            if len(asked) > 1:
                await connection.wait_closed()

        async with serve(welcome, "127.0.0.1", 0, process_request=redirect) as server:
            backoff = chinwag.Backoff(0.001, 0.001)
            async with chinwag.Client(url_of(server), "ann", backoff=backoff) as ann:
                types = [message.type async for message in first(ann, 2)]
                assert types == ["welcome", "welcome"]
                with pytest.raises(chinwag.ChinwagError, match="not followed") as raised:
                    await chinwag.Client(url_of(server)).connect()
                assert raised.value.code == "handshake_refused"
        assert asked[:5] == ["/ws?user=ann"] * 5
        assert turned_away == 4

    with caplog.at_level(logging.WARNING, "chinwag"):
        run(scenario())
    assert "redirects are not followed" in caplog.text


ODD = [
    "null",
    "5",
    '"welcome"',
    "[]",
    "{}",
    "",
    "{",
    "\ufeff{}",
    '{"type":5}',
    '{"type":null}',
    '{"type":"message","room":null}',
    '{"type":"message","room":{},"content":"x"}',
    '{"type":"message","room":"tea","user":5}',
    '{"type":"message","content":[[]]}',
    '{"type":"message","timestamp":"now"}',
    '{"type":"message","timestamp":true}',
    '{"type":"message","timestamp":1e999}',
    '{"type":"message","timestamp":' + "9" * 5_000 + "}",
    '{"type":"user_joined","room":{},"user":"ann"}',
    '{"type":"welcome","user":{"a":1}}',
    '{"type":"error","message":{"a":1},"code":"forbidden"}',
    '{"type":"error","message":"no","code":[1]}',
    "[" * 200_000,
]


@pytest.mark.parametrize("place", range(len(ODD)))
def test_what_is_no_message_of_chat_1_is_a_break(place: int) -> None:
    async def odd(connection: ServerConnection) -> None:
        await connection.send(WELCOME)
        await connection.send(ODD[place])
        await connection.wait_closed()

    async def scenario() -> None:
        async with (
            serve(odd, "127.0.0.1", 0) as server,
            chinwag.Client(url_of(server), "ann", reconnect=False) as ann,
        ):
            assert [message async for message in ann.messages()] == [
                chinwag.Received("welcome", user="ann")
            ]

    run(scenario())


def test_a_client_takes_what_later_versions_say() -> None:
    later = '{"type":"presence","room":"tea","state":{"a":[1,null]},"message":5}'

    async def speak(connection: ServerConnection) -> None:
        await connection.send(b"\x00")  # no text: nothing of chat/1
        await connection.send(later)
        await connection.wait_closed()

    async def scenario() -> None:
        async with (
            serve(speak, "127.0.0.1", 0) as server,
            chinwag.Client(url_of(server), "ann") as ann,
        ):
            assert await ann.receive() == chinwag.Received("presence", room="tea")

    run(scenario())


@pytest.mark.parametrize("line", [b"x-a: b\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n", b""])
def test_a_handshake_that_comes_slowly_ends_in_time(line: bytes) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"" if line.startswith(b"HTTP") else b"HTTP/1.1 101 Switching Protocols\r\n")
        while not writer.is_closing():
            writer.write(line)
            await asyncio.sleep(0.02)

    async def scenario() -> None:
        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        with pytest.raises(chinwag.ChinwagError) as raised:
            await chinwag.Client(url_of(server), connect_timeout_s=0.3).connect()
        assert raised.value.code in ("unreachable", "handshake_refused")
        server.close()

    run(scenario())

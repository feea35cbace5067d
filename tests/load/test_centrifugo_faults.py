"""What a server that speaks Centrifugo's protocol does wrong is noticed as with the others."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

LOAD = ("--rate", 100, "--seconds", 1, "--check-every", 1)
FAULTS = ("lost", "duplicated", "reordered", "corrupted")
FAULTY = 40
"""The number of the publication that is not as it should be, for the first who gets it."""
Tamper = Callable[[str], list[str]]


class Publisher:
    """Connections, their channels, and one that tampers with one delivery."""

    def __init__(self, tamper: Tamper) -> None:
        self._tamper = tamper
        self._members: dict[str, list[ServerConnection]] = defaultdict(list)
        self._published = 0

    async def handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        user = connection.request.headers["X-User-Id"]
        with contextlib.suppress(ConnectionClosed):  # the generator says no goodbye
            async for text in connection:
                for line in str(text).split("\n"):
                    await self._serve(connection, user, json.loads(line))

    async def _serve(self, connection: ServerConnection, user: str, command: Any) -> None:
        kind = next((key for key in command if key != "id"), None)
        if kind is None:
            return  # the answer to a ping
        if kind == "subscribe":
            channel = command[kind]["channel"]
            self._members[channel].append(connection)
            await self._push(channel, {"join": {"info": {"user": user}}}, whole=True)
        if kind == "publish":
            publication = {"data": command[kind]["data"], "info": {"user": user}}
            self._published += 1
            faulty = self._published == FAULTY
            await self._push(command[kind]["channel"], {"pub": publication}, whole=not faulty)
        await connection.send(json.dumps({"id": command["id"], kind: {}}, separators=(",", ":")))

    async def _push(self, channel: str, event: dict[str, Any], *, whole: bool) -> None:
        text = json.dumps({"push": {"channel": channel} | event}, separators=(",", ":"))
        for member in self._members[channel]:
            lines = [text] if whole or member is not self._members[channel][0] else None
            lines = self._tamper(text) if lines is None else lines
            if lines:
                await member.send("\n".join(lines))


@pytest.fixture
def publish_by() -> Iterator[Callable[[Tamper], int]]:
    """Starts such a server; answers its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def start(tamper: Tamper) -> int:
        async def begin() -> int:
            server = await serve(Publisher(tamper).handle, "127.0.0.1", 0, compression=None)
            port: int = next(iter(server.sockets)).getsockname()[1]
            return port

        return asyncio.run_coroutine_threadsafe(begin(), loop).result(10)

    yield start
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def another_user(text: str) -> list[str]:
    reply = json.loads(text)
    reply["push"]["pub"]["info"]["user"] += "x"
    return [json.dumps(reply, separators=(",", ":"))]


def without_content(text: str) -> list[str]:
    reply = json.loads(text)
    del reply["push"]["pub"]["data"]["content"]
    return [json.dumps(reply, separators=(",", ":"))]


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (lambda text: [text], {}),
        (lambda text: [], {"lost": 1}),
        (lambda text: [text, text], {"duplicated": 1}),
        (another_user, {"corrupted": 1}),
        (without_content, {"corrupted": 1, "lost": 1}),
        (lambda text: ["{}", text], {}),
    ],
    ids=["as it should be", "lost", "twice", "another user", "no content", "behind a ping"],
)
def test_each_fault_is_counted(publish_by, measure, tamper, found):
    hold = measure(publish_by(tamper), *LOAD, "--protocol", "centrifugo").hold
    assert hold["sent"] == 100
    assert {fault: hold[fault] for fault in FAULTS if hold[fault]} == found

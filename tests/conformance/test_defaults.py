"""L1 and L2 without a setting: what becomes of a connection that is left alone for a minute.

Every server's minute is the same one: with several --server, or none, they are watched together.
"""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from .chat import Chat
from .client import Client, End
from .deadline import timeout
from .frames import Opcode
from .servers import Choice, Fleet, Running, chosen

pytestmark = [pytest.mark.patient, pytest.mark.transport("websocket")]

PING_S = 30.0
IDLE_S = 60.0
TOLERANCE_S = 5.0
"""How far from its time a timer of this machine may fire, and what it sends may come."""

IDLE_LATE_S = IDLE_S / 4 + TOLERANCE_S
"""A server may look after idle connections every so often, rather than keep a timer of each: one
that sweeps every eighth of the timeout, and closes at the second sweep, is late by a quarter when
the connection fell silent just after a sweep."""

WATCHED_S = IDLE_S + IDLE_LATE_S + TOLERANCE_S


class Watch:
    """Two connections of one server: one answers pings, the other one says nothing at all."""

    def __init__(self, running: Running) -> None:
        self.pings_s: list[float] = []
        self.silent_end: End | None = None
        self.silent_end_s = 0.0
        self._running = running
        self._thread = threading.Thread(target=lambda: asyncio.run(self._watch()))
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    async def _watch(self) -> None:
        chat = Chat(self._running.address)
        try:
            alive, silent = await chat.connect(), await chat.connect()
            silent.answers_pings = False
            started = time.monotonic()
            await asyncio.gather(self._count(alive, started), self._outlast(silent, started))
        finally:
            chat.abort()

    async def _count(self, client: Client, started: float) -> None:
        """When each ping came."""
        while await _readable_by(client, started + WATCHED_S):
            frame = await client.receive_frame()
            assert frame is not None, "the connection ended though every ping was answered"
            self.pings_s.append(time.monotonic() - started)
            await client.send_frame(Opcode.PONG, frame.payload)

    async def _outlast(self, client: Client, started: float) -> None:
        """How and when the silent one was let go."""
        while await _readable_by(client, started + WATCHED_S):
            frame = await client.receive_frame()
            if frame is None or frame.opcode == Opcode.CLOSE:
                payload = frame.payload if frame else b""
                code = int.from_bytes(payload[:2], "big") if payload else None
                self.silent_end = End(code, payload[2:].decode())
                self.silent_end_s = time.monotonic() - started
                return


async def _readable_by(client: Client, deadline: float) -> bool:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(client.sock, ready.set)
    try:
        async with timeout(max(0.0, deadline - time.monotonic())):
            await ready.wait()
    except asyncio.TimeoutError:
        return False
    finally:
        loop.remove_reader(client.sock)
    return True


@pytest.fixture(scope="module")
def watches(request: pytest.FixtureRequest, fleet: Fleet) -> dict[str, Watch]:
    """All servers' minute, begun when the first of them is asked for."""
    option = request.config.getoption
    watches = {
        choice.id: Watch(fleet.shared(choice))
        for choice in chosen(option("--server"), option("--url"))
        if choice.transport == "websocket"
    }
    for watch in watches.values():
        watch.join()
    return watches


@pytest.mark.rules("L1")
async def test_a_ping_comes_every_30_s(choice: Choice, watches: dict[str, Watch]) -> None:
    """A server may ping all its connections at once, so the first one comes early."""
    first, *others = watches[choice.id].pings_s
    assert first <= PING_S + TOLERANCE_S, f"the first ping came after {first:.1f} s"
    gaps = [after - before for before, after in zip([first, *others], others, strict=False)]
    assert gaps, "no second ping came"
    for gap in gaps:
        assert abs(gap - PING_S) <= TOLERANCE_S, f"{gap:.1f} s lie between two pings"


@pytest.mark.rules("L2")
async def test_60_s_of_silence_are_closed_with_1001(
    choice: Choice, watches: dict[str, Watch]
) -> None:
    watch = watches[choice.id]
    assert watch.silent_end == End(1001, "Heartbeat timeout"), f"ended with {watch.silent_end}"
    late_s = watch.silent_end_s - IDLE_S
    assert -TOLERANCE_S <= late_s <= IDLE_LATE_S, f"it ended after {watch.silent_end_s:.1f} s"

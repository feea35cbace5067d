"""Rule F11: what was served before a close comes before it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator

import pytest

from . import frames
from .chat import Chat, fresh_name
from .frames import Opcode
from .messages import Message
from .servers import Choice, Fleet, Running
from .test_shutdown import terminate, until_the_end

EACH = 20
DELAY_MS = 4_000
AT_ONCE_S = 2.0
"""Half the delay: a machine may be busy, and a close that waits for the delay is late."""
TRIES = 3

ENDINGS: dict[str, tuple[bytes, set[int | None]]] = {
    "malformed": (frames.encode(Opcode.TEXT, b"{"), {1003}),
    "a malformed event": (frames.encode(Opcode.TEXT, b"42{"), {1003}),
    "too long": (frames.encode(Opcode.TEXT, b" " * 65_537), {1009}),
    "a close": (frames.encode(Opcode.CLOSE, frames.close_payload(1000)), {1000, 1005}),
}
HEARTBEAT = frames.encode(Opcode.TEXT, b'{"type":"heartbeat"}')


@pytest.mark.transport("websocket", "engine.io")
@pytest.mark.rules("F11", "R11", "D1")
@pytest.mark.parametrize("ending", ENDINGS)
async def test_what_was_served_comes_before_the_close(
    chat: Chat, choice: Choice, ending: str
) -> None:
    """Answers, copies of one's own messages and directs to oneself, all in one write."""
    last, codes = ENDINGS[ending]
    if choice.transport == "engine.io":
        codes = codes | {1005}  # its own closes say nothing
    client, room = await chat.connect(), fresh_name("room")
    await client.join(room)
    requests: list[Message] = []
    for number in range(EACH):
        content = str(number)
        requests.append({"type": "message", "room": room, "content": content})
        requests.append({"type": "direct", "to": client.user, "content": content})
        requests.append({"type": "heartbeat"})
    encode = client.transport.encode
    texts = [
        frames.encode(Opcode.TEXT, encode(json.dumps(request).encode())) for request in requests
    ]
    await client.send_bytes(b"".join(texts) + last)
    came, end = await until_the_end(client)
    for kind in ("message", "direct"):
        contents = [one["content"] for one in came if one["type"] == kind]
        assert contents == [str(number) for number in range(EACH)], f"of each {kind}: {contents}"
    beats = sum(one["type"] == "heartbeat" for one in came)
    assert beats == EACH, f"{beats} of {EACH} heartbeats are answered"
    assert end.code in codes, f"ended with {end}"


@pytest.fixture
def of_long_delay(own_choice: Choice, fleet: Fleet) -> Running:
    return fleet.shared(own_choice, "delay", CHAT_WRITE_DELAY_MS=str(DELAY_MS))


@pytest.fixture
def own_of_long_delay(own_choice: Choice, fleet: Fleet) -> Iterator[Running]:
    server = fleet.start(own_choice, "own-delay", CHAT_WRITE_DELAY_MS=str(DELAY_MS))
    yield server
    assert server.process is not None
    server.process.stop()


@pytest.mark.variant("coalesced")
@pytest.mark.rules("F11", "C1", "F8")
@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_close_waits_for_no_write_delay(of_long_delay: Running, ending: str) -> None:
    """It takes what waits along. The quickest of three counts."""
    last, codes = ENDINGS[ending]
    took = []
    for _ in range(TRIES):
        chat = Chat(of_long_delay.address)
        client = await chat.connect()
        started = time.monotonic()
        await client.send_bytes(HEARTBEAT + last)
        came, end = await until_the_end(client)
        took.append(time.monotonic() - started)
        assert [one["type"] for one in came] == ["heartbeat"]
        assert end.code in codes, f"ended with {end}"
        if took[-1] < AT_ONCE_S:
            return
    pytest.fail(f"the close came after {min(took):.1f} s of a delay of {DELAY_MS / 1000:.0f} s")


@pytest.mark.variant("coalesced")
@pytest.mark.rules("L5")
async def test_a_stop_waits_for_no_write_delay(own_of_long_delay: Running) -> None:
    chat = Chat(own_of_long_delay.address)
    client = await chat.connect()
    await client.send_bytes(HEARTBEAT * EACH)
    await asyncio.sleep(0.2)  # until they are read: what comes later need not be served
    await terminate(own_of_long_delay)
    came, end = await until_the_end(client)
    assert [one["type"] for one in came] == EACH * ["heartbeat"]
    assert end.code == 1012, f"ended with {end}"

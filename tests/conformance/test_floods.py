"""Rules H11, H12 and L6: requests that are too large, too slow, or never complete."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from .chat import Chat, fresh_name
from .client import Client
from .handshake import (
    Address,
    NoResponse,
    Response,
    open_socket,
    read_response,
    send_all,
    upgrade_request,
)
from .transports import TRANSPORTS

SERVED_WITHIN_S = 5.0
DRIPS = 45
DRIP_S = 0.1
TRIES = 3
HALF_OPEN = 50

FLOODS: dict[str, dict[str, str | None]] = {
    "one field of 100 KiB": {"X-Flood": "x" * 102_400},
    "a field's name of 100 KiB": {"x" * 102_400: "y"},
    "a cookie of 1 MiB": {"Cookie": "a=" + "x" * 2**20},
    "10,000 fields": {f"X-{number}": "y" for number in range(10_000)},
    "30,000 subprotocols": {"Sec-WebSocket-Protocol": ", ".join(map(str, range(30_000)))},
}


def target(address: Address) -> str:
    """A good request's, in the transport's own way."""
    return TRANSPORTS[address.transport]().upgrade_target(fresh_name("flood"), None)


@pytest.mark.rules("H11", "L6")
@pytest.mark.parametrize("headers", FLOODS.values(), ids=FLOODS)
async def test_a_flood_of_headers_is_refused(chat: Chat, headers: dict[str, str | None]) -> None:
    await refused_while_others_are_served(
        chat, upgrade_request(target(chat.address), headers=headers)
    )
    await (await chat.connect()).fence()


async def refused_while_others_are_served(chat: Chat, flood: bytes) -> None:
    """Others are served while the flood is sent and before its answer has come, not only then."""
    bystander = await chat.connect()
    half = len(flood) // 2
    with await open_socket(chat.address) as sock:
        response = None
        with contextlib.suppress(ConnectionError, NoResponse):
            await send_all(sock, flood[:half])
            await bystander.fence()
            await send_all(sock, flood[half:])
            await bystander.fence()
            response = await read_response(sock)
    assert response is None or 400 <= response.status < 600, f"answered with {response}"
    await bystander.fence()


@pytest.mark.rules("H11", "L6")
async def test_a_head_without_end_is_refused(chat: Chat) -> None:
    """The flood comes in pieces and never ends: the server must not wait, or keep, for ever."""
    head = b"GET /ws HTTP/1.1\r\nHost: chat.test\r\n"
    await refused_while_others_are_served(chat, head + b"X-Flood: y\r\n" * 200_000)


@pytest.mark.rules("H12", "L6")
async def test_a_slow_handshake_is_served_and_holds_nobody_up(chat: Chat) -> None:
    """A byte every 100 ms, the last ones just within 5 s; meanwhile others come, are served, and
    go. A try in which this machine was later than that says nothing.
    """
    room = fresh_name("room")
    member = await chat.member(room)
    for _ in range(TRIES):
        dripping = asyncio.create_task(drip(chat.address))
        while not dripping.done():
            await visit(chat, room, member)
            await asyncio.sleep(DRIP_S)
        response, last_byte_s = await dripping
        if last_byte_s < SERVED_WITHIN_S:
            assert response is not None, f"ended before {last_byte_s:.1f} s were over"
            assert response.status == 101, f"answered with {response.status}"
            return
    pytest.fail(f"this machine could not send a request within {SERVED_WITHIN_S} s")


async def drip(address: Address) -> tuple[Response | None, float]:
    """The answer to a request that comes slowly, and when its last byte was sent."""
    request = upgrade_request(target(address))
    with await open_socket(address) as sock:
        started = time.monotonic()
        with contextlib.suppress(ConnectionError, NoResponse):
            for at in range(DRIPS):
                await send_all(sock, request[at : at + 1])
                await asyncio.sleep(max(0.0, started + (at + 1) * DRIP_S - time.monotonic()))
            await send_all(sock, request[DRIPS:])
            last_byte_s = time.monotonic() - started
            return await read_response(sock), last_byte_s
        return None, time.monotonic() - started


async def visit(chat: Chat, room: str, member: Client) -> None:
    """A whole handshake, a join heard by the member, a departure."""
    guest = await chat.member(room)
    await member.expect(type="user_joined", room=room, user=guest.user)
    assert (await guest.close()).code in (1000, 1005)
    await member.expect(type="user_left", room=room, user=guest.user)


@pytest.mark.rules("H12", "L6")
async def test_half_open_handshakes_hold_nobody_up(chat: Chat) -> None:
    """Each stops somewhere else in its request: some sent nothing at all."""
    room = fresh_name("room")
    member = await chat.member(room)
    request = upgrade_request(target(chat.address))
    with contextlib.ExitStack() as half_open:
        for number in range(HALF_OPEN):
            sock = half_open.enter_context(await open_socket(chat.address))
            await send_all(sock, request[: number * (len(request) - 1) // HALF_OPEN])
        await visit(chat, room, member)
    await visit(chat, room, member)

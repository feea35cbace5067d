"""Rules H11, H12 and L6: requests that are too large, too slow, or never complete."""

from __future__ import annotations

import asyncio
import contextlib

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

DRIP_S = 0.1
DRIPS = 20
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
    bystander = await chat.connect()
    response = await answer_to(chat, upgrade_request(target(chat.address), headers=headers))
    assert response is None or 400 <= response.status < 600, f"answered with {response}"
    await bystander.fence()
    await (await chat.connect()).fence()


@pytest.mark.rules("H11", "L6")
async def test_a_head_without_end_is_refused(chat: Chat) -> None:
    """The flood comes in pieces and never ends: the server must not wait, or keep, for ever."""
    bystander = await chat.connect()
    head = b"GET /ws HTTP/1.1\r\nHost: chat.test\r\n"
    response = await answer_to(chat, head + b"X-Flood: y\r\n" * 200_000)
    assert response is None or 400 <= response.status < 600, f"answered with {response}"
    await bystander.fence()


async def answer_to(chat: Chat, request: bytes) -> Response | None:
    """None if the connection ended without a whole answer, before or while it was sent."""
    with await open_socket(chat.address) as sock:
        with contextlib.suppress(ConnectionError):
            await send_all(sock, request)
        with contextlib.suppress(NoResponse):
            return await read_response(sock)
    return None


@pytest.mark.rules("H12", "L6")
async def test_a_slow_handshake_is_served_and_holds_nobody_up(chat: Chat) -> None:
    """A byte every 100 ms; meanwhile others come, are served, and go."""
    room = fresh_name("room")
    member = await chat.member(room)
    with await open_socket(chat.address) as sock:
        request = upgrade_request(target(chat.address))
        for at in range(DRIPS):
            await send_all(sock, request[at : at + 1])
            await visit(chat, room, member)
            await asyncio.sleep(DRIP_S)
        await send_all(sock, request[DRIPS:])
        assert (await read_response(sock)).status == 101


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

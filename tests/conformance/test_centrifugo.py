"""What chat/1's rules become with Centrifugo's own protocol: closes by codes of its own, pings as
texts, users refused behind the upgrade, errors that it does not have.
"""

from __future__ import annotations

import asyncio
import json

import pytest

from .chat import Chat, fresh_name
from .client import Client, End
from .frames import Opcode
from .handshake import get
from .servers import Running
from .test_shutdown import terminate
from .transports import Refused

pytestmark = pytest.mark.transport("centrifugo")

SHUTDOWN, BAD_REQUEST = 3001, 3501


@pytest.mark.rules("F4", "F5", "F7", "F9", "C1", "C3", "R7", "L6")
@pytest.mark.parametrize(
    ("opcode", "payload", "codes"),
    [
        (Opcode.TEXT, b"", {BAD_REQUEST}),
        (Opcode.TEXT, b"{", {BAD_REQUEST}),
        (Opcode.TEXT, b"nothing of JSON", {BAD_REQUEST}),
        (Opcode.TEXT, b'{"id":9}', {BAD_REQUEST}),
        (Opcode.TEXT, b"{}", {BAD_REQUEST}),
        (Opcode.TEXT, b'{"type":"heartbeat"}', {BAD_REQUEST}),
        (Opcode.TEXT, b'{"id":9,"subscribe":{"channel":5}}', {BAD_REQUEST}),
        (Opcode.TEXT, b'{"id":9,"rpc":\xff}', {BAD_REQUEST}),
        (Opcode.TEXT, b'{"x":' + b"[" * 60_000, {BAD_REQUEST}),
        (Opcode.TEXT, b"x" * 65_537, {1009}),
        (Opcode.BINARY, b"\x00", {BAD_REQUEST}),
        (0x3, b"an opcode that nobody has", {1002}),
    ],
    ids=[
        "empty",
        "a brace",
        "no JSON",
        "no command",
        "a pong without a ping",
        "a request of chat",
        "a channel that is a number",
        "not UTF-8",
        "deep",
        "too long",
        "binary",
        "opcode",
    ],
)
async def test_what_can_t_be_served_costs_its_own_connection_only(
    chat: Chat, opcode: int, payload: bytes, codes: set[int]
) -> None:
    room = fresh_name("room")
    bystander, client = await chat.members(room, 2)
    await client.send_frame(opcode, payload)
    assert (await client.end()).code in codes
    await bystander.expect(type="user_left", room=room, user=client.user)
    await bystander.fence()


@pytest.mark.rules("F11", "C1")
async def test_what_follows_a_bad_command_is_not_served(chat: Chat) -> None:
    room = fresh_name("room")
    bystander, client = await chat.members(room, 2)
    await client.send_frame(Opcode.TEXT, b"nothing of JSON")
    await client.send(type="message", room=room, content="late")
    await client.end()
    await bystander.expect(type="user_left", room=room, user=client.user)
    await bystander.fence()


@pytest.mark.rules("H6", "N1")
@pytest.mark.parametrize("user", ["x" * 65, "é" * 32 + "x", "a\u009fb"])
async def test_a_user_name_out_of_bounds_is_refused(chat: Chat, user: str) -> None:
    with pytest.raises(Refused):
        await chat.connect(user)


@pytest.mark.rules("H5")
async def test_nobody_is_let_in_without_a_name(chat: Chat) -> None:
    with pytest.raises(AssertionError, match=str(BAD_REQUEST)):
        await chat.connect(target="/ws")


@pytest.mark.rules("D1", "R8")
async def test_nobody_subscribes_to_another_user_s_channel(chat: Chat) -> None:
    victim, thief = await chat.connect(), await chat.connect()
    channel = f"user:#{victim.user}"
    command = json.dumps({"id": 2_000, "subscribe": {"channel": channel}}).encode()
    await thief.send_frame(Opcode.TEXT, command)
    reply = await _reply_to(thief, 2_000)
    assert reply["error"]["code"] == 103
    await victim.send(type="direct", to=victim.user, content="for me alone")
    await victim.expect(type="direct", content="for me alone")
    await thief.fence()


async def _reply_to(client: Client, number: int) -> dict[str, dict[str, int]]:
    while (frame := await client.receive_frame()) is not None:
        for line in frame.payload.split(b"\n"):
            if json.loads(line).get("id") == number:
                reply: dict[str, dict[str, int]] = json.loads(line)
                return reply
    raise AssertionError("a reply was due, but the connection ended")


@pytest.mark.rules("D1", "R11")
async def test_a_reply_to_a_publication_is_no_message(chat: Chat) -> None:
    room = fresh_name("room")
    sender, member = await chat.members(room, 2)
    for number in range(50):
        await sender.send(type="message", room=room, content=str(number))
    for client in (sender, member):
        for number in range(50):
            await client.expect(type="message", room=room, content=str(number))
        await client.fence()


@pytest.mark.rules("R5", "D2")
async def test_leaving_and_telling_nobody_are_served_without_a_word(chat: Chat) -> None:
    client = await chat.connect()
    await client.send(type="leave", room=fresh_name("room"))
    await client.send(type="direct", to=fresh_name("user"), content="anyone?")
    await client.fence()


@pytest.mark.rules("L5")
async def test_sigterm_closes_everyone_with_a_code_to_come_back_by(own_server: Running) -> None:
    members = await Chat(own_server.address).members(fresh_name("room"), 3)
    ends = [asyncio.create_task(member.end(ignore_messages=True)) for member in members]
    await terminate(own_server)
    assert await asyncio.gather(*ends) == [End(SHUTDOWN, "shutdown")] * len(members)


@pytest.mark.smoke
@pytest.mark.rules("H1")
async def test_health_is_answered_on_an_address_of_its_own(own_server: Running) -> None:
    health = own_server.health()
    assert health["implementation"] == "centrifugo"
    assert json.loads((await get(own_server.address, "/health")).rest) == {}
    await (await Chat(own_server.address).connect()).fence()

"""What chat/1's rules become where messages are Socket.IO events in Engine.IO packets."""

from __future__ import annotations

import asyncio
import json
import signal

import pytest

from . import frames
from .chat import Chat, fresh_name
from .frames import Opcode
from .handshake import open_socket, read_response, receive_some, send_all, upgrade_request
from .servers import Running
from .transports import EngineIo, Refused

pytestmark = pytest.mark.transport("engine.io")

TWINS = 50

MALFORMED_PACKETS = [
    b"42{",
    b"42[",
    b"42{}",
    b'42["heartbeat",{"x":NaN}]',
    b'42["heartbeat",{}]]',
    b"4",
    b"49",
    b"x",
    b'{"type":"heartbeat"}',
]


@pytest.mark.smoke
@pytest.mark.rules("C1", "R7", "L6")
@pytest.mark.parametrize("packet", MALFORMED_PACKETS, ids=bytes.decode)
async def test_a_malformed_packet_costs_its_own_connection_only(chat: Chat, packet: bytes) -> None:
    room = fresh_name("room")
    bystander, client = await chat.members(room, 2)
    await client.send_frame(Opcode.TEXT, packet)
    await client.end()
    await bystander.expect(type="user_left", room=room, user=client.user)
    await bystander.fence()


@pytest.mark.rules("F5", "R7", "L6")
async def test_a_binary_message_ends_the_connection(chat: Chat) -> None:
    room = fresh_name("room")
    bystander, client = await chat.members(room, 2)
    await client.send_frame(Opcode.BINARY, b'42["heartbeat",{}]')
    await client.end()
    await bystander.expect(type="user_left", room=room, user=client.user)


@pytest.mark.smoke
@pytest.mark.rules("C2", "C5", "L6")
@pytest.mark.parametrize("argument", ["", ",null", ",7", ',"x"', ",[]", ',[{"room":"x"}]'])
async def test_an_event_without_an_object_is_a_bad_request(chat: Chat, argument: str) -> None:
    client = await chat.connect()
    for name in ("join", "message", "direct"):
        await client.send_frame(Opcode.TEXT, f'42["{name}"{argument}]'.encode())
        await client.expect_error("bad_request")
    await client.fence()


@pytest.mark.rules("C5", "L6")
async def test_content_sent_as_an_attachment_is_a_bad_request(chat: Chat) -> None:
    """Socket.IO puts the bytes in the content's place: that is no JSON string."""
    room = fresh_name("room")
    client = await chat.member(room)
    event = f'451-["message",{{"room":"{room}","content":{{"_placeholder":true,"num":0}}}}]'
    await client.send_frame(Opcode.TEXT, event.encode())
    await client.send_frame(Opcode.BINARY, b"bytes")
    await client.expect_error("bad_request")


@pytest.mark.rules("H6", "N1")
@pytest.mark.parametrize("user", ["x" * 65, "é" * 32 + "x", "a\tb", "a\u009fb"])
async def test_a_user_name_out_of_bounds_is_refused(chat: Chat, user: str) -> None:
    with pytest.raises(Refused):
        await chat.connect(user)


@pytest.mark.rules("H1", "D2", "L6")
async def test_a_connection_is_one_user(chat: Chat) -> None:
    """Of many CONNECT packets at once the first counts: the others are nobody, and are refused."""
    stranger = await chat.connect()
    twins = [fresh_name("twin") for _ in range(TWINS)]
    packets = [b"40" + json.dumps({"user": twin}).encode() for twin in twins]
    with await open_socket(chat.address) as sock:
        await send_all(sock, upgrade_request(EngineIo().upgrade_target(None, None)))
        parser = frames.Parser()
        parser.feed((await read_response(sock)).rest)
        await send_all(sock, b"".join(frames.encode(Opcode.TEXT, packet) for packet in packets))
        refused = 0
        while refused < TWINS - 1:
            while (frame := parser.next_frame()) is None:
                data = await receive_some(sock)
                assert data, f"it ended with {refused} refused"
                parser.feed(data)
            refused += frame.payload.startswith(b"44")
        for twin in twins[1:]:
            await stranger.send(type="direct", to=twin, content="is anybody there?")
            await stranger.expect_error("no_such_user")
        await stranger.send(type="direct", to=twins[0], content="is anybody there?")
        await stranger.fence()


@pytest.mark.smoke
@pytest.mark.rules("L5")
async def test_sigterm_ends_every_connection(own_server: Running) -> None:
    assert own_server.process is not None
    chat = Chat(own_server.address)
    clients = [*await chat.members(fresh_name("room"), 5), await chat.connect()]
    stopping = asyncio.create_task(asyncio.to_thread(own_server.process.stop, signal.SIGTERM))
    await asyncio.gather(*(client.end(ignore_messages=True) for client in clients))
    assert await stopping == 0

"""Rules H1 to H10: how a connection begins, and which requests are refused."""

from __future__ import annotations

import re

import pytest

from . import frames
from .chat import Chat, fresh_name
from .client import Client
from .frames import Opcode
from .handshake import (
    NoResponse,
    accept_value,
    get,
    open_socket,
    read_response,
    request,
    send_all,
    upgrade_request,
)
from .servers import Running
from .transports import Refused

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.mark.smoke
@pytest.mark.rules("H1")
async def test_welcome_is_the_first_message(chat: Chat) -> None:
    client = await chat.connect()
    await client.fence()


@pytest.mark.smoke
@pytest.mark.rules("H2")
async def test_a_request_without_upgrade_is_refused(server: Running) -> None:
    response = await get(server.address, "/ws")
    assert response.status in (400, 426)


@pytest.mark.rules("H3")
@pytest.mark.parametrize("path", ["/", "/wss", "/chat", "/WS", "/ws/extra"])
async def test_other_paths_do_not_upgrade(server: Running, path: str) -> None:
    response = await request(server.address, upgrade_request(path))
    assert response.status == 404


@pytest.mark.smoke
@pytest.mark.rules("H5")
@pytest.mark.parametrize("target", ["/ws", "/ws?", "/ws?user=", "/ws?user=&user=x", "/ws?name=x"])
async def test_a_nameless_user_becomes_a_uuid(chat: Chat, target: str) -> None:
    first, second = await chat.connect(target=target), await chat.connect(target=target)
    assert UUID4.fullmatch(first.user)
    assert UUID4.fullmatch(second.user)
    assert first.user != second.user


@pytest.mark.rules("H7")
@pytest.mark.parametrize(
    "offer",
    [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits, permessage-deflate",
        "x-webkit-deflate-frame",
    ],
)
async def test_extensions_are_declined(chat: Chat, offer: str) -> None:
    client = await chat.connect(headers={"Sec-WebSocket-Extensions": offer})
    await client.fence()


@pytest.mark.rules("H8")
async def test_subprotocols_are_ignored(chat: Chat) -> None:
    client = await chat.connect(headers={"Sec-WebSocket-Protocol": "chat, superchat"})
    await client.fence()


@pytest.mark.rules("H9")
@pytest.mark.parametrize("version", ["8", "0", "12", "14", "x", "", None])
async def test_other_versions_are_refused(server: Running, version: str | None) -> None:
    data = upgrade_request(headers={"Sec-WebSocket-Version": version})
    assert (await request(server.address, data)).status in (400, 426)


@pytest.mark.rules("H9")
async def test_a_missing_key_is_refused(server: Running) -> None:
    data = upgrade_request(headers={"Sec-WebSocket-Key": None})
    assert (await request(server.address, data)).status in (400, 426)


@pytest.mark.rules("H9")
@pytest.mark.parametrize("key", ["dGhlIHNhbXBsZQ==", "?", "dGhlIHNhbXBsZSBub25jZSBsb25nZXI="])
async def test_a_key_of_another_length_is_refused_or_taken(chat: Chat, key: str) -> None:
    """Who is let in is served: a 101 alone could come from a connection that is dead."""
    with await open_socket(chat.address) as sock:
        await send_all(sock, upgrade_request(headers={"Sec-WebSocket-Key": key}))
        response = await read_response(sock)
        assert response.status in (101, 400, 426)
        if response.status == 101:
            assert response.headers.get("sec-websocket-accept") == accept_value(key)
            client = Client(sock)
            await client.welcomed(response)
            await client.fence()


@pytest.mark.rules("H1")
async def test_header_names_and_tokens_ignore_case(chat: Chat) -> None:
    client = await chat.connect(
        headers={
            "Upgrade": None,
            "Connection": None,
            "UPGRADE": "WebSocket",
            "CONNECTION": "keep-alive, upgrade",
        }
    )
    await client.fence()


@pytest.mark.smoke
@pytest.mark.rules("H10")
async def test_frames_sent_with_the_upgrade_are_served_or_refused(chat: Chat) -> None:
    room = fresh_name("room")
    requests = [
        b'{"type":"join","room":"%s"}' % room.encode(),
        b'{"type":"message","room":"%s","content":"early"}' % room.encode(),
    ]
    early = b"".join(frames.encode(Opcode.TEXT, payload) for payload in requests)
    if (client := await connect_early(chat, early)) is not None:
        await client.expect(type="user_joined", room=room, user=client.user)
        await client.expect(type="message", room=room, user=client.user, content="early")
        await client.fence()


@pytest.mark.rules("H10")
async def test_half_a_frame_sent_with_the_upgrade_is_served_or_refused(chat: Chat) -> None:
    frame = frames.encode(Opcode.TEXT, b'{"type":"heartbeat"}')
    if (client := await connect_early(chat, frame[:9])) is not None:
        await client.send_bytes(frame[9:])
        await client.expect(type="heartbeat")


async def connect_early(chat: Chat, early: bytes) -> Client | None:
    """None if the request was refused, or the connection ended. Nobody else notices."""
    bystander = await chat.connect()
    try:
        return await chat.connect(pipelined=early)
    except Refused as refused:
        assert refused.status >= 400
        return None
    except NoResponse:
        return None
    finally:
        await bystander.fence()


@pytest.mark.rules("H1", "L6")
async def test_a_request_byte_by_byte_is_served(chat: Chat) -> None:
    """A listener must not take one read for one request."""
    bystander = await chat.connect()
    slow = await chat.connect(target="/ws?user=" + fresh_name("slow"), slowly=True)
    await slow.fence()
    await bystander.fence()

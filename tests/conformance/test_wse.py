"""What chat/1's rules become with wse-server's own wire format: users in cookies, pings as texts,
closes without a code.
"""

from __future__ import annotations

import pytest

from .chat import Chat, fresh_name
from .client import End
from .frames import Opcode
from .servers import Running
from .transports import Refused

pytestmark = pytest.mark.transport("wse")

NO_CODE = 1005
"""What a close frame without a code means to who gets it (RFC 6455, 7.1.5)."""


@pytest.mark.rules("F4", "F5", "F7", "F9", "C1", "R7", "L6")
@pytest.mark.parametrize(
    ("opcode", "payload"),
    [
        (Opcode.TEXT, b""),
        (Opcode.TEXT, b"{"),
        (Opcode.TEXT, b'{"type":"heartbeat"}x'),
        (Opcode.TEXT, b'{"type":"heartbeat","x":NaN}'),
        (Opcode.TEXT, b'{"type":"heartbeat"}\xff'),
        (Opcode.TEXT, b"x" * 65_537),
        (Opcode.TEXT, b'{"x":' + b"[" * 60_000),
        (Opcode.BINARY, b'{"type":"heartbeat"}'),
        (0x3, b"an opcode that nobody has"),
    ],
    ids=[
        "empty",
        "a brace",
        "trailing",
        "NaN",
        "not UTF-8",
        "too long",
        "deep",
        "binary",
        "opcode",
    ],
)
async def test_what_can_t_be_served_costs_its_own_connection_only(
    chat: Chat, opcode: int, payload: bytes
) -> None:
    room = fresh_name("room")
    bystander, client = await chat.members(room, 2)
    await client.send_frame(opcode, payload)
    assert await client.end() in (End(NO_CODE), End(None))
    await bystander.expect(type="user_left", room=room, user=client.user)
    await bystander.fence()


@pytest.mark.rules("F11", "C1")
async def test_what_follows_malformed_text_is_not_served(chat: Chat) -> None:
    room = fresh_name("room")
    bystander, client = await chat.members(room, 2)
    await client.send_text("nothing of JSON")
    await client.send(type="message", room=room, content="late")
    await client.end()
    await bystander.expect(type="user_left", room=room, user=client.user)
    await bystander.fence()


@pytest.mark.rules("H6", "N1")
@pytest.mark.parametrize("user", ["x" * 65, "é" * 32 + "x", "a\tb", "a\u009fb"])
async def test_a_user_name_out_of_bounds_is_refused(chat: Chat, user: str) -> None:
    with pytest.raises(Refused):
        await chat.connect(user)


@pytest.mark.smoke
@pytest.mark.rules("H1")
async def test_health_is_answered_on_an_address_of_its_own(own_server: Running) -> None:
    health = own_server.health()
    assert health["implementation"] == "wse-server"
    await (await Chat(own_server.address).connect()).fence()

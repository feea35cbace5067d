"""Rules C8 to C12 and L6: JSON where the protocol leaves a choice, and JSON meant to hurt."""

from __future__ import annotations

import json

import pytest

from .chat import Chat, fresh_name
from .client import MALFORMED, End


def ignored(value: str) -> str:
    return '{"type":"heartbeat","x":' + value + "}"


DEEP = {
    "100 lists": "[" * 100 + "]" * 100,
    "10,000 lists": "[" * 10_000 + "]" * 10_000,
    "32,000 lists": "[" * 32_000 + "]" * 32_000,
    "10,000 objects": '{"a":' * 10_000 + "0" + "}" * 10_000,
    "60,000 lists never closed": "[" * 60_000,
}


@pytest.mark.rules("C10", "L6")
@pytest.mark.parametrize("value", DEEP.values(), ids=DEEP)
async def test_deep_nesting_is_served_or_malformed(chat: Chat, value: str) -> None:
    client, bystander = await chat.connect(), await chat.connect()
    await client.send_text(ignored(value))
    await client.served_or_ended(MALFORMED.code)
    await bystander.fence()


@pytest.mark.rules("C12")
@pytest.mark.parametrize("number", ["1e400", "-1e400", "1e-400", "1" + "0" * 400, "1E+999999999"])
async def test_a_number_out_of_range_is_served_or_malformed(chat: Chat, number: str) -> None:
    client, bystander = await chat.connect(), await chat.connect()
    await client.send_text(ignored(number))
    await client.served_or_ended(MALFORMED.code)
    await bystander.fence()


@pytest.mark.rules("C12", "L6")
async def test_a_number_of_60_000_digits_hurts_nobody(chat: Chat) -> None:
    client, bystander = await chat.connect(), await chat.connect()
    await client.send_text(ignored("9" * 60_000))
    await bystander.fence()
    await client.served_or_ended(MALFORMED.code)


SURROGATES = [r"\ud800", r"\udc00", r"\ud83d\ud83d", r"\udc00\ud800", r"\ud83dx"]


@pytest.mark.rules("C11", "L6")
@pytest.mark.parametrize("escape", SURROGATES)
async def test_a_lone_surrogate_in_content(chat: Chat, escape: str) -> None:
    """Closed, replaced or passed on: what the others get is valid UTF-8 in any case."""
    room = fresh_name("room")
    bystander, client = await chat.members(room, 2)
    await client.send_text(f'{{"type":"message","room":"{room}","content":"a{escape}b"}}')
    message = await bystander.receive()
    if message["type"] == "user_left":
        assert await client.end() == MALFORMED
    else:
        passed_on = json.loads(f'"a{escape}b"')
        assert message["content"] == passed_on or "\ufffd" in message["content"]
    await bystander.fence()


@pytest.mark.rules("C11")
@pytest.mark.parametrize("escape", SURROGATES[:2])
async def test_a_lone_surrogate_in_a_room_name(chat: Chat, escape: str) -> None:
    """As in content, or no name at all."""
    client, bystander = await chat.connect(), await chat.connect()
    await client.send_text(f'{{"type":"join","room":"{fresh_name("room")}{escape}"}}')
    payload = await client.receive_or_end()
    if isinstance(payload, End):
        assert payload == MALFORMED
    else:
        assert payload["type"] == "user_joined" or payload["code"] == "bad_request"
    await bystander.fence()


@pytest.mark.rules("C8", "L6")
async def test_duplicate_keys_hurt_nobody(chat: Chat) -> None:
    client, bystander = await chat.connect(), await chat.connect()
    await client.send_text('{"type":"heartbeat","type":"heartbeat","type":7}')
    await bystander.fence()
    client.abort()
    await bystander.fence()


@pytest.mark.rules("C6", "C4")
async def test_a_request_of_many_fields_is_served(chat: Chat) -> None:
    client = await chat.connect()
    fields = ",".join(f'"key-{number}":{number}' for number in range(3000))
    await client.send_text("{" + fields + ',"type":"heartbeat"}')
    await client.expect(type="heartbeat")


@pytest.mark.smoke
@pytest.mark.rules("C1", "L6")
async def test_malformed_json_costs_its_own_connection_only(chat: Chat) -> None:
    room = fresh_name("room")
    bystander, client = await chat.members(room, 2)
    await client.send_text('{"type":"message"')
    assert await client.end() == MALFORMED
    await bystander.expect(type="user_left", room=room, user=client.user)
    await bystander.fence()

"""Rules C8 to C12 and L6: JSON where the protocol leaves a choice, and JSON meant to hurt."""

from __future__ import annotations

import json
import re

import pytest

from .chat import Chat, fresh_name
from .client import MALFORMED, End
from .frames import Opcode


def ignored(value: str) -> str:
    return '{"type":"heartbeat","x":' + value + "}"


DEEP = {
    "100 lists": "[" * 100 + "]" * 100,
    "10,000 lists": "[" * 10_000 + "]" * 10_000,
    "32,000 lists": "[" * 32_000 + "]" * 32_000,
    "10,000 objects": '{"a":' * 10_000 + "0" + "}" * 10_000,
    "60,000 lists never closed": "[" * 60_000,
}


@pytest.mark.rules("F7", "C10", "L6")
@pytest.mark.parametrize("value", ["[" * 100_000, '{"a":' * 100_000, "[{}," * 100_000])
async def test_100_000_levels_are_too_long_a_message(chat: Chat, value: str) -> None:
    """In fragments, so that a parser that reads along would get to see most of it."""
    client, bystander = await chat.connect(), await chat.connect()
    text = ignored(value).encode()
    for at in range(0, len(text), 8192):
        opcode = Opcode.CONTINUATION if at else Opcode.TEXT
        await client.send_frame(opcode, text[at : at + 8192], fin=at + 8192 >= len(text))
    assert (await client.end()).code == 1009
    await bystander.fence()


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


FLOODS = {
    "spaces before": " " * 60_000 + '{"type":"heartbeat"}',
    "line breaks after": '{"type":"heartbeat"}' + "\r\n\t " * 15_000,
    "spaces inside": '{ "type"' + " " * 30_000 + ":" + "\n" * 30_000 + '"heartbeat" }',
    "a key of 60,000 bytes": '{"' + "k" * 60_000 + '":1,"type":"heartbeat"}',
    "a key of 10,000 escapes": '{"' + r"\u006b" * 10_000 + '":1,"type":"heartbeat"}',
    "a key of NUL": r'{"\u0000":1,"":2,"type\u0000":3,"type":"heartbeat"}',
    "30,000 escaped quotes": '{"x":"' + r"\"" * 30_000 + '","type":"heartbeat"}',
    "escapes of escapes": r'{"x":"' + r"\\" * 30_000 + '","type":"heartbeat"}',
    "10,000 empty lists": '{"x":[' + "[]," * 9_999 + '[]],"type":"heartbeat"}',
    "an escaped type": r'{"\u0074\u0079p\u0065":"\u0068eartbea\u0074"}',
}


@pytest.mark.rules("C6", "L6")
@pytest.mark.parametrize("text", FLOODS.values(), ids=FLOODS)
async def test_odd_but_valid_json_is_served(chat: Chat, text: str) -> None:
    client = await chat.connect()
    await client.send_text(text)
    await client.expect(type="heartbeat")
    await client.fence()


ESCAPES = [
    r"\\\\",
    r"\\\"",
    r"\\u0041",
    r"\\\u0041",
    r"\u005cu0041",
    r"\u005c\u0022",
    r"\u0000" * 9,
]


@pytest.mark.rules("R9")
@pytest.mark.parametrize("escaped", ESCAPES)
async def test_escapes_are_undone_once(chat: Chat, escaped: str) -> None:
    room = fresh_name("room")
    client = await chat.member(room)
    await client.send_text(f'{{"type":"message","room":"{room}","content":"{escaped}"}}')
    await client.expect(type="message", content=json.loads(f'"{escaped}"'))


@pytest.mark.rules("C1", "L6")
@pytest.mark.parametrize(
    "text", [" " * 65_536, "\ufeff" * 3, "\ufeff" + '{"type":"heartbeat"}', "\0"]
)
async def test_what_holds_no_value_is_malformed(chat: Chat, text: str) -> None:
    client, bystander = await chat.connect(), await chat.connect()
    await client.send_text(text)
    assert await client.end() == MALFORMED
    await bystander.fence()


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
        replaced = re.fullmatch("a\ufffd+x?b", message["content"])
        assert message["content"] == passed_on or replaced, f"not {message['content']!r}"
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

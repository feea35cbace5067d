"""Rules N1, N2 and H4 to H6: bounds of names, and how `?user=` is decoded."""

from __future__ import annotations

import pytest

from .chat import Chat, fresh_name
from .handshake import request, upgrade_request
from .servers import Running
from .transports import Refused

# Each with a letter before and after, so that no trimming hides it.
CONTROLS = [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0))]

WITHIN = {
    "one byte": "x",
    "64 bytes": "x" * 64,
    "64 bytes of two each": "é" * 32,
    "64 bytes of three each and one": "€" * 21 + "x",
    "64 bytes of four each": "😀" * 16,
    "a space": " ",
    "no-break space": "a\u00a0b",
    "line separator": "a\u2028b",
    "byte order mark": "\ufeffa",
    "zero-width joiner": "👩\u200d👧",
    "quotes": "\"a\" 'b' \\c/",
    "noncharacter": "a\uffffb",
}
BEYOND = {
    "empty": "",
    "65 bytes": "x" * 65,
    "65 bytes of two and one": "é" * 32 + "x",
    "66 bytes of three each": "€" * 22,
    "65 bytes of four and one": "😀" * 16 + "x",
}


@pytest.mark.smoke
@pytest.mark.rules("N1")
async def test_room_names_within_bounds(chat: Chat) -> None:
    for name in WITHIN.values():
        client = await chat.connect()
        await client.join(name)
        client.hang_up()


@pytest.mark.smoke
@pytest.mark.rules("N1", "C5", "D3")
async def test_names_out_of_bounds_are_bad_requests(chat: Chat) -> None:
    client = await chat.connect()
    for name in [*BEYOND.values(), *(f"a{control}b" for control in CONTROLS)]:
        for verb in ("join", "leave", "message"):
            await client.send(type=verb, room=name, content="x")
            await client.expect_error("bad_request")
        await client.send(type="direct", to=name, content="x")
        await client.expect_error("bad_request")
    await client.fence()


@pytest.mark.rules("N1", "H4")
@pytest.mark.parametrize("name", WITHIN.values(), ids=WITHIN)
async def test_user_names_within_bounds(chat: Chat, name: str) -> None:
    """Chat.connect percent-encodes the name and checks what `welcome` says."""
    await (await chat.connect(name)).fence()


@pytest.mark.rules("N1", "H6")
@pytest.mark.parametrize(
    "value",
    [
        "x" * 65,
        "%C3%A9" * 32 + "x",
        "%E2%82%AC" * 22,
        "x" * 1000,
        *(f"a%{code:02x}" for code in (0x00, 0x09, 0x0A, 0x0D, 0x1F, 0x7F)),
        "a%C2%80",
        "a%C2%9Fb",
    ],
    ids=lambda value: value[:24],
)
async def test_user_names_out_of_bounds_are_refused(server: Running, value: str) -> None:
    response = await request(server.address, upgrade_request(f"/ws?user={value}"))
    assert response.status == 400


@pytest.mark.rules("H6", "L6")
async def test_a_user_name_too_long_for_a_request_line_is_refused(server: Running) -> None:
    response = await request(server.address, upgrade_request("/ws?user=" + "x" * 20_000))
    assert response.status in (400, 414, 431)


@pytest.mark.smoke
@pytest.mark.rules("H6")
@pytest.mark.parametrize("value", ["%FF", "%C0%AF", "%E2%82", "%ED%A0%80", "a%80b", "%F4%90%80%80"])
async def test_a_user_name_that_is_not_utf8_is_refused(server: Running, value: str) -> None:
    response = await request(server.address, upgrade_request(f"/ws?user={value}"))
    assert response.status == 400


DECODED = {
    "user=TAG%2Bx": "TAG+x",
    "user=TAG+x": "TAG x",
    "user=TAG%20x": "TAG x",
    "user=TAG%c3%a9": "TAGé",
    "user=TAG%C3%A9": "TAGé",
    "user=TAG%2541": "TAG%41",
    "user=TAG&user=other": "TAG",
    "x=1&user=TAG": "TAG",
    "user=TAG&room=y": "TAG",
    "x=user&user=TAG": "TAG",
    "user=TAG%26user%3Dother": "TAG&user=other",
    "user=TAG=x": "TAG=x",
    "xuser=other&user=TAG": "TAG",
}


@pytest.mark.rules("H4")
@pytest.mark.parametrize("query", DECODED)
async def test_the_user_parameter_is_form_decoded(chat: Chat, query: str) -> None:
    tag = fresh_name("u")
    client = await chat.connect(target="/ws?" + query.replace("TAG", tag))
    assert client.user == DECODED[query].replace("TAG", tag)


@pytest.mark.rules("H6", "L6")
@pytest.mark.parametrize("value", ["%", "%2", "%zz", "a%", "a;b", ";user=b"])
async def test_a_broken_escape_hurts_nobody(chat: Chat, value: str) -> None:
    """Refused, or any name within bounds: `welcome` keeps to the schema, and who has it is served.
    The schema counts characters, N1 bytes.
    """
    bystander = await chat.connect()
    try:
        client = await chat.connect(target=f"/ws?user={value}")
    except Refused as refused:
        assert refused.status == 400
    else:
        assert 1 <= len(client.user.encode()) <= 64
        assert not set(client.user) & set(CONTROLS)
        await client.fence()
    await bystander.fence()


@pytest.mark.rules("N2", "D2")
async def test_names_are_compared_by_code_points(chat: Chat) -> None:
    tag = fresh_name("caf")
    composed, decomposed = await chat.connect(tag + "é"), await chat.connect(tag + "e\u0301")
    await composed.send(type="direct", to=decomposed.user, content="to the other")
    await decomposed.expect(type="direct", user=composed.user, content="to the other")
    await composed.send(type="direct", to=decomposed.user.upper(), content="to nobody")
    await composed.expect_error("no_such_user")

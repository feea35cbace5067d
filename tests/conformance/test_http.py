"""Rules H8 and H13 to H20: HTTP/1.1 as proxies, browsers and other people's clients speak it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import socket
from itertools import chain

import pytest

from . import frames
from .chat import Chat, fresh_name
from .frames import Opcode
from .handshake import (
    KEY,
    Address,
    NoResponse,
    accept_value,
    get,
    open_socket,
    read_response,
    receive_some,
    request,
    send_all,
)
from .servers import Running
from .transports import TRANSPORTS, Refused

HOST = "chat.test"
STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r\n")
OFFER = (
    "GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    "Upgrade: {protocol}\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n"
)
Field = tuple[str, str]


def target(address: Address) -> str:
    """A good request's, in the transport's own way."""
    return TRANSPORTS[address.transport]().upgrade_target(fresh_name("http"), None)


def upgrade(
    to: str, name: str = "", *values: str, method: str = "GET", more: tuple[Field, ...] = ()
) -> bytes:
    """A good upgrade, but with a line of the field ``name`` for each of the values: none, one or
    several.
    """
    usual = [
        ("Host", HOST),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", KEY),
        ("Sec-WebSocket-Version", "13"),
    ]
    kept = (field for field in usual if field[0] != name)
    fields = chain(kept, ((name, value) for value in values), more)
    lines = [f"{method} {to} HTTP/1.1", *(f"{field}: {value}" for field, value in fields)]
    return "\r\n".join([*lines, "", ""]).encode()


async def status_of(address: Address, data: bytes) -> int | None:
    """None if the connection ended without an answer."""
    try:
        response = await request(address, data)
    except (NoResponse, ConnectionError):
        return None
    return response.status


async def assert_upgraded(address: Address, data: bytes) -> None:
    response = await request(address, data)
    assert response.status == 101
    assert response.headers.get("sec-websocket-accept") == accept_value()


async def all_that_comes(sock: socket.socket) -> bytes:
    received = b""
    while data := await receive_some(sock):
        received += data
    return received


# -- lists, and what is none

LISTS: dict[str, tuple[str, ...]] = {
    "Connection": ("keep-alive", "Upgrade"),
    "Connection, the other way round": ("Upgrade", "keep-alive"),
    "Connection, one line": ("keep-alive, Upgrade",),
    "Connection, without spaces": ("keep-alive,upgrade",),
    "Connection, three lines": ("x", "keep-alive , UPGRADE", "y"),
    "Upgrade": ("foo", "websocket"),
    "Upgrade, the other way round": ("WebSocket", "foo"),
    "Upgrade, one line": ("foo, websocket",),
    "Upgrade, with a version": ("foo/2, websocket",),
}


@pytest.mark.rules("H13")
@pytest.mark.parametrize("name", LISTS)
async def test_a_list_may_have_several_lines_and_members(server: Running, name: str) -> None:
    data = upgrade(target(server.address), name.partition(",")[0], *LISTS[name])
    await assert_upgraded(server.address, data)


NO_MEMBERS: list[tuple[str, ...]] = [
    ("Connection", "keep-alive"),
    ("Connection", "Upgrades"),
    ("Connection", "x-upgrade", "keep-alive"),
    ("Upgrade", "websockets"),
    ("Upgrade", "foo", "x-websocket"),
]


@pytest.mark.rules("H2", "H13")
@pytest.mark.parametrize("field", NO_MEMBERS, ids=": ".join)
async def test_only_a_whole_member_of_a_list_counts(
    server: Running, field: tuple[str, ...]
) -> None:
    data = upgrade(target(server.address), *field)
    assert await status_of(server.address, data) in (400, 426)


REPEATED: list[tuple[str, str, str]] = [
    ("Sec-WebSocket-Key", KEY, "AAAAAAAAAAAAAAAAAAAAAA=="),
    ("Sec-WebSocket-Key", KEY, KEY),
    ("Sec-WebSocket-Version", "13", "8"),
    ("Sec-WebSocket-Version", "8", "13"),
    ("Sec-WebSocket-Version", "13", "13"),
    ("Host", HOST, "elsewhere.test"),
    ("Host", HOST, HOST),
]


@pytest.mark.rules("H14")
@pytest.mark.parametrize(("name", "first", "second"), REPEATED, ids=lambda value: value[:21])
async def test_a_single_value_that_repeats_is_refused(
    server: Running, name: str, first: str, second: str
) -> None:
    data = upgrade(target(server.address), name, first, second)
    assert await status_of(server.address, data) in (400, 426, None)


@pytest.mark.rules("H14")
@pytest.mark.parametrize("hosts", [(), (HOST, "elsewhere.test")], ids=["none", "two"])
async def test_any_request_has_one_host(server: Running, hosts: tuple[str, ...]) -> None:
    fields = "".join(f"Host: {host}\r\n" for host in hosts)
    assert await status_of(server.address, f"GET /health HTTP/1.1\r\n{fields}\r\n".encode()) in (
        400,
        None,
    )
    data = upgrade(target(server.address), "Host", *hosts)
    assert await status_of(server.address, data) in (400, None)


# -- the request line, and what stands before it


@pytest.mark.rules("H15")
@pytest.mark.parametrize("scheme", ["http", "HTTP"])
async def test_an_absolute_target_is_served(server: Running, scheme: str) -> None:
    await assert_upgraded(server.address, upgrade(f"{scheme}://{HOST}{target(server.address)}"))


@pytest.mark.rules("H15", "H4")
async def test_an_absolute_target_names_the_user(chat: Chat) -> None:
    user = fresh_name("user")
    client = await chat.connect(target=f"http://{HOST}/ws?user={user}", headers={"Host": HOST})
    assert client.user == user


@pytest.mark.rules("H15", "H3")
@pytest.mark.parametrize(
    ("path", "status"),
    [("/health", 200), ("/health?x=/ws", 200), ("/nothing", 404), ("", 404), ("?/ws", 404)],
)
async def test_an_absolute_target_has_a_path(server: Running, path: str, status: int) -> None:
    data = f"GET http://{HOST}{path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    assert await status_of(server.address, data) == status


@pytest.mark.rules("H15")
async def test_an_absolute_target_for_another_host_is_served_or_refused(server: Running) -> None:
    """Its authority counts, not the Host field (RFC 9112, 3.2.2)."""
    data = upgrade(f"http://elsewhere.test{target(server.address)}")
    assert await status_of(server.address, data) in (101, 400, None)


@pytest.mark.rules("H16")
@pytest.mark.parametrize("empty", [b"\r\n", b"\r\n\r\n"], ids=["one", "two"])
async def test_empty_lines_before_a_request_are_skipped_or_refused(
    server: Running, empty: bytes
) -> None:
    data = empty + upgrade(target(server.address))
    assert await status_of(server.address, data) in (101, 400, None)


# -- methods

BODILESS = ["/", "/nothing", "/health", "/ws"]


@pytest.mark.rules("H17")
@pytest.mark.parametrize("path", BODILESS)
async def test_an_answer_to_head_has_no_body(server: Running, path: str) -> None:
    """What follows the head on a kept connection is the next answer, from its first byte on."""
    expected = (await get(server.address, path)).status
    asked = f"HEAD {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    following = f"GET /health HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
    with await open_socket(server.address) as sock:
        await send_all(sock, asked)
        first = await read_response(sock)
        assert first.status in (expected, 405, 501)
        with contextlib.suppress(ConnectionError):
            await send_all(sock, following)
        rest = first.rest + await all_that_comes(sock)
    assert not rest or rest.startswith(b"HTTP/1.1 200 "), f"after the head came {rest[:80]!r}"
    assert not rest or b'"status"' in rest, f"the next answer is not whole: {rest!r}"


@pytest.mark.rules("H17")
async def test_an_answer_to_head_among_pipelined_requests_has_no_body(server: Running) -> None:
    heads = f"HEAD /nothing HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode() * 3
    last = f"HEAD /health HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
    with await open_socket(server.address) as sock:
        await send_all(sock, heads + last)
        received = await all_that_comes(sock)
    for head in received.removesuffix(b"\r\n\r\n").split(b"\r\n\r\n"):
        assert STATUS_LINE.match(head + b"\r\n"), f"no head, but a body: {head!r}"
    assert received.endswith(b"\r\n\r\n")


NODE_AGENT = """
const http = require('node:http');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const [host, port] = process.argv.slice(1);
const ask = (method, path) => new Promise((resolve, reject) => {
  const asked = http.request({ host, port, agent, method, path }, (answer) => {
    let bytes = 0;
    answer.on('data', (data) => { bytes += data.length; });
    answer.on('end', () => resolve(bytes));
  });
  asked.on('error', (error) => {
    // The server may have ended an idle connection just as it was used again.
    if (asked.reusedSocket && error.code === 'ECONNRESET') resolve(ask(method, path));
    else reject(error);
  });
  asked.end();
});
(async () => {
  for (const path of ['/', '/health', '/ws', '/']) {
    if (await ask('HEAD', path) !== 0) throw new Error(`a body after HEAD ${path}`);
    if (await ask('GET', '/health') === 0) throw new Error(`no body of /health after ${path}`);
  }
  agent.destroy();
})();
"""


@pytest.mark.rules("H17")
async def test_node_s_agent_gets_on_with_answers_to_head(server: Running) -> None:
    """It is strict: a byte too many on a kept connection fails the next request."""
    if (node := shutil.which("node")) is None:
        pytest.skip("Node.js is not installed")
    host, port = server.address.pair
    process = await asyncio.create_subprocess_exec(
        node, "--eval", NODE_AGENT, host, str(port), stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()


@pytest.mark.rules("H17")
@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "OPTIONS", "get", "X"])
async def test_only_get_upgrades(server: Running, method: str) -> None:
    status = await status_of(server.address, upgrade(target(server.address), method=method))
    assert status is None or 400 <= status < 600, f"answered with {status}"


# -- requests with a body

INNER = f"GET /nothing HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
LAST = f"GET /health HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(INNER), INNER)
ENDED = b"0\r\n\r\n" + INNER

BODIES: dict[str, tuple[tuple[str, ...], bytes]] = {
    "a length": ((f"Content-Length: {len(INNER)}",), INNER),
    "the same length twice": ((f"Content-Length: {len(INNER)}",) * 2, INNER),
    "two lengths": ((f"Content-Length: {len(INNER)}", "Content-Length: 0"), INNER),
    "two lengths, the other way round": (
        ("Content-Length: 0", f"Content-Length: {len(INNER)}"),
        INNER,
    ),
    "a length with a sign": ((f"Content-Length: +{len(INNER)}",), INNER),
    "a length that is none": (("Content-Length: x",), INNER),
    "chunks": (("Transfer-Encoding: chunked",), CHUNKED),
    "chunks in capitals": (("Transfer-Encoding: CHUNKED",), CHUNKED),
    "chunks, then x": (("Transfer-Encoding: chunked, x",), CHUNKED),
    "x, then chunks": (("Transfer-Encoding: x, chunked",), CHUNKED),
    "chunks and x in two lines": (("Transfer-Encoding: chunked", "Transfer-Encoding: x"), CHUNKED),
    "xchunked": (("Transfer-Encoding: xchunked",), CHUNKED),
    "gzip": (("Transfer-Encoding: gzip",), INNER),
    "identity": (("Transfer-Encoding: identity",), INNER),
    "chunks and a length": (
        ("Transfer-Encoding: chunked", f"Content-Length: {len(CHUNKED)}"),
        CHUNKED,
    ),
    "a length beyond the chunks": (
        (f"Content-Length: {len(ENDED)}", "Transfer-Encoding: chunked"),
        ENDED,
    ),
}


@pytest.mark.rules("H18")
@pytest.mark.parametrize("path", ["/health", "/nothing-else"])
@pytest.mark.parametrize("kind", BODIES)
async def test_a_body_is_never_served_as_a_request(server: Running, kind: str, path: str) -> None:
    """The body is a request that would be answered with 404, and a last one follows it."""
    fields, body = BODIES[kind]
    head = "\r\n".join([f"GET {path} HTTP/1.1", f"Host: {HOST}", *fields, "", ""]).encode()
    with await open_socket(server.address) as sock:
        with contextlib.suppress(ConnectionError):
            await send_all(sock, head + body + LAST)
        received = await all_that_comes(sock)
    statuses = [int(status) for status in STATUS_LINE.findall(received)]
    assert statuses[:1] == [] or statuses[0] == 200 or statuses[0] >= 400, f"got {statuses}"
    assert statuses[1:] in ([], [200]), f"the body was served: {statuses}"


UPGRADE_BODIES: dict[str, str] = {
    "Content-Length": "{length}",
    "Transfer-Encoding": "chunked",
}


@pytest.mark.rules("H18")
@pytest.mark.parametrize("field", UPGRADE_BODIES)
async def test_the_body_of_an_upgrade_is_refused_or_consumed(chat: Chat, field: str) -> None:
    """It looks like a frame, comes once the upgrade was answered, and is none."""
    transport = TRANSPORTS[chat.address.transport]()
    body = frames.encode(Opcode.TEXT, transport.encode(b'{"type":"heartbeat"}'))
    value = UPGRADE_BODIES[field].format(length=len(body))
    if field == "Transfer-Encoding":
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    try:
        client = await chat.connect(headers={field: value})
    except Refused as refused:
        assert 400 <= refused.status < 600
    except NoResponse:
        pass
    else:
        await client.send_bytes(body)
        await client.join(fresh_name("room"))


# -- who may connect


@pytest.mark.rules("H8")
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", [HOST, "127.0.0.1:4000", "[::1]:4000"])
async def test_an_origin_of_the_server_s_own_is_served(
    server: Running, host: str, scheme: str
) -> None:
    """Whether a proxy has taken TLS off can't be seen: the scheme does not count."""
    own = (("Origin", f"{scheme}://{host}"),)
    data = upgrade(target(server.address), "Host", host, more=own)
    await assert_upgraded(server.address, data)


STRANGERS = ["https://elsewhere.test", f"https://{HOST}.elsewhere.test", "null", f"http://{HOST}:1"]


@pytest.mark.rules("H8")
@pytest.mark.parametrize("origin", STRANGERS)
async def test_another_origin_is_served_or_refused_with_403(server: Running, origin: str) -> None:
    data = upgrade(target(server.address), more=(("Origin", origin),))
    assert await status_of(server.address, data) in (101, 403)


@pytest.mark.rules("H19", "N2")
async def test_a_reserved_name_is_refused_with_403(server: Running) -> None:
    """Names are compared as N2 says: those that are merely like it are anybody's."""
    assert await status_of(server.address, upgrade("/ws?user=server")) in (101, 403)
    for name in ("Server", "servers", "server%20", "%EF%BB%BFserver"):
        assert await status_of(server.address, upgrade(f"/ws?user={name}")) == 101


@pytest.mark.rules("H20")
@pytest.mark.parametrize("offer", ["h2c", "foo/2"])
async def test_an_offer_of_another_protocol_is_ignored_or_taken(
    server: Running, offer: str
) -> None:
    """`curl --http2` offers h2c with its first request."""
    asked = OFFER.format(host=HOST, protocol=offer).encode()
    status = await status_of(server.health_address, asked)
    assert status in (200, 101), f"/health answers {status} to an offer of {offer}"

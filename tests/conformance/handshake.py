"""The opening handshake by hand: any request can be sent, and the answer is read as it is."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import socket
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TIMEOUT_S = 15.0
"""Generous: a slow machine must not fail a test, only a server that does not answer."""


class Address(NamedTuple):
    host: str
    port: int


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    rest: bytes
    """What came after the head: of a 101, the first frames; otherwise the body's beginning."""


def accept_value(key: str = KEY) -> str:
    return base64.b64encode(hashlib.sha1((key + ACCEPT_SUFFIX).encode()).digest()).decode()


def upgrade_request(
    target: str = "/ws",
    *,
    headers: dict[str, str | None] | None = None,
    method: str = "GET",
) -> bytes:
    """``headers`` replaces the usual ones by name; ``None`` takes one away."""
    fields: dict[str, str | None] = {
        "Host": "chat.test",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    } | (headers or {})
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", ""]).encode()


def target_for(user: str | None) -> str:
    return "/ws" if user is None else f"/ws?user={quote(user, safe='')}"


async def open_socket(address: Address, *, receive_buffer: int | None = None) -> socket.socket:
    """A small ``receive_buffer`` must be set before connecting: it decides the TCP window."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        await asyncio.wait_for(
            asyncio.get_running_loop().sock_connect(sock, address), timeout=TIMEOUT_S
        )
    except BaseException:
        sock.close()
        raise
    return sock


async def read_response(sock: socket.socket) -> Response:
    """Reads up to the end of the head; ``rest`` holds whatever was read beyond it."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = await receive_some(sock)
        assert chunk, f"the connection ended before a whole HTTP head came: {data!r}"
        data += chunk
    head, _, rest = data.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in fields}
    return Response(int(status_line.split()[1]), headers, rest)


async def receive_some(sock: socket.socket) -> bytes:
    """The next bytes; empty at the end of the connection, also when it was reset."""
    loop = asyncio.get_running_loop()
    try:
        return await asyncio.wait_for(loop.sock_recv(sock, 1 << 18), timeout=TIMEOUT_S)
    except ConnectionError:
        return b""


async def request(address: Address, data: bytes) -> Response:
    """Sends one request on a connection of its own. A body is read as far as Content-Length says."""
    sock = await open_socket(address)
    try:
        await asyncio.get_running_loop().sock_sendall(sock, data)
        response = await read_response(sock)
        if response.status == 101:
            return response
        body = response.rest
        while len(body) < int(response.headers.get("content-length", "0")):
            body += await receive_some(sock) or b"\0"
        return Response(response.status, response.headers, body)
    finally:
        sock.close()


async def get(address: Address, path: str) -> Response:
    return await request(address, f"GET {path} HTTP/1.1\r\nHost: chat.test\r\n\r\n".encode())

"""The opening handshake by hand: any request can be sent, and the answer is read as it is."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import http.client
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from .deadline import timeout

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
READ_BYTES = 1 << 18
TIMEOUT_S = 15.0
"""Generous: a slow machine must not fail a test, only a server that does not answer."""


@dataclass(frozen=True)
class Address:
    """Where a server listens, and how messages travel to it: a name of ``TRANSPORTS``."""

    host: str
    port: int
    transport: str = "websocket"

    @property
    def pair(self) -> tuple[str, int]:
        return self.host, self.port


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    rest: bytes
    """What came after the head, as far as it was read: frames, or a body."""


def accept_value(key: str = KEY) -> str:
    return base64.b64encode(hashlib.sha1((key + ACCEPT_SUFFIX).encode()).digest()).decode()


def upgrade_request(
    target: str = "/ws",
    *,
    headers: Mapping[str, str | None] | None = None,
) -> bytes:
    """``headers`` replaces the usual ones by name; ``None`` takes one away."""
    fields: dict[str, str | None] = {
        "Host": "chat.test",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    fields.update(headers or {})
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([f"GET {target} HTTP/1.1", *lines, "", ""]).encode()


async def open_socket(address: Address, *, receive_buffer: int | None = None) -> socket.socket:
    """A small ``receive_buffer`` must be set before connecting: it decides the TCP window."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        async with timeout(TIMEOUT_S):
            await asyncio.get_running_loop().sock_connect(sock, address.pair)
    except BaseException:
        sock.close()
        raise
    return sock


class NoResponse(AssertionError):
    """The connection ended before a whole HTTP head came."""


async def read_response(sock: socket.socket) -> Response:
    """Reads up to the end of the head; ``rest`` holds whatever was read beyond it."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = await receive_some(sock)
        if not chunk:
            raise NoResponse(f"the connection ended before a whole HTTP head came: {data!r}")
        data += chunk
    head, _, rest = data.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in fields}
    return Response(int(status_line.split()[1]), headers, rest)


class NothingCame(AssertionError):
    """The server neither sent anything nor ended the connection."""


async def receive_some(sock: socket.socket) -> bytes:
    """The next bytes; empty at the end of the connection, also when it was reset. Raises
    NothingCame after TIMEOUT_S.
    """
    # Others have their turn first: a server that always answers at once would let one client talk
    # on while the rest do not read, and are closed as slow consumers.
    await asyncio.sleep(0)
    try:
        return sock.recv(READ_BYTES)
    except BlockingIOError:
        pass
    except ConnectionError:
        return b""
    try:
        async with timeout(TIMEOUT_S):
            return await asyncio.get_running_loop().sock_recv(sock, READ_BYTES)
    except ConnectionError:
        return b""
    except asyncio.TimeoutError as error:
        raise NothingCame(f"nothing came for {TIMEOUT_S:.0f} s") from error


async def send_all(sock: socket.socket, data: bytes) -> None:
    """Raises ConnectionError when the server has ended the connection."""
    try:
        sent = sock.send(data)
    except BlockingIOError:
        sent = 0
    if sent < len(data):
        rest = memoryview(data)[sent:]
        async with timeout(TIMEOUT_S):
            await asyncio.get_running_loop().sock_sendall(sock, rest)


async def request(address: Address, data: bytes) -> Response:
    """Sends one request, however wrong, on a connection of its own."""
    with await open_socket(address) as sock:
        await send_all(sock, data)
        return await read_response(sock)


async def get(address: Address, path: str) -> Response:
    """An ordinary GET with its whole body."""
    return await asyncio.to_thread(_get, address, path)


def _get(address: Address, path: str) -> Response:
    connection = http.client.HTTPConnection(*address.pair, timeout=TIMEOUT_S)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Response(answer.status, headers, answer.read())

"""Bytes of a client, and the frames of a server: as little of RFC 6455 as an attack needs."""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import dataclass, field

TEXT = 0x1
CLOSE = 0x8
PING = 0x9
_KEY = b"\0\0\0\0"  # a mask of zeros is legal and leaves the payload as it is


def frame(payload: bytes, opcode: int = TEXT, final: bool = True) -> bytes:
    """A masked frame."""
    first = bytes([(0x80 if final else 0) | opcode])
    size = len(payload)
    if size < 126:
        return first + bytes([0x80 | size]) + _KEY + payload
    if size < 65_536:
        return first + b"\xfe" + struct.pack(">H", size) + _KEY + payload
    return first + b"\xff" + struct.pack(">Q", size) + _KEY + payload


def request(**fields: str) -> bytes:
    """A request of chat/1 as a frame."""
    return frame(json.dumps(fields, separators=(",", ":")).encode())


def upgrade(user: str) -> bytes:
    return (
        f"GET /ws?user={user} HTTP/1.1\r\nHost: attack\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


@dataclass
class ServerFrames:
    """Cuts what a server sends after the upgrade into (opcode, payload)."""

    unread: bytes = field(default=b"")

    def take(self, data: bytes) -> list[tuple[int, bytes]]:
        bytes_ = self.unread + data
        found = []
        at = 0
        while len(bytes_) - at >= 2:
            size, header = bytes_[at + 1] & 0x7F, 2
            if size == 126:
                header = 4
                size = int.from_bytes(bytes_[at + 2 : at + 4], "big")
            elif size == 127:
                header = 10
                size = int.from_bytes(bytes_[at + 2 : at + 10], "big")
            if len(bytes_) - at < header + size:
                break
            found.append((bytes_[at] & 0x0F, bytes_[at + header : at + header + size]))
            at += header + size
        self.unread = bytes_[at:]
        return found


def connect_chat(port: int, user: str, timeout_s: float = 30.0) -> tuple[socket.socket, bytes]:
    """A connection after its upgrade, and what came behind the response. Raises ``OSError`` when
    the server does not upgrade it."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(upgrade(user))
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = connection.recv(65_536)
        if not piece:
            break
        answer += piece
    head, _, rest = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 101 "):
        connection.close()
        raise OSError(f"port {port} does not upgrade: {head[:60]!r}")
    return connection, rest

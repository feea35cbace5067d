"""RFC 6455 frames: an encoder that can also make wrong ones, and a strict parser."""

from __future__ import annotations

import enum
import struct
from typing import NamedTuple

MASK = b"\x37\xfa\x21\x3d"


class Opcode(enum.IntEnum):
    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


_OPCODES = {opcode.value: opcode for opcode in Opcode}


class Frame(NamedTuple):
    opcode: Opcode
    payload: bytes
    fin: bool = True

    @property
    def is_control(self) -> bool:
        return self.opcode >= Opcode.CLOSE


def encode(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    masked: bool = True,
    length_bytes: int | None = None,
) -> bytes:
    """A frame as a client sends it. The options make it wrong; ``length_bytes`` is 1, 3 or 9."""
    return (
        header(opcode, len(payload), fin=fin, reserved=reserved, masked=masked, size=length_bytes)
        + (MASK if masked else b"")
        + (mask(payload) if masked else payload)
    )


def header(
    opcode: int,
    length: int,
    *,
    fin: bool = True,
    reserved: int = 0,
    masked: bool = True,
    size: int | None = None,
) -> bytes:
    """The first bytes of a frame, up to the masking key."""
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    mask_bit = 0x80 if masked else 0
    size = size or (1 if length < 126 else 3 if length < 65536 else 9)
    if size == 1:
        return struct.pack("!BB", first, mask_bit | length)
    if size == 3:
        return struct.pack("!BBH", first, mask_bit | 126, length)
    return struct.pack("!BBQ", first, mask_bit | 127, length)


def mask(payload: bytes) -> bytes:
    """Masking is its own inverse. Long integers do it at the speed of C."""
    length = len(payload)
    key = (MASK * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(length, "big")


def close_payload(code: int | None, reason: bytes = b"") -> bytes:
    return b"" if code is None else struct.pack("!H", code) + reason


class Parser:
    """Takes bytes as they come, gives whole frames, and insists on what a server must keep to."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0

    def feed(self, data: bytes) -> None:
        del self._buffer[: self._at]
        self._at = 0
        self._buffer += data

    def next_frame(self) -> Frame | None:
        buffer, start = self._buffer, self._at + 2
        if len(buffer) < start:
            return None
        length = buffer[start - 1]
        assert not length & 0x80, "a server must not mask its frames"
        if length >= 126:
            size = 2 if length == 126 else 8
            if len(buffer) < start + size:
                return None
            length = int.from_bytes(buffer[start : start + size], "big")
            start += size
            shortest = 126 if size == 2 else 65_536
            assert shortest <= length < 2**63, f"{length} is not in its shortest form (5.2)"
        if len(buffer) < start + length:
            return None
        frame = self._frame(buffer[self._at], bytes(buffer[start : start + length]))
        self._at = start + length
        return frame

    @staticmethod
    def _frame(first: int, payload: bytes) -> Frame:
        assert not first & 0x70, "a reserved bit is set, though no extension was agreed"
        assert first & 0x0F in _OPCODES, f"opcode {first & 0x0F} is reserved"
        frame = Frame(_OPCODES[first & 0x0F], payload, fin=first >= 0x80)
        if frame.is_control:
            assert frame.fin, "a control frame is fragmented"
            assert len(payload) <= 125, "a control frame is longer than 125 bytes"
        return frame

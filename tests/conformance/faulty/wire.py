"""RFC 6455 frames as a server reads and writes them."""

import codecs
import struct

from fault import has

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
OPCODES = {CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG}
PAYLOAD_MAX = 65_535 if has("has a limit of 65,535 bytes") else 65_536
FRAGMENTS_FEW = 100


class Violation(Exception):
    """What ends a connection: the close's code and reason."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason


def frame(opcode: int, payload: bytes) -> bytes:
    length = len(payload)
    first = 0x80 | opcode
    if has("sets a reserved bit"):
        first |= 0x40
    if has("masks its frames"):
        return struct.pack("!BBI", first, 0x80 | min(length, 125), 0) + payload
    if has("writes lengths in too many bytes"):
        return struct.pack("!BBQ", first, 127, length) + payload
    if length < 126:
        return struct.pack("!BB", first, length) + payload
    if length < 65_536:
        return struct.pack("!BBH", first, 126, length) + payload
    return struct.pack("!BBQ", first, 127, length) + payload


class Reader:
    """Takes bytes as they come and gives messages and control frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0
        self._text: list[str] | None = None
        self._is_binary = False
        self._size = 0
        self._fragments = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def feed(self, data: bytes) -> None:
        del self._buffer[: self._at]
        self._at = 0
        self._buffer += data

    def next(self) -> tuple[int, bytes | str] | None:
        """The next control frame or whole message. Raises Violation for what RFC 6455 forbids."""
        while (got := self._next_frame()) is not None:
            opcode, payload, fin = got
            if opcode >= CLOSE:
                if has("pings wait for the message's end") and self._text is not None:
                    continue
                return opcode, payload
            whole = self._assemble(opcode, payload, fin)
            if whole is not None:
                return TEXT, whole
        return None

    def _next_frame(self) -> tuple[int, bytes, bool] | None:
        buffer, at = self._buffer, self._at
        if len(buffer) < at + 2:
            return None
        first, second = buffer[at], buffer[at + 1]
        opcode, fin, length = first & 0x0F, first >= 0x80, second & 0x7F
        self._check(first, second)
        at += 2
        if length >= 126:
            size = 2 if length == 126 else 8
            if len(buffer) < at + size:
                return None
            length = int.from_bytes(buffer[at : at + size], "big")
            at += size
            if has("closes longer forms with 1003") and length < (126 if size == 2 else 65_536):
                raise Violation(1003)
        if opcode < CLOSE:
            self._check_size(length)
        if second < 0x80:
            key = bytes(4)
        else:
            key = bytes(buffer[at : at + 4])
            at += 4
        if len(buffer) < at + length:
            return None
        payload = _mask(bytes(buffer[at : at + length]), key)
        self._at = at + length
        return opcode, payload, fin

    def _check(self, first: int, second: int) -> None:
        opcode, is_inside = first & 0x0F, self._text is not None
        wrong = first & 0x70 and not has("takes reserved bits")
        wrong = wrong or (opcode not in OPCODES and not has("takes reserved opcodes"))
        wrong = wrong or (second < 0x80 and not has("takes unmasked frames"))
        if opcode >= CLOSE:
            wrong = wrong or first < 0x80
            if second & 0x7F > 125 and not has("takes long control frames"):
                wrong = True
        elif opcode == CONTINUATION:
            wrong = wrong or (not is_inside and not has("takes a continuation of nothing"))
        else:
            wrong = wrong or is_inside
        if wrong:
            raise Violation(1002)

    def _check_size(self, length: int) -> None:
        if has("takes any size") or (has("waits for absurd lengths") and length >= 2**62):
            return
        whole = length if has("does not add fragments up") else self._size + length
        if whole > PAYLOAD_MAX:
            raise Violation(1008 if has("closes long messages with 1008") else 1009)

    def _assemble(self, opcode: int, payload: bytes, fin: bool) -> str | None:
        if self._text is None:
            self._text, self._size, self._fragments = [], 0, 0
            self._is_binary = opcode == BINARY and not has("takes binary for text")
            self._decoder.reset()
        self._size += len(payload)
        self._fragments += 1
        if has("refuses empty fragments") and not payload and not (fin and self._fragments == 1):
            raise Violation(1002)
        if has("takes a hundred fragments at most") and self._fragments > FRAGMENTS_FEW:
            raise Violation(1008)
        if not self._is_binary:
            self._text.append(self._decode(payload, fin))
        if not fin:
            return None
        text, self._text, self._size = "".join(self._text), None, 0
        if self._is_binary:
            code = 1002 if has("closes binary with 1002") else 1003
            raise Violation(code, "Malformed message")
        return text

    def _decode(self, payload: bytes, fin: bool) -> str:
        if has("replaces wrong UTF-8"):
            return payload.decode("utf-8", "replace")
        try:
            if has("checks each fragment's UTF-8 alone"):
                return payload.decode("utf-8")
            return self._decoder.decode(payload, final=fin)
        except UnicodeDecodeError as error:
            code = 1003 if has("closes wrong UTF-8 with 1003") else 1007
            raise Violation(code) from error


def _mask(payload: bytes, key: bytes) -> bytes:
    length = len(payload)
    keys = (key * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(keys, "big")).to_bytes(length, "big")

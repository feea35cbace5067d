"""Members whose sockets are nearly always full, so that a frame is half written at any moment.

    slow_readers.py PORT READERS

One of them says 1 KiB, 300 times in a row and then 20 times a second; each of them takes some
hundred bytes at a time and stays 300 behind, so that the server always has more for it than fits.
Ends with its standard input, then reads on until all is there, and prints what came, as JSON:
readers, messages, ended, lost, duplicated, reordered, and how many looks of all found a frame half
received. Uses the standard library alone.
"""

from __future__ import annotations

import base64
import json
import os
import random
import select
import socket
import struct
import sys
import time

_HOST = "127.0.0.1"
_ROOM = "half-written"
_RECEIVE_BUFFER = 8192
_BURST = 300
_PERIOD_S = 0.05
_BYTES = 1_024
_MOST_AT_ONCE = 1_700, 3_400
"""Less than comes, and more."""
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_END_S = 20.0


class Reader:
    def __init__(self, port: int, user: str) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self.socket.connect((_HOST, port))
        key = base64.b64encode(os.urandom(16)).decode()
        head = (
            f"GET /ws?user={user} HTTP/1.1\r\nHost: {_HOST}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        )
        self.socket.sendall(head.encode())
        self.unread = b""
        while b"\r\n\r\n" not in self.unread:
            self.unread += self.socket.recv(4_096)
        self.unread = self.unread.partition(b"\r\n\r\n")[2]
        self.numbers: list[int] = []
        self.ended = False
        self.say({"type": "join", "room": _ROOM})
        self.socket.setblocking(False)

    def say(self, message: dict[str, str]) -> None:
        self._send(_TEXT, json.dumps(message).encode())

    def _send(self, opcode: int, payload: bytes) -> None:
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        first, size = 0x80 | opcode, len(payload)
        short = bytes([first, 0x80 | size]) if size < 126 else b""
        self.socket.sendall((short or struct.pack("!BBH", first, 0xFE, size)) + mask + masked)

    def take(self, most: int) -> None:
        try:
            came = self.socket.recv(most)
        except BlockingIOError:
            return
        except OSError:
            came = b""
        self.ended |= not came
        self.unread += came
        while (frame := self._frame()) is not None:
            opcode, payload = frame
            if opcode == _PING:
                self._send(_PONG, payload)
            elif opcode == _CLOSE:
                self.ended = True
            elif (message := json.loads(payload))["type"] == "message":
                self.numbers.append(int(message["content"].split()[0]))

    def _frame(self) -> tuple[int, bytes] | None:
        if len(self.unread) < 2:
            return None
        size, at = self.unread[1], 2
        if size == 126:
            if len(self.unread) < 4:
                return None
            (size,), at = struct.unpack("!H", self.unread[2:4]), 4
        if len(self.unread) < at + size:
            return None
        opcode, payload = self.unread[0] & 15, self.unread[at : at + size]
        self.unread = self.unread[at + size :]
        return opcode, payload


def main(port: int, count: int) -> dict[str, int]:
    readers = [Reader(port, f"slow-{number}") for number in range(count)]
    dice = random.Random(1)
    # Whoever joins hears of those who join later: all are in before the first word.
    _read_all(readers, dice, time.monotonic() + 1.0)
    said, looks, half = 0, 0, 0
    while not _is_over():
        for _ in range(_BURST if said == 0 else 1):
            content = f"{said} " + "x" * _BYTES
            readers[0].say({"type": "message", "room": _ROOM, "content": content})
            said += 1
        for reader in readers:
            is_far_behind = said - len(reader.numbers) > _BURST
            reader.take(dice.randint(1, _MOST_AT_ONCE[is_far_behind]))
            looks += 1
            half += reader.unread != b""
        time.sleep(_PERIOD_S)
    _read_all(readers, dice, time.monotonic() + _END_S, said)
    return {
        "readers": count,
        "messages": said,
        "ended": sum(reader.ended for reader in readers),
        "lost": sum(said - len(set(reader.numbers)) for reader in readers),
        "duplicated": sum(len(reader.numbers) - len(set(reader.numbers)) for reader in readers),
        "reordered": sum(reader.numbers != sorted(reader.numbers) for reader in readers),
        "looks": looks,
        "half_received": half,
    }


def _read_all(readers: list[Reader], dice: random.Random, until: float, said: int = -1) -> None:
    """Until each has heard so many, if that is told, or until then."""
    while time.monotonic() < until and not all(len(one.numbers) == said for one in readers):
        for reader in readers:
            reader.take(dice.randint(1, 65_536))
        time.sleep(0.01)


def _is_over() -> bool:
    ready, _, _ = select.select([sys.stdin], [], [], 0)
    return bool(ready) and os.read(sys.stdin.fileno(), 1) == b""


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))), flush=True)

"""Clients that mean no good, as a program of its own with the standard library alone.

``strangers.py garbage PORT RATE TARGET`` connects RATE times a second and sends what is no chat:
noise, HTTP that is none, an upgrade on TARGET with noise for frames.
``strangers.py crowd PORT COUNT TARGET`` opens COUNT connections and leaves them.
Each begins at once, ends with its standard input, and then prints how much it did, as JSON. It
sends to 127.0.0.1 and nowhere else.
"""

from __future__ import annotations

import json
import os
import random
import select
import socket
import sys
import time

_HOST = "127.0.0.1"
_TIMEOUT_S = 0.2
_NOISE_BYTES = 300


def garbage(port: int, rate: float, target: str) -> dict[str, float]:
    dice = random.Random(1)
    began, sent, failed = time.monotonic(), 0, 0
    while not _is_over(began + sent / rate):
        try:
            with socket.create_connection((_HOST, port), _TIMEOUT_S) as stranger:
                _speak(stranger, target, sent % 4, dice)
        except OSError:
            failed += 1
        sent += 1
    return {"tried": sent, "failed": failed, "seconds": time.monotonic() - began}


def _speak(stranger: socket.socket, target: str, kind: int, dice: random.Random) -> None:
    noise = dice.randbytes(_NOISE_BYTES)
    if kind == 0:
        stranger.sendall(noise)
    elif kind == 1:
        stranger.sendall(b"GET " + noise.replace(b"\n", b" ") + b" HTTP/1.1\r\n\r\n")
    else:
        head = (
            f"GET {target} HTTP/1.1\r\nHost: {_HOST}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        stranger.sendall(head.encode())
        stranger.recv(65536)
        # A text of four bytes that is no JSON; or frames that are none.
        stranger.sendall(b"\x81\x84\0\0\0\0oops" if kind == 2 else noise)


def crowd(port: int, count: float, _target: str) -> dict[str, float]:
    began = time.monotonic()
    opened: list[socket.socket] = []
    while len(opened) < count and not _is_over(0.0):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex((_HOST, port))
        opened.append(one)
    while not _is_over(time.monotonic() + 1.0):
        continue
    return {"tried": len(opened), "failed": 0, "seconds": time.monotonic() - began}


def _is_over(until: float) -> bool:
    """Waits until then, or until the input ends."""
    left = max(0.0, until - time.monotonic())
    ready, _, _ = select.select([sys.stdin], [], [], left)
    return bool(ready) and os.read(sys.stdin.fileno(), 1) == b""


if __name__ == "__main__":
    kind, port, number, target = sys.argv[1:]
    done = {"garbage": garbage, "crowd": crowd}[kind](int(port), float(number), target)
    print(json.dumps(done), flush=True)

"""Clients beside the chat, as a program of its own with the standard library alone.

``strangers.py garbage PORT RATE TARGET`` connects RATE times a second and sends what is no chat:
noise, HTTP that is none, an upgrade on TARGET with noise for frames.
``strangers.py crowd PORT COUNT TARGET`` opens COUNT connections and leaves them.
``strangers.py requests PORT RATE TARGET`` asks for TARGET by plain HTTP, RATE times a second, and
means no harm; what it prints has p99 of the time from when each was due to its answer.
Each begins at once, ends with its standard input, and then prints how much it did, as JSON. It
sends to 127.0.0.1 and nowhere else.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import select
import socket
import statistics
import sys
import time

_HOST = "127.0.0.1"
_TIMEOUT_S = 0.2
_ANSWER_S = 5.0
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


def requests(port: int, rate: float, target: str) -> dict[str, float]:
    line = http.client.HTTPConnection(_HOST, port, timeout=_ANSWER_S)
    began, sent, failed = time.monotonic(), 0, 0
    delays_ms = []
    while not _is_over(began + sent / rate):
        due = began + sent / rate
        sent += 1
        try:
            line.request("GET", target)
            answer = line.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            failed += 1
            line.close()
            continue
        failed += answer.status != http.client.OK
        delays_ms.append(1000 * (time.monotonic() - due))
    seconds = time.monotonic() - began
    done = {"tried": sent, "failed": failed, "seconds": seconds}
    if len(delays_ms) > 1:
        done["p99_ms"] = statistics.quantiles(delays_ms, n=100, method="inclusive")[98]
    return done


def _is_over(until: float) -> bool:
    """Waits until then, or until the input ends."""
    left = max(0.0, until - time.monotonic())
    ready, _, _ = select.select([sys.stdin], [], [], left)
    return bool(ready) and os.read(sys.stdin.fileno(), 1) == b""


if __name__ == "__main__":
    kind, port, number, target = sys.argv[1:]
    kinds = {"garbage": garbage, "crowd": crowd, "requests": requests}
    print(json.dumps(kinds[kind](int(port), float(number), target)), flush=True)

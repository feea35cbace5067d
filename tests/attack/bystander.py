"""Somebody in a quiet room: a heartbeat every 5 ms, at the server under attack and at a control.

Runs as a process of its own (``python -m attack.bystander``), so that nothing that the attack does
holds up its interpreter. It goes on until its standard input ends, then prints its samples.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import select
import socket
import sys
import time
from collections import deque
from typing import TextIO

from chinwag_bench.attacks.placement import prefer
from chinwag_bench.attacks.wire import CLOSE, TEXT, ServerFrames, connect_chat, request

from .figures import Sample

PERIOD_NS = 5_000_000
_HEARTBEAT = request(type="heartbeat")
_GRACE_S = 3.0  # for answers that are under way at the end


class Line:
    """One connection: heartbeats that wait for their answers, in the order in which they went."""

    def __init__(self, port: int) -> None:
        self.connection, rest = connect_chat(port, "bystander")
        self.frames = ServerFrames()
        self.waiting: deque[int] = deque()
        self.samples: list[Sample] = []
        self.lost = ""
        self._unsent = b""
        self.connection.sendall(request(type="join", room="quiet"))
        self.connection.setblocking(False)
        self._look_at(rest)

    def send(self, due: int) -> None:
        """Open loop: the heartbeat is due now, whether the one before was answered or not."""
        self.waiting.append(due)
        self._unsent += _HEARTBEAT
        try:
            self._unsent = self._unsent[self.connection.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError as problem:
            self.lost = self.lost or f"the bystander lost its connection: {problem}"

    def receive(self) -> None:
        try:
            data = self.connection.recv(65_536)
        except BlockingIOError:
            return
        except OSError as problem:
            data = b""
            self.lost = self.lost or f"the bystander lost its connection: {problem}"
        if not data:
            self.lost = self.lost or "the bystander's connection was ended"
            return
        self._look_at(data)

    def _look_at(self, data: bytes) -> None:
        now = time.monotonic_ns()
        for opcode, payload in self.frames.take(data):
            if opcode == CLOSE:
                code = int.from_bytes(payload[:2], "big")
                self.lost = self.lost or f"the bystander was closed with {code}"
            if opcode != TEXT:
                continue
            kind = json.loads(payload)["type"]
            if kind == "error":
                self.lost = self.lost or f"the bystander was refused: {payload.decode()}"
            if kind == "heartbeat" and self.waiting:
                self.samples.append(Sample(self.waiting.popleft(), now))

    def all_samples(self) -> list[tuple[int, int | None]]:
        unanswered = [(due, None) for due in self.waiting]
        return [(one.due, one.answered) for one in self.samples] + unanswered


def watch(lines: list[Line]) -> None:
    """Sends and receives until standard input ends, and a little longer for what is under way."""
    due = time.monotonic_ns() + PERIOD_NS
    sockets: dict[socket.socket, Line] = {line.connection: line for line in lines}
    end: float | None = None
    while end is None or (time.monotonic() < end and any(line.waiting for line in lines)):
        now = time.monotonic_ns()
        if end is None:
            while due <= now:
                for line in lines:
                    if not line.lost:
                        line.send(due)
                due += PERIOD_NS
        alive = [one for one, line in sockets.items() if not line.lost]
        inputs: list[socket.socket | TextIO] = [*alive, *([sys.stdin] if end is None else [])]
        wait = max(0, due - time.monotonic_ns()) / 1e9 if end is None else 0.05
        ready, _, _ = select.select(inputs, [], [], wait)
        for one in ready:
            if isinstance(one, socket.socket):
                sockets[one].receive()
            elif not os.read(one.fileno(), 1):
                end = time.monotonic() + _GRACE_S
        if end is not None and all(line.lost for line in lines):
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--control-port", type=int, required=True)
    parser.add_argument("--cpu", type=int, required=True)
    asked = parser.parse_args()
    prefer(os.getpid(), asked.cpu)
    lines = [Line(asked.port), Line(asked.control_port)]
    print("ready", flush=True)
    gc.collect()
    gc.disable()
    with contextlib.suppress(KeyboardInterrupt):
        watch(lines)
    names = ("attacked", "control")
    result = {
        name: {"samples": line.all_samples(), "lost": line.lost}
        for name, line in zip(names, lines, strict=True)
    }
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()

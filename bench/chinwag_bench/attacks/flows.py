"""Many connections in one process, each of which sends without end, or reads slowly, or not at all.

A flow says what one connection does; a crowd of them is driven by one epoll loop.
"""

from __future__ import annotations

import contextlib
import heapq
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

_SENDS_A_TURN = 4
_SCRATCH_BYTES = 256 * 1024
_REOPEN_AFTER_S = 0.05  # a server that refuses at once is not dialled in a busy loop
_DRIP_BYTES = 1_024
_DRIP_EVERY_S = 0.1
_RESET = struct.pack("ii", 1, 0)


class Reads(Enum):
    ALL = "all"
    NEVER = "never"
    DRIP = "drip"  # 1 KiB every 100 ms


@dataclass(frozen=True)
class Flow:
    """What one connection does. ``opening`` is sent once, then ``repeated``: as fast as it is
    taken, or every ``every_s`` seconds. ``settled`` bytes read mean that the opening was served.
    """

    opening: bytes = b""
    repeated: bytes = b""
    every_s: float = 0.0
    reads: Reads = Reads.ALL
    reopens: bool = False
    receive_buffer: int = 0
    settled: bytes = b""


@dataclass
class Counts:
    """What a crowd did: bytes taken by the kernel, connections opened, ended by the server."""

    sent: int = 0
    received: int = 0
    opened: int = 0
    ended: int = 0
    failed: int = 0


@dataclass
class _Connection:
    flow: Flow
    socket: socket.socket
    connected: bool = False
    settled: bool = False
    unsent: memoryview = field(default_factory=lambda: memoryview(b""))
    watched: int = 0
    seen: bytes = b""


class Crowd:
    """Drives flows against one port of 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self.counts = Counts()
        self._to = ("127.0.0.1", port)
        self._poll = select.epoll()
        self._connections: dict[int, _Connection] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._timer_count = 0
        self._scratch = bytearray(_SCRATCH_BYTES)

    def add(self, flows: Iterable[Flow]) -> None:
        for flow in flows:
            self._open(flow)

    def settle(self, timeout_s: float) -> None:
        """Runs until every opening was served. Raises ``TimeoutError`` when some are not."""
        end = time.monotonic() + timeout_s
        while left := sum(not one.settled for one in self._connections.values()):
            if time.monotonic() > end:
                raise TimeoutError(f"{left} connections of the set-up were not served in time")
            self.turn(0.05)

    def run(self, until: Callable[[], bool]) -> None:
        while not until():
            self.turn(0.02)

    def turn(self, wait_s: float) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()
        if self._timers:
            wait_s = min(wait_s, max(0.0, self._timers[0][0] - now))
        for descriptor, what in self._poll.poll(wait_s, 256):
            one = self._connections.get(descriptor)
            if one is None:
                continue
            if what & select.EPOLLIN:
                self._read(one)
            if what & (select.EPOLLERR | select.EPOLLHUP):
                self._end(one)
            elif what & select.EPOLLOUT:
                self._write(one)

    def close(self) -> None:
        for one in list(self._connections.values()):
            one.socket.close()
        self._connections.clear()
        self._timers.clear()

    def _after(self, seconds: float, call: Callable[[], None]) -> None:
        self._timer_count += 1
        heapq.heappush(self._timers, (time.monotonic() + seconds, self._timer_count, call))

    def _open(self, flow: Flow) -> None:
        to = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        if flow.receive_buffer:
            to.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, flow.receive_buffer)
        to.connect_ex(self._to)
        one = _Connection(flow, to, unsent=memoryview(flow.opening), settled=not flow.settled)
        self._connections[to.fileno()] = one
        self.counts.opened += 1
        self._poll.register(to.fileno(), 0)
        self._watch(one)
        if flow.every_s:
            self._after(flow.every_s, lambda: self._repeat(one))
        if flow.reads is Reads.DRIP:
            self._after(_DRIP_EVERY_S, lambda: self._drip(one))

    def _watch(self, one: _Connection) -> None:
        wanted = 0
        if one.flow.reads is Reads.ALL or not one.settled:
            wanted |= select.EPOLLIN
        floods = bool(one.flow.repeated) and not one.flow.every_s
        if one.unsent or floods or not one.connected:
            wanted |= select.EPOLLOUT
        if wanted != one.watched:
            one.watched = wanted
            self._poll.modify(one.socket.fileno(), wanted)

    def _write(self, one: _Connection) -> None:
        one.connected = True
        for _ in range(_SENDS_A_TURN):
            if not one.unsent and one.flow.repeated and not one.flow.every_s and one.settled:
                one.unsent = memoryview(one.flow.repeated)
            if not one.unsent:
                break
            try:
                sent = one.socket.send(one.unsent)
            except BlockingIOError:
                break
            except OSError:
                return self._end(one)
            self.counts.sent += sent
            one.unsent = one.unsent[sent:]
        self._watch(one)

    def _read(self, one: _Connection, most: int = _SCRATCH_BYTES) -> None:
        try:
            got = one.socket.recv_into(self._scratch, most)
        except BlockingIOError:
            return
        except OSError:
            got = 0
        if got == 0:
            return self._end(one)
        self.counts.received += got
        if not one.settled:
            one.seen += self._scratch[:got]
            one.settled = one.flow.settled in one.seen
            one.seen = b"" if one.settled else one.seen
            self._watch(one)

    def _repeat(self, one: _Connection) -> None:
        if self._connections.get(one.socket.fileno()) is not one:
            return
        if one.connected and not one.unsent:
            one.unsent = memoryview(one.flow.repeated)
            self._watch(one)
        self._after(one.flow.every_s, lambda: self._repeat(one))

    def _drip(self, one: _Connection) -> None:
        if self._connections.get(one.socket.fileno()) is not one:
            return
        self._read(one, _DRIP_BYTES)
        self._after(_DRIP_EVERY_S, lambda: self._drip(one))

    def _end(self, one: _Connection) -> None:
        if self._connections.pop(one.socket.fileno(), None) is None:
            return
        one.socket.close()
        if one.connected:
            self.counts.ended += 1
        else:
            self.counts.failed += 1
        if one.flow.reopens:
            self._after(_REOPEN_AFTER_S, lambda: self._open(one.flow))


def press_opens(port: int, until: Callable[[], bool], rate: int, kept: int) -> Counts:
    """Opens connections that say nothing, up to ``rate`` a second; the oldest beyond ``kept`` are
    reset. Source addresses change, so that the ports of one do not run out."""
    counts = Counts()
    open_ones: deque[socket.socket] = deque()
    begin = time.monotonic()
    while not until():
        due = int((time.monotonic() - begin) * rate) - counts.opened
        if due <= 0:
            time.sleep(0.001)
        for _ in range(min(due, 64)):
            counts.opened += 1
            to = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            to.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            to.bind((f"127.0.{1 + counts.opened % 8}.1", 0))
            with contextlib.suppress(BlockingIOError):
                to.connect(("127.0.0.1", port))
            open_ones.append(to)
        while len(open_ones) > kept:
            open_ones.popleft().close()
    for one in open_ones:
        one.close()
    return counts

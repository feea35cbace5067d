"""CPU per delivery of two servers, with W messages waiting for each member of a room.

    python bench/micro/waiting.py A/core/chinwagd B/core/chinwagd --rounds 7
    python bench/micro/waiting.py build/release/core/chinwagd build/servers/cpp-uws/chat_uws

One room of 100 members; a burst of W messages of 1 KiB is sent in one write and read by all before
the next. How many messages wait for a member decides how many one system call carries, and with
that nearly all of the cost. The two are run in turn, burst size by burst size, server and
load on different cores where there are two; figures are medians of the rounds, the ratio that of
the pairs. CPU time is user and system time of all threads of the server's process, by the
scheduler's count.

A server is a command that starts one process which speaks chat/1: two builds of chinwagd, or any
other. It is told its port by CHAT_PORT, and gets the environment of this program besides.
"""

from __future__ import annotations

import argparse
import os
import selectors
import shlex
import socket
import statistics
import struct
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from chinwag_bench.servers.ports import pick_port

MEMBERS = 100
CONTENT_BYTES = 1024
ROOM = "a"
SERVES_WITHIN_S = 10.0


def masked(text: str) -> bytes:
    """A client's text frame with a mask of zeros, which leaves the payload as it is."""
    payload = text.encode()
    if len(payload) < 126:
        return struct.pack("!BB4x", 0x81, 0x80 | len(payload)) + payload
    return struct.pack("!BBH4x", 0x81, 0xFE, len(payload)) + payload


def message() -> bytes:
    return masked(f'{{"type":"message","room":"{ROOM}","content":"{"x" * CONTENT_BYTES}"}}')


def connect(port: int, name: str) -> socket.socket:
    """A socket on which the upgrade was asked for."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(
        f"GET /ws?user={name} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        f"Cookie: user={name}\r\n\r\n".encode()  # where wse-server looks for it
    )
    return sock


def start(command: str, core: int | None) -> tuple[subprocess.Popen[bytes], int]:
    """A server that serves, pinned to the core, and its port."""
    pin = ["taskset", "-c", str(core)] if core is not None else []
    port = pick_port()
    where = {"CHAT_HOST": "127.0.0.1", "CHAT_PORT": str(port)}
    arguments = [*pin, *shlex.split(command)]
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(arguments, env=os.environ | where, stdout=quiet, stderr=quiet)
    deadline = time.monotonic() + SERVES_WITHIN_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return server, port
        except ConnectionRefusedError:
            time.sleep(0.01)
    server.kill()
    raise SystemExit(f"{command} did not serve: start it by hand, with CHAT_PORT={port}")


class Member:
    def __init__(self, port: int, name: str) -> None:
        self.socket = connect(port, name)
        self.read_until(b'"welcome"')
        self.socket.sendall(masked(f'{{"type":"join","room":"{ROOM}"}}'))

    def read_until(self, mark: bytes) -> None:
        got = b""
        while mark not in got:
            more = self.socket.recv(65536)
            if not more:
                raise SystemExit("waiting: the server ended a connection")
            got += more

    def fence(self) -> None:
        """Reads what was sent before this heartbeat."""
        self.socket.sendall(masked('{"type":"heartbeat"}'))
        self.read_until(b'"heartbeat"')


class Room:
    """A server with the room's members, who read what comes and count its bytes."""

    def __init__(self, command: str, core: int | None) -> None:
        self.server, port = start(command, core)
        self.members = [Member(port, f"m{i}") for i in range(MEMBERS)]
        for _ in range(2):
            for member in self.members:
                member.fence()
        self.selector = selectors.DefaultSelector()
        for member in self.members:
            self.selector.register(member.socket, selectors.EVENT_READ, member)
        self.buffer = bytearray(1 << 20)
        self.frame_bytes = self.size_of_a_frame()

    def size_of_a_frame(self) -> int:
        publisher = self.members[0].socket
        publisher.sendall(message() + masked('{"type":"leave","room":"no"}'))
        got = b""
        while b"not_joined" not in got or got.count(b"x" * CONTENT_BYTES) < 1:
            got += publisher.recv(65536)
        start = got.index(b'{"type":"message"')
        size = 4 + got.index(b"}", start) + 1 - start
        for member in self.members[1:]:
            left = size
            while left > 0:
                left -= len(member.socket.recv(left))
        return size

    def burst(self, waiting: int) -> None:
        self.members[0].socket.sendall(message() * waiting)
        left = {member: waiting * self.frame_bytes for member in self.members}
        while left:
            for key, _ in self.selector.select():
                member = key.data
                left[member] = left.get(member, 0) - member.socket.recv_into(self.buffer)
                if left[member] == 0:
                    del left[member]

    def cpu_seconds(self) -> float:
        threads = Path(f"/proc/{self.server.pid}/task").glob("*/schedstat")
        return sum(int(one.read_text("ascii").split()[0]) for one in threads) / 1e9

    def close(self) -> None:
        for member in self.members:
            member.socket.close()
        self.server.kill()
        self.server.wait()


@dataclass
class Plan:
    servers: tuple[str, str]
    waiting: list[int]
    rounds: int
    deliveries: int
    cores: list[int]


def cpu_us_per_delivery(command: str, waiting: int, plan: Plan) -> float:
    room = Room(command, plan.cores[0] if len(plan.cores) > 1 else None)
    try:
        bursts = max(1, plan.deliveries // (waiting * MEMBERS))
        for _ in range(max(1, bursts // 10)):
            room.burst(waiting)
        before = room.cpu_seconds()
        for _ in range(bursts):
            room.burst(waiting)
        return (room.cpu_seconds() - before) * 1e6 / (bursts * waiting * MEMBERS)
    finally:
        room.close()


def measure(plan: Plan) -> None:
    print(f"{'W':>4} {'A us':>8} {'B us':>8} {'B/A':>7}   pairs min..max   ({plan.rounds} rounds)")
    for waiting in plan.waiting:
        pairs = []
        for turn in range(plan.rounds):
            order = (0, 1) if turn % 2 == 0 else (1, 0)
            cost = [0.0, 0.0]
            for which in order:
                cost[which] = cpu_us_per_delivery(plan.servers[which], waiting, plan)
            pairs.append(cost)
        ratios = [b / a for a, b in pairs]
        print(
            f"{waiting:>4} {statistics.median(a for a, _ in pairs):>8.3f}"
            f" {statistics.median(b for _, b in pairs):>8.3f} {statistics.median(ratios):>7.3f}"
            f"   {min(ratios):.3f}..{max(ratios):.3f}",
            flush=True,
        )


def main() -> None:
    reader = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    reader.add_argument("a", help="the first server's command")
    reader.add_argument("b", help="the second server's command")
    reader.add_argument("--rounds", type=int, default=7)
    reader.add_argument("--waiting", default="1,8,32,128", help="burst sizes")
    reader.add_argument("--deliveries", type=int, default=400_000, help="a server, size and round")
    asked = reader.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, set(cores[1:]))
    waiting = [int(one) for one in asked.waiting.split(",")]
    measure(Plan((asked.a, asked.b), waiting, asked.rounds, asked.deliveries, cores))


if __name__ == "__main__":
    main()

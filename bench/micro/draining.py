"""What it takes to drain a room: MEMBERS connections that all are members of one room.

    python bench/micro/draining.py build/release/core/chinwagd --members 10000

SIGTERM drains. Measured at the clients: how many got the close code 1012, the time from the signal
to the end of the last connection, and the bytes that they received meanwhile. Beside it the
server's resident size, when all are connected and when all are members and nothing waits.
"""

from __future__ import annotations

import argparse
import os
import resource
import selectors
import signal
import socket
import sys
import time

from waiting import connect, masked, start

CLOSE_1012 = b"\x03\xf4"
QUIET_S = 1.0


class Crowd:
    """Connections of one process; all that comes is read and counted, its last bytes are kept."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.sockets: list[socket.socket] = []
        self.last: dict[socket.socket, bytes] = {}
        self.received = 0
        self.buffer = bytearray(1 << 20)

    def add(self, port: int, name: str) -> None:
        sock = connect(port, name)
        self.sockets.append(sock)
        self.selector.register(sock, selectors.EVENT_READ)

    def read(self, wait_s: float) -> bool:
        """Reads what waits; whether there was something."""
        ready = self.selector.select(wait_s)
        for key, _ in ready:
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            try:
                size = sock.recv_into(self.buffer)
            except ConnectionError:
                size = 0
            if size == 0:
                self.selector.unregister(sock)
                continue
            self.received += size
            kept = self.last.get(sock, b"") + bytes(self.buffer[max(0, size - 128) : size])
            self.last[sock] = kept[-128:]
        return bool(ready)

    def read_until_quiet(self) -> None:
        while self.read(QUIET_S):
            continue

    @property
    def open(self) -> int:
        return len(self.selector.get_map())


def resident_kib(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def measure(binary: str, members: int, core: int | None) -> None:
    server, port = start(binary, core)
    empty = resident_kib(server.pid)
    crowd = Crowd()
    for number in range(members):
        crowd.add(port, f"m{number}")
        crowd.read(0)
    crowd.read_until_quiet()
    connected = resident_kib(server.pid)
    for sock in crowd.sockets:
        sock.sendall(masked('{"type":"join","room":"a"}'))
        crowd.read(0)
    crowd.read_until_quiet()
    joined = resident_kib(server.pid)
    print(
        f"resident, bytes a connection: {(connected - empty) * 1024 / members:.0f} connected, "
        f"{(joined - empty) * 1024 / members:.0f} as members"
    )
    if crowd.open != members:
        raise SystemExit(f"draining: {members - crowd.open} of {members} were closed before")
    crowd.received = 0
    began = time.monotonic()
    server.send_signal(signal.SIGTERM)
    while crowd.open:
        if not crowd.read(30.0):
            raise SystemExit(f"draining: {crowd.open} connections are still open after 30 s")
    took = time.monotonic() - began
    told = sum(CLOSE_1012 in one[-32:] for one in crowd.last.values())
    code = server.wait()
    print(
        f"{told} of {members} got 1012, {took:.2f} s, {crowd.received / 1e6:.2f} MB received, "
        f"exit code {code}"
    )
    if told != members:
        sys.exit(1)


def main() -> None:
    reader = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    reader.add_argument("binary", help="a chinwagd")
    reader.add_argument("--members", type=int, default=10_000)
    asked = reader.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, asked.members + 1_000), hard))
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, set(cores[1:]))
    measure(asked.binary, asked.members, cores[0] if len(cores) > 1 else None)


if __name__ == "__main__":
    main()

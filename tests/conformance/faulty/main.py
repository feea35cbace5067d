"""A chat/1 server of the standard library alone: honest, or with one fault on purpose."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time

from connection import BLOCKED_S, Connection
from fault import has
from rooms import Rooms

DRAIN_S = 3.0
RETRY_S = 0.1


class Server:
    def __init__(self) -> None:
        self.rooms = Rooms()
        self.connections: set[Connection] = set()
        self.ping_s = setting("CHAT_PING_INTERVAL_MS", 30_000) / 1000
        self.idle_s = setting("CHAT_IDLE_TIMEOUT_MS", 60_000) / 1000

    def judge(self) -> None:
        for connection in list(self.connections):
            connection.judge()

    async def drain(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + DRAIN_S
        for connection in list(self.connections):
            if not has("drops everyone at SIGTERM"):
                connection.close(1001 if has("closes with 1001 at SIGTERM") else 1012)
        while self.connections and loop.time() < deadline:
            await asyncio.sleep(0.02)


def setting(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if text.isdecimal() and int(text) < 2**31:
        return int(text)
    if has("takes a wrong port for any"):
        return 0
    sys.exit(f"faulty: {name} is {text!r}, which is no number")


def address() -> tuple[str, int]:
    port = setting("CHAT_PORT", 4000)
    if port > 65_535:
        sys.exit(f"faulty: CHAT_PORT is {port}, which is above 65535")
    host = os.environ.get("CHAT_HOST", "127.0.0.1")
    return "0.0.0.0" if has("listens everywhere") else host, port


def backlog() -> int:
    if has("lets a hundred wait"):
        return 100
    count = setting("CHAT_BACKLOG", 4096)
    if not 1 <= count <= 65_535:
        sys.exit(f"faulty: CHAT_BACKLOG is {count}, which is not from 1 to 65535")
    return count


class Listener:
    """Accepts by hand: before Python 3.12 asyncio's own server spins without descriptors."""

    def __init__(self, server: Server, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=backlog())
        self._socket.setblocking(False)
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[object]] = set()
        self._begin()

    def _begin(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        try:
            accepted, _ = self._socket.accept()
        except (BlockingIOError, ConnectionError):
            return
        except OSError:
            self._wait_for_descriptors()
            return
        serving = self._loop.connect_accepted_socket(lambda: Connection(self._server), accepted)
        task = self._loop.create_task(serving)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _wait_for_descriptors(self) -> None:
        if has("serves nobody without descriptors"):
            time.sleep(BLOCKED_S)
        if has("spins without descriptors"):
            return
        self._loop.remove_reader(self._socket)
        if not has("accepts nobody after it lacked descriptors"):
            self._loop.call_later(RETRY_S, self._begin)

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server, (host, port) = Server(), address()
    try:
        listener = Listener(server, host, port)
    except OSError as error:
        if has("says nothing of a taken port"):
            os._exit(1)
        sys.exit(f"faulty: can't listen on {host}:{port}: {error.strerror}")
    if has("judges before it reads"):
        signal.signal(signal.SIGCONT, lambda *_: server.judge())
    await stop.wait()
    if has("dies of a second SIGTERM"):
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
    if not has("keeps its port to the end"):
        listener.close()
    await server.drain()
    if has("takes its time to end"):
        await asyncio.sleep(5.5)
    os._exit(1 if has("ends with 1") else 0)


asyncio.run(main())

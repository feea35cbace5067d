"""A chat/1 server of the standard library alone: honest, or with one fault on purpose."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from connection import Connection
from fault import has
from rooms import Rooms

DRAIN_S = 2.0


class Server:
    def __init__(self) -> None:
        self.rooms = Rooms()
        self.connections: set[Connection] = set()
        self.ping_s = setting("CHAT_PING_INTERVAL_MS", 30_000) / 1000
        self.idle_s = setting("CHAT_IDLE_TIMEOUT_MS", 60_000) / 1000

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


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server, (host, port) = Server(), address()
    try:
        listening = await asyncio.get_running_loop().create_server(
            lambda: Connection(server), host, port, backlog=1024
        )
    except OSError as error:
        if has("says nothing of a taken port"):
            os._exit(1)
        sys.exit(f"faulty: can't listen on {host}:{port}: {error.strerror}")
    await stop.wait()
    listening.close()
    await server.drain()
    if has("takes its time to end"):
        await asyncio.sleep(5.5)
    os._exit(1 if has("ends with 1") else 0)


asyncio.run(main())

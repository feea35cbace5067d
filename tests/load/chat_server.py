"""A small, correct chat/1 server whose faults can be programmed, to test the load generator with.

Faults are given as JSON on the command line: ``{"drop_every": 10}`` keeps every tenth delivery
back, counted over the whole server in the order sent; pace.py has those of time. ``GET /faults``
tells how often each hit, ``GET /delays`` what the programmed delays came to.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import socket
import time
import urllib.parse
from collections import defaultdict
from http import HTTPStatus
from typing import Any

from pace import Pace
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

Faults = dict[str, Any]
ODD_TIMESTAMPS = False
STARTED_S = time.monotonic()


class FaultPlan:
    """Decides, delivery by delivery, what goes wrong, and counts what did."""

    def __init__(self, plan: Faults) -> None:
        self.plan = plan
        self.pace = Pace(plan, send)
        self.dice = random.Random(plan.get("drop_seed"))
        self.counts: dict[str, int] = defaultdict(int)
        self.deliveries = 0
        self.messages = 0
        self.held: dict[tuple[ServerConnection, str], str] = {}
        self.releases: set[asyncio.Task[None]] = set()

    def due(self, name: str) -> bool:
        every = self.plan.get(name)
        return every is not None and self.deliveries % every == 0

    async def deliver(self, to: ServerConnection, sender: str, text: str) -> None:
        self.deliveries += 1
        pair = (to, sender + text[:18])
        if self.due("drop_every") or self.dice.random() < self.plan.get("drop_share", 0):
            self.counts["dropped"] += 1
        elif self.due("swap_every") and pair not in self.held:
            self.held[pair] = text
            asyncio.get_running_loop().call_later(0.3, self.release, pair)
        else:
            await self.pace.send(to, self.corrupted(text))
            if pair in self.held:
                self.counts["swapped"] += 1
                await send(to, self.held.pop(pair))
            if self.due("duplicate_every"):
                self.counts["duplicated"] += 1
                await send(to, text)

    def release(self, pair: tuple[ServerConnection, str]) -> None:
        """What nothing overtook goes out in order after all."""
        text = self.held.pop(pair, None)
        if text is not None:
            task = asyncio.create_task(send(pair[0], text))
            self.releases.add(task)
            task.add_done_callback(self.releases.discard)

    def corrupted(self, text: str) -> str:
        if self.due("corrupt_every"):
            self.counts["corrupted"] += 1
            at = text.index("CW1") + self.plan.get("corrupt_at", 60)
            return text[:at] + ("a" if text[at] != "a" else "b") + text[at + 1 :]
        return text


async def send(to: ServerConnection, text: str) -> None:
    with contextlib.suppress(ConnectionClosed):
        await to.send(text)


class ChatServer:
    def __init__(self, faults: Faults) -> None:
        self.faults = FaultPlan(faults)
        self.rooms: dict[str, list[ServerConnection]] = defaultdict(list)
        self.users: dict[str, list[ServerConnection]] = defaultdict(list)
        self.upgrades = 0
        self.joins = 0

    def text(self, **fields: Any) -> str:
        """A message; ``"layout": "spaced"`` writes JSON the way other servers do."""
        if self.faults.plan.get("layout") == "spaced":
            kind = fields.pop("type")
            return json.dumps({"type": kind, **dict(reversed(fields.items()))})
        return json.dumps(fields, separators=(",", ":"))

    async def serve_connection(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        if connection.request.path == "/echo":
            async for text in connection:
                await send(connection, str(text))
            return
        query = urllib.parse.urlsplit(connection.request.path).query
        user = urllib.parse.parse_qs(query)["user"][0]
        self.users[user].append(connection)
        if self.upgrades >= self.faults.plan.get("greet_late_from", float("inf")):
            await asyncio.sleep(self.faults.plan["greet_late_s"])
        await connection.send(self.text(type="welcome", user=user))
        try:
            async for text in connection:
                await self.answer(connection, user, json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            self.users[user].remove(connection)
            await self.leave_all(connection, user)

    async def leave_all(self, connection: ServerConnection, user: str) -> None:
        for room, members in self.rooms.items():
            if connection in members:
                members.remove(connection)
                left = self.text(type="user_left", room=room, user=user, timestamp=now_ms())
                for member in list(members):
                    await send(member, left)

    async def answer(self, connection: ServerConnection, user: str, asked: Any) -> None:
        kind = asked["type"]
        if kind == "heartbeat":
            await send(connection, self.text(type="heartbeat", timestamp=now_ms()))
        elif kind == "join":
            await self.join(connection, user, asked["room"])
        elif kind == "__crash":
            await self.crash()
        elif kind == "__spin":
            time.sleep(asked["ms"] / 1000)
        elif kind == "__build":
            await self.tell_build(connection, asked)
        elif await self.fail(connection):
            return
        elif kind == "message" and asked["content"] == "__build 0":
            await self.tell_build(connection, asked)
        elif kind == "message":
            fields = {"room": asked["room"], "user": user, "content": asked["content"]}
            text = self.text(type="message", **fields, timestamp=now_ms())
            for member in list(self.rooms[asked["room"]]):
                await self.faults.deliver(member, user, text)
        elif kind == "direct":
            fields = {"user": user, "content": asked["content"]}
            text = self.text(type="direct", **fields, timestamp=now_ms())
            for target in list(self.users[asked["to"]]):
                await self.faults.deliver(target, user, text)

    async def join(self, connection: ServerConnection, user: str, room: str) -> None:
        self.joins += 1
        if self.joins >= self.faults.plan.get("ignore_joins_from", float("inf")):
            return
        self.rooms[room].append(connection)
        text = self.text(type="user_joined", room=room, user=user, timestamp=now_ms())
        for member in list(self.rooms[room]):
            await send(member, text)

    async def crash(self) -> None:
        """``"crash"`` says what that is: ``feigned`` does nothing, ``deaf`` forgets all members."""
        kind = self.faults.plan.get("crash")
        if kind == "feigned":
            return
        if kind == "deaf":
            self.rooms.clear()
        raise RuntimeError("__crash was asked for")

    async def tell_build(self, connection: ServerConnection, asked: Any) -> None:
        """CHAT_BUILD, or what ``"build"`` says in its place; "1" until ``"build_after_s"``, and
        "2" once the file ``"build_file"`` is there.
        """
        is_late = time.monotonic() - STARTED_S > self.faults.plan.get("build_after_s", 0)
        name = self.faults.plan.get("build") or os.environ.get("CHAT_BUILD", "1")
        name = name if is_late else "1"
        name = "2" if os.path.exists(self.faults.plan.get("build_file", "")) else name
        if asked.get("content") is None:
            await send(connection, self.text(type="__build", build=name))
        else:
            fields = {"user": "server", "content": f"__build {name}"}
            await send(connection, self.text(type="direct", **fields, timestamp=now_ms()))

    async def fail(self, connection: ServerConnection) -> bool:
        """Faults that hit at the n-th message; answers whether the message is used up."""
        plan = self.faults.plan
        self.faults.messages += 1
        if self.faults.messages == plan.get("die_at"):
            os._exit(1)
        if self.faults.messages == plan.get("stall_at"):
            time.sleep(plan["stall_s"])
        if self.faults.messages == plan.get("close_at"):
            await connection.close(1013, "slow consumer")
            return True
        if self.faults.messages == plan.get("refuse_at"):
            await send(connection, self.text(type="error", code="rate_limited", message="no"))
            return True
        return False

    def answer_http(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path == "/health":
            facts = {"status": "ok", "pid": os.getpid(), "workers": [os.getpid()]}
            return connection.respond(HTTPStatus.OK, json.dumps(facts))
        if request.path == "/faults":
            late = {"late_us_max": round(self.faults.pace.late_s_max * 1e6)}
            return connection.respond(HTTPStatus.OK, json.dumps(self.faults.counts | late))
        if request.path == "/delays":
            return connection.respond(HTTPStatus.OK, json.dumps(self.faults.pace.real_delays_ms))
        self.upgrades += 1
        if self.upgrades >= self.faults.plan.get("refuse_from", float("inf")):
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "full")
        return None


def now_ms() -> int:
    """``odd_timestamps``: of another number of digits now and then, as counters would have."""
    now = time.time_ns() // 1_000_000
    return now // 10 if ODD_TIMESTAMPS and now % 2 else now


async def listen(port: int, faults: Faults) -> Server:
    global ODD_TIMESTAMPS  # noqa: PLW0603 (of this process)
    ODD_TIMESTAMPS = bool(faults.get("odd_timestamps"))
    server = ChatServer(faults)
    where: dict[str, Any] = {"host": os.environ.get("CHAT_HOST", "127.0.0.1"), "port": port}
    if os.environ.get("LISTEN_FDS") == "1":
        where = {"sock": socket.socket(fileno=3)}
    return await serve(
        server.serve_connection,
        **where,
        process_request=server.answer_http,
        compression=None,
        ping_interval=faults.get("ping_interval_s", 0.2),
        ping_timeout=faults.get("ping_timeout_s", 20),
    )


async def run(port: int, faults: Faults) -> None:
    server = await listen(port, faults)
    print("ready", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    given = os.environ.get("PROGRAMMED_FAULTS", "{}")
    parser.add_argument("--faults", type=json.loads, default=given, help="JSON object")
    options = parser.parse_args()
    asyncio.run(run(options.port, options.faults))


if __name__ == "__main__":
    main()

"""Reads protocol/golden/*.json and plays a case against a server."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

from .chat import Chat
from .client import Client
from .frames import Opcode
from .messages import PROTOCOL, Message

GOLDEN = PROTOCOL / "golden"
SCHEMA = GOLDEN / "golden.schema.json"
FILES = sorted(path for path in GOLDEN.glob("*.json") if path != SCHEMA)

Case = dict[str, Any]

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
CLOCK_TOLERANCE_MS = 60_000


def cases_of(path: Path) -> list[Case]:
    cases: list[Case] = json.loads(path.read_text("utf-8"))["cases"]
    return cases


def cases() -> list[Case]:
    return [case for path in FILES for case in cases_of(path)]


class Player:
    """One case being played: its connections by their short names."""

    def __init__(self, chat: Chat, case: Case) -> None:
        self._chat = chat
        self._case = case
        self._clients: dict[str, Client] = {}

    async def play(self) -> None:
        for name, user in self._case["users"].items():
            self._clients[name] = await self._connect(user)
        for number, step in enumerate(self._case["steps"], 1):
            try:
                await self._step(step)
            except AssertionError as error:
                raise AssertionError(
                    f"{self._case['id']}, step {number} {step}: {error}"
                ) from error
        for client in self._clients.values():
            await client.fence()

    async def _connect(self, user: str | None) -> Client:
        if user:
            return await self._chat.connect(user)
        client = await self._chat.connect(target="/ws" if user is None else "/ws?user=")
        assert UUID4.fullmatch(client.user), f"{client.user!r} is not a UUIDv4 in lower case"
        return client

    async def _step(self, step: Message) -> None:
        client = self._clients[step.get("from") or step.get("to") or step["close"]]
        match step:
            case {"send": value}:
                await client.send_text(json.dumps(value, ensure_ascii=False))
            case {"send_text": text}:
                await client.send_text(text)
            case {"send_hex": digits}:
                await client.send_frame(Opcode.BINARY, bytes.fromhex(digits))
            case {"expect": expected}:
                check_message(await client.receive(), expected)
            case {"expect_nothing": True}:
                await client.fence()
            case {"expect_close": code, **others}:
                await self._expect_close(step["to"], code, others.get("reason"))
            case {"close": name}:
                ended = await self._clients.pop(name).close()
                assert ended.code in (1000, 1005), f"the close was answered with {ended}"

    async def _expect_close(self, name: str, code: int, reason: str | None) -> None:
        ended = await self._clients.pop(name).end()
        assert ended.code == code, f"close {code} was due, not {ended}"
        assert reason is None or ended.reason == reason, f"the reason is {ended.reason!r}"


def check_message(message: Message, expected: Message) -> None:
    """Further fields are free; those expected must be there with their values."""
    for key, value in expected.items():
        assert key in message, f"`{key}` is missing in {message}"
        assert matches(message[key], value), f"`{key}` is {message[key]!r} in {message}"


def matches(value: object, expected: object) -> bool:
    match expected:
        case "$timestamp":
            return isinstance(value, int) and abs(value - time.time() * 1000) < CLOCK_TOLERANCE_MS
        case "$uuid":
            return isinstance(value, str) and UUID4.fullmatch(value) is not None
        case "$text":
            return isinstance(value, str)
        case _:
            return type(value) is type(expected) and value == expected

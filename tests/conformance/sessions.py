"""Plays a session on a server and on the model at once, and compares them after each step."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from . import frames
from .chat import Chat, fence_all, fresh_name
from .client import MALFORMED, Client
from .frames import Opcode
from .handshake import Address
from .messages import Message
from .model import Model, Request, Told

SEATS = 3
ROOMS = 2
"""Few, so that connections meet."""


@dataclass(frozen=True)
class Ask:
    """One connection sends these requests at once. It connects first if it has to."""

    seat: int
    requests: tuple[Request, ...]


@dataclass(frozen=True)
class Go:
    """A connection ends: `close`, `abort`, `hang_up`, or `malformed` text."""

    seat: int
    way: str


Step = Ask | Go


async def play(address: Address, session: list[Step]) -> None:
    """Raises AssertionError, naming the step, where the server does not do as the model says."""
    chat = Chat(address)
    try:
        player = Player(chat)
        for number, step in enumerate(session, 1):
            try:
                await player.step(step)
            except AssertionError as error:
                raise AssertionError(f"step {number}, {step}: {error}") from error
    finally:
        chat.abort()


class Player:
    """Seats 0 and 1 belong to one user. Names are new for each session."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        names = [fresh_name("user") for _ in range(SEATS)]
        self._users = [names[0], *names[:-1]]
        self._nobody = names[-1]
        self._rooms = [fresh_name("room") for _ in range(ROOMS)]
        self._model = Model(self._users)
        self._clients: dict[int, Client] = {}

    async def step(self, step: Step) -> None:
        match step:
            case Ask():
                await self._ask(step)
            case Go() if step.seat in self._clients:
                await self._go(step)
        await fence_all(self._clients.values())

    async def _ask(self, step: Ask) -> None:
        if step.seat not in self._clients:
            self._clients[step.seat] = await self._chat.connect(self._users[step.seat])
            self._model.connect(step.seat)
        requests = [self._with_names(request) for request in step.requests]
        texts = [one if isinstance(one, str) else json.dumps(one) for one in requests]
        burst = [frames.encode(Opcode.TEXT, text.encode()) for text in texts]
        await self._clients[step.seat].send_bytes(b"".join(burst))
        await self._expect(self._model.serve(step.seat, requests))

    def _with_names(self, request: Request) -> Request:
        """Sessions name rooms and users by number."""
        if isinstance(request, str):
            return request
        named = dict(request)
        if "room" in named:
            named["room"] = self._rooms[named["room"]]
        if "to" in named:
            named["to"] = [*self._users, self._nobody][named["to"]]
        return named

    async def _go(self, step: Go) -> None:
        client = self._clients.pop(step.seat)
        match step.way:
            case "close":
                assert (await client.close()).code in (1000, 1005)
            case "abort":
                client.abort()
            case "hang_up":
                client.hang_up()
            case _:
                await client.send_text("{")
                assert await client.end() == MALFORMED
        await self._expect(self._model.disconnect(step.seat))
        if not self._model.has_user(client.user):
            await self._until_unknown(client.user)

    async def _until_unknown(self, user: str) -> None:
        """No message says that a user without rooms is gone: a stranger asks until it is so."""
        stranger = await self._chat.connect()
        while True:
            await stranger.send(type="direct", to=user, content="still there?")
            await stranger.send(type="heartbeat")
            if (await stranger.receive())["type"] == "error":
                break
            await asyncio.sleep(0.01)
        await stranger.expect(type="heartbeat")
        stranger.hang_up()

    async def _expect(self, told: Told) -> None:
        for seat, expected in told.items():
            got = [bare(await self._clients[seat].receive()) for _ in expected]
            compare(got, expected)


def bare(message: Message) -> Message:
    """Without what the model leaves out, and without further fields, which are free."""
    known = ("type", "room", "user", "content", "code")
    return {name: message[name] for name in known if name in message}


def compare(got: list[Message], expected: list[Message]) -> None:
    """The same messages, and in one order where the protocol promises one: R10, D4."""
    assert sorted(map(json.dumps, got)) == sorted(map(json.dumps, expected)), (
        f"{expected} were due, not {got}"
    )
    for ordered in ("message", "direct"):
        assert by_source(got, ordered) == by_source(expected, ordered), (
            f"{expected} were due in this order, not {got}"
        )


def by_source(messages: list[Message], kind: str) -> dict[str, list[str]]:
    """Contents in order, for each room or for direct messages."""
    contents: dict[str, list[str]] = {}
    for message in messages:
        if message["type"] == kind:
            contents.setdefault(message.get("room", ""), []).append(message["content"])
    return contents

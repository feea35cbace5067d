"""What a test gets: connections to the server under test, and names of its own."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Iterable

from .client import Client
from .handshake import Address

_RUN = secrets.token_hex(3)
_NUMBERS = itertools.count(1)


def fresh_name(kind: str) -> str:
    """A name that no other test uses, not even an earlier run against the same server."""
    return f"{kind}-{_RUN}-{next(_NUMBERS)}"


class Chat:
    """Connections of one test. Whatever it leaves open is cut off after it. Where there are several
    nodes, connections go to one after the other; ``address`` is that of the first.
    """

    def __init__(self, address: Address, *elsewhere: Address) -> None:
        self.address = address
        self._next = itertools.cycle([address, *elsewhere])
        self._clients: list[Client] = []

    async def connect(self, user: str | None = None, **options: object) -> Client:
        """A user of its own unless one is named. ``options`` are those of Client.connect."""
        if user is None and "target" not in options:
            user = fresh_name("user")
        client = await Client.connect(next(self._next), user, **options)  # type: ignore[arg-type]
        self._clients.append(client)
        return client

    async def member(self, room: str, user: str | None = None) -> Client:
        client = await self.connect(user)
        await client.join(room)
        return client

    async def members(self, room: str, count: int) -> list[Client]:
        """Joins one after another; each one's news of the later ones is consumed and checked."""
        joined: list[Client] = []
        for _ in range(count):
            newcomer = await self.member(room)
            await expect_all(joined, type="user_joined", room=room, user=newcomer.user)
            joined.append(newcomer)
        return joined

    def abort(self) -> None:
        for client in self._clients:
            client.abort()
        self._clients.clear()


async def expect_all(clients: Iterable[Client], **expected: object) -> None:
    await asyncio.gather(*(client.expect(**expected) for client in clients))


async def fence_all(clients: Iterable[Client]) -> None:
    await asyncio.gather(*(client.fence() for client in clients))

"""Load profiles: what each connection sends. Data files, shared with the load generator."""

from __future__ import annotations

import json
import math
from collections import Counter
from functools import cache
from itertools import count, islice
from pathlib import Path
from typing import Any, Literal

import msgspec

from chinwag_bench.decoding import UNDECODABLE
from chinwag_bench.errors import UsageError
from chinwag_bench.paths import Workspace

_NAME_BYTES = 19
"""Of the generator's user and room names: ``load-12345-u0000001``."""
_ROOMS_OF_DISTRICT = 5
"""In each of a connection's slots: how the generator seats them (bench/load/src/roster.hpp)."""
_TIMESTAMP_MS = 1_800_000_000_000
_HEADERS = {125: 2, 0xFFFF: 4, 2**63: 10}
"""Largest payload -> size of an unmasked frame's header (RFC 6455, 5.2)."""


@cache
def _mean_members(room_size: int, slots: int, connections: int) -> float:
    district = _ROOMS_OF_DISTRICT * room_size
    factors = list(islice((n for n in count(1) if math.gcd(n, district) == 1), slots))
    members = Counter(
        (connection // district, slot, connection * factor % district // room_size)
        for connection in range(connections)
        for slot, factor in enumerate(factors)
    )
    return sum(number**2 for number in members.values()) / (connections * slots)


class Mix(msgspec.Struct, frozen=True):
    """Shares of room messages and direct messages; they add up to 1."""

    room: float
    direct: float


class LoadProfile(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    description: str = ""
    connections: int
    room_size: int
    mix: Mix
    content_bytes: int
    messages_per_second_per_connection: float
    rooms_per_connection: int = 1
    hot_room: int = 0
    """So many of the first connections share one room; 0: none."""
    arrivals: Literal["even", "poisson"] = "even"
    burst: int = 1
    heartbeat_s: float = 20.0
    path: Path = Path()
    """Where it was read from; the load generator reads the same file."""

    def deliveries_per_message(self, connections: int) -> float:
        """Mean number of arrivals that one message causes."""
        return self.mix.room * self._mean_members(connections) + self.mix.direct

    def _mean_members(self, connections: int) -> float:
        """Of the room that a message goes to: a room's members all send to all of them."""
        if self.hot_room:
            hot = min(self.hot_room, connections)
            full, rest = divmod(connections - hot, self.room_size)
            return (hot**2 + full * self.room_size**2 + rest**2) / connections
        if self.rooms_per_connection > 1:
            return _mean_members(self.room_size, self.rooms_per_connection, connections)
        return min(self.room_size, connections)

    def together(self, connections: int) -> int:
        """Connections that share rooms with each other and nobody else, of so many in all: one
        process of the load generator has them.
        """
        if self.hot_room:
            return connections
        if self.rooms_per_connection > 1:
            return _ROOMS_OF_DISTRICT * self.room_size
        return self.room_size

    def stated_deliveries_per_s(self) -> float:
        """What the profile asks for at its own number of connections; the rate of a run is scaled
        from it.
        """
        messages = self.connections * self.messages_per_second_per_connection
        return messages * self.deliveries_per_message(self.connections)

    def frame_bytes(self) -> int:
        """Size of a room message as every server has to write it: WebSocket header and JSON."""
        message = {
            "type": "message",
            "room": "r" * _NAME_BYTES,
            "user": "u" * _NAME_BYTES,
            "content": "x" * self.content_bytes,
            "timestamp": _TIMESTAMP_MS,
        }
        payload = len(msgspec.json.encode(message))
        return payload + next(header for most, header in _HEADERS.items() if payload <= most)

    def as_json(self) -> dict[str, Any]:
        return {
            key: value
            for key, value in msgspec.to_builtins(self, enc_hook=str).items()
            if key != "path"
        }


def _check_keys(content: bytes, path: Path) -> None:
    """Raises ``UsageError`` for a key that stands twice in its object, of which readers take
    different ones.
    """

    def check(pairs: list[tuple[str, Any]]) -> None:
        for key, times in Counter(key for key, _ in pairs).items():
            if times > 1:
                raise UsageError(f'{path}: "{key}" stands there {times} times', hint="remove one")

    json.loads(content, object_pairs_hook=check)


def load_profile(workspace: Workspace, name: str) -> LoadProfile:
    """Reads a profile by name. Raises ``UsageError`` naming the file and what is wrong."""
    path = workspace.load_profiles / f"{name}.json"
    try:
        content = path.read_bytes()
        raw = msgspec.json.decode(content)
        _check_keys(content, path)
        profile = msgspec.convert(
            raw | {"path": path}, type=LoadProfile, dec_hook=lambda _, value: value
        )
    except OSError as error:
        known = (
            ", ".join(sorted(found.stem for found in workspace.load_profiles.glob("*.json")))
            or "none"
        )
        raise UsageError(
            f"load profile {name!r}: {path} can't be read", hint=f"known: {known}"
        ) from error
    except (*UNDECODABLE, TypeError) as error:
        raise UsageError(f"{path}: {error}") from error
    return profile

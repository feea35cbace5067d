"""What the driver is asked for, and what it answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

Event = dict[str, Any]
NO_PORT = "no source port is left"
"""How the generator's reason begins then."""


class GeneratorSettings(msgspec.Struct, kw_only=True):
    """How to start the generator. It sends to ``port`` on ``host`` and nowhere else, by the
    manifest's ``transport``.
    """

    binary: Path
    profile: Path
    host: str = "127.0.0.1"
    port: int
    also: list[tuple[str, int]] = []
    """Hosts and ports of further nodes of the same server; connections take turns with all, by
    their numbers.
    """
    transport: str = "websocket"
    connections: int
    """How many are planned; more may be asked for later."""
    room_size: int = 1
    """Connections that are never split between two processes: the profile's ``together``."""
    open_files: int | None = None
    """What one process of it may open; ``None``: what this one may."""
    sources: int = 0
    """Loopback addresses that take turns as the connections' source; 0 leaves it to the generator.
    """
    namespace: str | None = None
    """Path of the network namespace that it runs in; ``None``: this process's own."""
    name: str = ""
    """Begins the names of users and rooms; those of two generators differ unless they are given
    one.
    """
    answer_timeout_s: float | None = None
    """A connection may wait so long for its welcome, and a join for another announcement; ``None``
    leaves it to the generator.
    """
    seed: int
    cores: list[int] = []
    """One process for each, as far as there are rooms for all of them; each stays on its own."""
    niceness: int = 0
    """Asked for where the cores are the generator's alone; where it is not granted it is 0."""
    log: Path


class HoldRequest(msgspec.Struct, kw_only=True):
    """One steady load: messages a second, then seconds of warm-up, measured hold and drain."""

    rate: float
    warmup_s: float
    hold_s: float
    drain_s: float
    label: str
    hdr: Path | None = None
    parse_every: int = 0
    """Of so many connections one is parsed, the others' bytes are counted; 1 parses all of them,
    0 leaves it to the generator, which counts from 100,000 deliveries a second and process on."""

    @property
    def seconds(self) -> float:
        return self.warmup_s + self.hold_s + self.drain_s

    def command(self) -> Event:
        plain = {key: getattr(self, key) for key in self.__struct_fields__}
        return {"do": "hold"} | plain | {"hdr": str(self.hdr) if self.hdr else None}


class WatchRequest(msgspec.Struct, kw_only=True):
    """A steady load to rooms while a server meets with a fault, or is upgraded."""

    rate: float
    """Messages a second, of all connections."""
    seconds: float
    """At most; it ends ``settle_s`` after everybody hears what is sent after the fault."""
    fault_s: float
    """After the begin."""
    log: Path
    """Gets all that happened (``faults.watched``)."""
    victim: int = 0
    """Connection that asks for the fault."""
    fault: str = ""
    """Type of the message by which it does; empty: somebody else sees to the fault."""
    fault_ms: int = 0
    fault_times: int = 1
    """It asks so often, each time ``fault_every_s`` after the one before; what follows is counted
    from the last time."""
    fault_every_s: float = 0.0
    form: Literal["type", "content"] = "type"
    question: str = ""
    """Type of the message by which every connection asks which build it is served by; empty: none
    does."""
    question_s: float = 0.05
    """From one of a connection's questions to its next."""
    build: str = ""
    """It goes on, within ``seconds``, until every connection was answered so; empty: by any."""
    until_told: bool = False
    """``fault_s`` has no meaning: what happens is over once ``meanwhile`` has returned."""
    retry_s: float = 0.01
    """From one attempt to come back to the next, after a first one at once."""
    settle_s: float = 0.5
    drain_s: float = 3.0
    """Then nothing more is sent, and what is still on its way is waited for, at most so long."""

    def command(self) -> Event:
        plain = {key: getattr(self, key) for key in self.__struct_fields__}
        return {"do": "watch"} | plain | {"log": str(self.log)}


def niceness(generator_cores: list[int], server_cores: list[int]) -> int:
    """What to ask for: before others on cores of its own, and never before the server."""
    return -10 if set(generator_cores).isdisjoint(server_cores) else 0


class Connected(msgspec.Struct):
    connections: int
    refused: int = 0
    seconds: float = 0.0
    reason: str = ""
    """Of the first refusal."""

    @property
    def lacks_ports(self) -> bool:
        """The generator had no port left to connect from, which is no refusal of the server's."""
        return NO_PORT in self.reason


class Rejoined(msgspec.Struct):
    """How a storm went: everyone's connection ended at once and came back at once."""

    connections: int
    """That were ended."""
    joined: int
    """In their rooms again."""
    refused: int
    """Not in their rooms again when the time was over, whatever the server answered."""
    reason: str
    """Of the first refusal."""
    total_s: float
    """From the first end until the last one was back or refused."""
    rejoin_ms: dict[str, float]
    """Keys: mean, p50, p99, max. Of who is back, each from its own end."""
    generator_cpu: float
    """Share of one core, 0 to 1 for each generator process."""

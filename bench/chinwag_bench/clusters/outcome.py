"""What the clients of a cluster saw, from the log of a watch: members of a room are on all nodes in
turn, so that some deliveries stay on a node and some cross.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from chinwag_bench.faults.outcome import (
    NS_PER_MS,
    Deliveries,
    Timeline,
    ended_connections,
    hears_after,
    missing,
    slowest,
    timeline,
)
from chinwag_bench.faults.watched import RECEIVED, TOLD, Watched

_TIMELINE_AFTER_MS = 2_000
"""Of a timeline, from the outage's end on."""
_TIMELINE_BIN_MS = 20
_QUANTILES = {"p50": 0.5, "p99": 0.99, "max": 1.0}
Flags = NDArray[np.bool_]


class Delays(msgspec.Struct, kw_only=True):
    """From when a message was sent until it was read."""

    deliveries: int
    ms: dict[str, float]
    """Keys: p50, p99, max. Empty where there was none."""


class OutageOutcome(Deliveries, kw_only=True):
    """One outage of one cluster. Times run from its end."""

    happened: str | None = None
    """How it showed; ``None``: it did not, or nothing could prove it."""
    down_s: float = 0.0
    """How long it really lasted."""
    lost_at_home: int = 0
    """Of the lost deliveries, those to members on the sender's own node."""
    lost_messages: int = 0
    """Messages that somebody on another node never got."""
    told: int = 0
    """Times that a sender was told that a message could not leave: error {unavailable}."""
    lost_connections: int = 0
    hears_again_ms: list[float | None] = msgspec.field(default_factory=list)
    """Of each connection: until the first message came from another node that was sent after the
    end; ``None`` if none did."""
    home: Delays | None = None
    """Of what was sent to members on the sender's own node while it lasted."""
    reason: str | None = None
    """Why there is nothing, or why the end is not known."""

    @property
    def normal_ms(self) -> float | None:
        """Until everybody hears everybody again; ``None`` where somebody never did."""
        return slowest(self.hears_again_ms)

    @property
    def untold(self) -> int:
        """Messages that were lost of which their sender was not told."""
        return max(0, self.lost_messages - self.told)


def crossing(watched: Watched, nodes: int, connection: int) -> Flags:
    """Which messages reach the connection from another node."""
    there: Flags = watched.messages["sender"] % nodes != connection % nodes
    return there & watched.sent_to(connection)


def delays(watched: Watched, nodes: int, *, across: bool, within: Flags | None = None) -> Delays:
    """Of all deliveries that cross, or of all that do not; ``within``: of these messages only."""
    found = []
    for connection in range(watched.connections):
        arrived = watched.arrived_ns[:, connection % watched.room_size]
        chosen = crossing(watched, nodes, connection)
        if not across:
            chosen = watched.sent_to(connection) & ~chosen
        chosen &= arrived > 0
        if within is not None:
            chosen &= within
        found.append(arrived[chosen] - watched.messages["at_ns"][chosen])
    every = np.concatenate(found) / NS_PER_MS
    if not len(every):
        return Delays(deliveries=0, ms={})
    ms = {name: round(float(np.quantile(every, at)), 4) for name, at in _QUANTILES.items()}
    return Delays(deliveries=len(every), ms=ms)


def judge(watched: Watched, nodes: int, began_ns: int, ended_ns: int) -> OutageOutcome:
    """What followed from an outage between these times."""
    everybody = range(watched.connections)
    sent_ns = watched.messages["at_ns"]
    meanwhile: Flags = (sent_ns > began_ns) & (sent_ns < ended_ns)
    outcome = OutageOutcome(
        down_s=(ended_ns - began_ns) / 1e9,
        told=len(watched.of(TOLD)),
        lost_connections=len(ended_connections(watched)),
        hears_again_ms=[
            hears_after(watched, ended_ns, one, crossing(watched, nodes, one)) for one in everybody
        ],
        home=delays(watched, nodes, across=False, within=meanwhile),
    )
    outcome.count(watched, began_ns)
    outcome.timeline = _timeline(watched, nodes, began_ns, ended_ns)
    never: Flags = np.zeros(len(sent_ns), dtype=np.bool_)
    for one in everybody:
        lost, _ = missing(watched, one)
        foreign = crossing(watched, nodes, one)
        outcome.lost_at_home += int(np.sum(lost & ~foreign))
        never |= lost & foreign
    outcome.lost_messages = int(np.sum(never))
    return outcome


def crossed_meanwhile(watched: Watched, nodes: int, began_ns: int, ended_ns: int) -> int:
    """Deliveries from node to node that were sent and came between these times."""
    sent_ns = watched.messages["at_ns"]
    count = 0
    for connection in range(watched.connections):
        arrived = watched.arrived_ns[:, connection % watched.room_size]
        chosen = crossing(watched, nodes, connection) & (sent_ns > began_ns)
        count += int(np.sum(chosen & (arrived > 0) & (arrived < ended_ns)))
    return count


def _timeline(watched: Watched, nodes: int, began_ns: int, ended_ns: int) -> Timeline:
    """Of what crosses, around the outage's begin."""
    received = watched.of(RECEIVED)
    foreign = received["sender"] % nodes != received["connection"] % nodes
    return timeline(
        received["at_ns"][foreign],
        began_ns,
        watched.end_ns,
        to_ms=round((ended_ns - began_ns) / NS_PER_MS) + _TIMELINE_AFTER_MS,
        bin_ms=_TIMELINE_BIN_MS,
    )

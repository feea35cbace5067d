"""What a server's clients saw of one fault, from the log of a watch."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from chinwag_bench.faults.watched import BACK, ENDED, RECEIVED, Watched

NS_PER_MS = 1e6
UNDER_WAY_NS = 100_000_000
"""What was sent so shortly before the end may still be on its way: it is not judged."""
DEAF_AFTER = 3
"""Messages to its room, in the last part of a watch, of which a living connection got none."""
DEAF_WITHIN_NS = 400_000_000
TIMELINE_FROM_MS = -300
TIMELINE_TO_MS = 4_000
TIMELINE_BIN_MS = 10


def slowest(times: Sequence[float | None]) -> float | None:
    """``None`` where one has none, or there are none."""
    known = [value for value in times if value is not None]
    return max(known) if known and len(known) == len(times) else None


class Role(msgspec.Struct, kw_only=True):
    """Connections that stand alike to a fault, and what became of them."""

    connections: int
    lost_connections: int
    """That ended; they came back by the same rule for every server."""
    deaf: int
    """Open to the end, members as far as they know, and not reached."""
    hears_again_ms: list[float | None]
    """Of each connection: from the fault to the arrival of the first message that was sent after
    it; ``None`` if none came."""

    @property
    def slowest_ms(self) -> float | None:
        """Until every connection heard again; ``None`` where one never did, or there is none."""
        return slowest(self.hears_again_ms)


class Timeline(msgspec.Struct, kw_only=True):
    """Deliveries in bins of equal length around a fault."""

    begin_ms: int
    """Of the first bin, from the fault."""
    bin_ms: int
    deliveries: list[int]


class Deliveries(msgspec.Struct, kw_only=True):
    """What became of messages while a server was watched."""

    messages: int = 0
    """Sent while the server was watched."""
    lost: int = 0
    """Deliveries that are missing: the member was connected when the message was sent."""
    missed: int = 0
    """Deliveries to who was away: nobody promises those."""
    duplicated: int = 0
    reordered: int = 0
    timeline: Timeline | None = None

    def count(self, watched: Watched, around_ns: int) -> None:
        self.messages = len(watched.messages)
        self.lost = self.missed = 0
        for connection in range(watched.connections):
            lost, missed = missing(watched, connection)
            self.lost += int(np.sum(lost))
            self.missed += int(np.sum(missed))
        self.duplicated = int(np.maximum(watched.copies - 1, 0).sum())
        self.reordered = watched.reordered
        self.timeline = timeline(watched.of(RECEIVED)["at_ns"], around_ns, watched.end_ns)


class Outcome(Deliveries, kw_only=True):
    """One fault of one server."""

    happened: str | None = None
    """How it showed; ``None``: it did not, or nothing could prove it."""
    survived: bool = False
    """Every process that served before it served after it, and no connection ended."""
    roles: dict[str, Role] = {}
    """Keys: victims, room_mates, bystanders."""
    reason: str | None = None
    """Why there is nothing, or why the end is not known."""


def judge(watched: Watched, fault_ns: int, victims: Sequence[int]) -> Outcome:
    """What followed from a fault at ``fault_ns``. Whoever shares a room with a victim is a room
    mate; everybody else is a bystander.
    """
    # In time's order, so that the last end counts: what came before it came by the old connection.
    ends = {int(event["connection"]): int(event["at_ns"]) for event in watched.of(ENDED)}
    mates = {mate for one in victims for mate in watched.room_of(one)} - set(victims)
    others = set(range(watched.connections)) - mates - set(victims)
    named = {"victims": set(victims), "room_mates": mates, "bystanders": others}
    outcome = Outcome(
        survived=not ends,
        roles={name: _role(watched, fault_ns, sorted(who), ends) for name, who in named.items()},
    )
    outcome.count(watched, fault_ns)
    return outcome


def ended_connections(watched: Watched) -> list[int]:
    """In order, each once."""
    return sorted(set(watched.of(ENDED)["connection"].tolist()))


def _role(watched: Watched, fault_ns: int, who: Sequence[int], ends: dict[int, int]) -> Role:
    return Role(
        connections=len(who),
        lost_connections=len(set(who) & ends.keys()),
        deaf=sum(_is_deaf(watched, one) for one in who),
        hears_again_ms=[
            hears_after(watched, fault_ns, one, watched.sent_to(one), ends.get(one, 0))
            for one in who
        ],
    )


def hears_after(
    watched: Watched,
    since_ns: int,
    connection: int,
    which: NDArray[np.bool_],
    not_before_ns: int = 0,
) -> float | None:
    """Milliseconds until the first of ``which`` messages came that was sent later; ``None`` if none
    did. What came until ``not_before_ns`` does not count.
    """
    arrived = watched.arrived_ns[:, connection % watched.room_size]
    after = which & (watched.messages["at_ns"] > since_ns) & (arrived > not_before_ns)
    if not np.any(after):
        return None
    return round((int(arrived[after].min()) - since_ns) / NS_PER_MS, 3)


def _is_deaf(watched: Watched, connection: int) -> bool:
    changes = [
        event
        for event in watched.events[watched.events["connection"] == connection]
        if event["what"] in (ENDED, BACK)
    ]
    if changes and changes[-1]["what"] == ENDED:
        return False
    sent_ns = watched.messages["at_ns"]
    late = watched.sent_to(connection) & watched.was_member(connection)
    late &= (sent_ns > watched.end_ns - DEAF_WITHIN_NS) & (sent_ns < watched.end_ns - UNDER_WAY_NS)
    got = watched.copies[late, connection % watched.room_size]
    return len(got) >= DEAF_AFTER and not np.any(got)


def missing(watched: Watched, connection: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of all messages: which were due to the connection and did not come, and for which it was not
    there.
    """
    absent = watched.copies[:, connection % watched.room_size] == 0
    absent &= watched.sent_to(connection)
    absent &= watched.messages["at_ns"] < watched.end_ns - UNDER_WAY_NS
    if not np.any(absent):
        return absent, absent
    was_member = watched.was_member(connection)
    return absent & was_member, absent & ~was_member


def timeline(
    arrived_ns: NDArray[np.int64],
    around_ns: int,
    end_ns: int,
    *,
    to_ms: int = TIMELINE_TO_MS,
    bin_ms: int = TIMELINE_BIN_MS,
) -> Timeline:
    """Of what arrived at these times, from a little before ``around_ns`` until ``to_ms`` after it,
    or until ``end_ns``, where the watch was over.
    """
    at_ms = (arrived_ns - around_ns) / NS_PER_MS
    end_ms = min((end_ns - around_ns) / NS_PER_MS, to_ms)
    bins = max(int((end_ms - TIMELINE_FROM_MS) // bin_ms), 1)
    edges = TIMELINE_FROM_MS + bin_ms * np.arange(bins + 1)
    deliveries, _ = np.histogram(at_ms, bins=edges)
    return Timeline(begin_ms=TIMELINE_FROM_MS, bin_ms=bin_ms, deliveries=deliveries.tolist())

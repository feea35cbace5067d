"""The log that the load generator writes while a server meets with a fault: every message that was
sent and received, and every connection that ended and came back (bench/load/src/watch_log.hpp).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chinwag_bench.errors import GeneratorError

EVENT = np.dtype(
    [
        ("what", "<u4"),
        ("connection", "<u4"),
        ("sender", "<u4"),
        ("sequence", "<u4"),
        ("sent_ns", "<i8"),
        ("at_ns", "<i8"),
    ]
)
SENT, RECEIVED, ENDED, BACK, FAULT, BUILD, UNSENT, TOLD = range(8)
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Watched:
    """Of ``connections`` in rooms of ``room_size``, neighbours together; all were members at first.

    ``messages`` are in the order in which they were sent. ``copies[m, p]`` is how many copies of
    message ``m`` the member at place ``p`` of its room got, and ``arrived_ns[m, p]`` when the first
    of them came, 0 for never. Times are of CLOCK_MONOTONIC, in nanoseconds.
    """

    connections: int
    room_size: int
    events: NDArray[np.void]
    messages: NDArray[np.void]
    copies: Ints
    arrived_ns: Ints
    reordered: int
    """Copies that came behind a later message of the same sender."""

    @property
    def end_ns(self) -> int:
        return int(self.events["at_ns"].max())

    @property
    def fault_ns(self) -> int | None:
        """When a connection asked for its fault, for the last time; ``None`` if none did."""
        found = self.of(FAULT)
        return int(found["at_ns"][-1]) if len(found) else None

    def of(self, what: int) -> NDArray[np.void]:
        found: NDArray[np.void] = self.events[self.events["what"] == what]
        return found

    def room_of(self, connection: int) -> range:
        """Its members."""
        first = connection // self.room_size * self.room_size
        return range(first, min(first + self.room_size, self.connections))

    def sent_to(self, connection: int) -> NDArray[np.bool_]:
        """Which messages went to its room."""
        found: NDArray[np.bool_] = (
            self.messages["sender"] // self.room_size == connection // self.room_size
        )
        return found

    def was_member(self, connection: int) -> NDArray[np.bool_]:
        """Whether it was a member, as far as it knew, when each message was sent."""
        changes = self.events[self.events["connection"] == connection]
        member = np.ones(len(self.messages), dtype=np.bool_)
        for change in changes[np.isin(changes["what"], (ENDED, BACK))]:
            member[self.messages["at_ns"] >= change["at_ns"]] = change["what"] == BACK
        return member


def read_log(path: Path, connections: int, room_size: int) -> Watched:
    """Raises ``GeneratorError`` for a log that no sound generator writes."""
    try:
        events = np.fromfile(path, dtype=EVENT)
    except OSError as error:
        raise GeneratorError(f"{path}: the generator's log can't be read: {error}") from error
    return of_events(events, connections, room_size)


def of_events(events: NDArray[np.void], connections: int, room_size: int) -> Watched:
    """Raises ``GeneratorError`` where something was received that nobody had sent there."""
    if not len(events):
        raise GeneratorError("the generator's log of a watch is empty")
    messages = events[events["what"] == SENT]
    received = events[events["what"] == RECEIVED]
    place_of = _places(messages, connections)
    copies = np.zeros((len(messages), room_size), dtype=np.int64)
    arrived = np.full((len(messages), room_size), np.iinfo(np.int64).max)
    rows = _rows(place_of, received, room_size)
    places = received["connection"] % room_size
    np.add.at(copies, (rows, places), 1)
    np.minimum.at(arrived, (rows, places), received["at_ns"])
    arrived[copies == 0] = 0
    return Watched(connections, room_size, events, messages, copies, arrived, _reordered(received))


def _places(messages: NDArray[np.void], connections: int) -> list[Ints]:
    """By sender: the places of its messages, whose sequence numbers count from 0."""
    return [np.flatnonzero(messages["sender"] == sender) for sender in range(connections)]


def _rows(place_of: list[Ints], received: NDArray[np.void], room_size: int) -> Ints:
    """The message of each copy."""
    counts = np.array([len(places) for places in place_of])
    senders, sequences = received["sender"], received["sequence"]
    foreign = senders // room_size != received["connection"] // room_size
    if np.any(senders >= len(place_of)) or np.any(foreign) or np.any(sequences >= counts[senders]):
        raise GeneratorError("a member received what nobody had sent to its room")
    firsts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    flat = np.concatenate(place_of)
    rows: Ints = flat[firsts[senders] + sequences]
    return rows


def _reordered(received: NDArray[np.void]) -> int:
    """Later messages of one sender came first. The log is in the order of arrival."""
    order = np.lexsort((np.arange(len(received)), received["sender"], received["connection"]))
    ordered = received[order]
    late = 0
    pairs = np.stack((ordered["connection"], ordered["sender"]), axis=1)
    changes = np.flatnonzero(np.any(pairs[1:] != pairs[:-1], axis=1)) + 1
    for sequences in np.split(ordered["sequence"].astype(np.int64), changes):
        late += int(np.sum(sequences < np.maximum.accumulate(sequences)))
    return late

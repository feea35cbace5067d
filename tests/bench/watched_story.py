"""Logs of a watch in which the truth is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from chinwag_bench.faults.watched import (
    BACK,
    ENDED,
    EVENT,
    RECEIVED,
    SENT,
    UNSENT,
    Watched,
    of_events,
)

CONNECTIONS, ROOM = 6, 3
STEP_MS, END_MS = 10, 2_000
USUAL_MS = 1
"""A room's next message is 10 or 40 ms away, and takes so long."""

Event = tuple[int, int, int, int, float, float]
"""What, connection, sender, sequence, sent and at; times in ms."""
Copy = tuple[int, int, int, float, float]
"""Receiver, sender, sequence, sent and arrived."""


def ns(ms: float) -> int:
    return int(1_000_000 * ms)


class Story:
    """Members take turns to send a message every 10 ms; each delivery takes 1 ms."""

    def __init__(self) -> None:
        self.away: dict[int, tuple[float, float | None]] = {}
        """By connection: from when, and to when."""
        self.change: Callable[[list[Copy]], list[Copy]] = lambda copies: copies

    def news(self) -> list[Event]:
        """What happens besides."""
        return []

    def told(self) -> Watched:
        sent: list[Event] = []
        copies: list[Copy] = []
        counts = [0] * CONNECTIONS
        for turn in range(END_MS // STEP_MS):
            sender, at = turn % CONNECTIONS, turn * STEP_MS
            if self.is_away(sender, at):
                sent.append((UNSENT, sender, sender, 0, at, at))
                continue
            sent.append((SENT, sender, sender, counts[sender], at, at))
            first = sender // ROOM * ROOM
            copies += [
                (receiver, sender, counts[sender], at, at + USUAL_MS)
                for receiver in range(first, first + ROOM)
                if not self.is_away(receiver, at)
            ]
            counts[sender] += 1
        received = [(RECEIVED, *copy) for copy in self.change(copies)]
        news = [*self.news(), (SENT, 5, 5, counts[5], END_MS, END_MS)]
        for one, (begin, end) in self.away.items():
            news.append((ENDED, one, one, 0, 0, begin))
            if end is not None:
                news.append((BACK, one, one, 0, 0, end))
        events = sorted(sent + received + news, key=lambda event: event[-1])
        rows = [(*head, ns(sent_ms), ns(at_ms)) for *head, sent_ms, at_ms in events]
        return of_events(np.array(rows, dtype=EVENT), CONNECTIONS, ROOM)

    def is_away(self, connection: int, at: float) -> bool:
        begin, end = self.away.get(connection, (END_MS + 1, None))
        return begin <= at and (end is None or at < end)


def once_again_and_late(after_ms: float) -> Callable[[list[Copy]], list[Copy]]:
    """A change: of what is sent then, a copy comes twice, and another one behind later ones."""

    def change(copies: list[Copy]) -> list[Copy]:
        again = next(one for one in copies if one[0] == 1 and one[3] > after_ms)
        late = next(i for i, one in enumerate(copies) if one[0] == 4 and one[3] > after_ms)
        receiver, sender, sequence, sent, arrived = copies[late]
        copies[late] = (receiver, sender, sequence, sent, arrived + 130)
        return [*copies, again]

    return change

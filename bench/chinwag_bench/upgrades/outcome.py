"""What a server's clients saw of an upgrade, from the log of a watch."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from chinwag_bench.faults.outcome import (
    NS_PER_MS,
    UNDER_WAY_NS,
    Deliveries,
    ended_connections,
    slowest,
)
from chinwag_bench.faults.watched import BACK, BUILD, ENDED, RECEIVED, SENT, UNSENT, Ints, Watched
from chinwag_bench.servers.manifest import UpgradeWay

_STAMP_NS = 1_000
"""A delivery's stamp has whole microseconds of when it was sent."""


class UpgradeOutcome(Deliveries, kw_only=True):
    """One upgrade of one server. All times run from its begin."""

    way: UpgradeWay
    happened: str | None = None
    """How it showed; ``None``: it did not, or nothing could prove it."""
    connections: int = 0
    silence_ms: list[float | None] = msgspec.field(default_factory=list)
    """Of each connection: the longest time that it went without a delivery that was due; ``None``
    if it got none any more."""
    lost_connections: int = 0
    """That ended; they came back by the same rule for every server."""
    met_in_place: int | None = None
    """Connections that the new build answers though they never ended; ``None``: it can't be asked.
    """
    on_new_s: list[float | None] | None = None
    """Of each connection: until the new build answers it, for good; ``None`` if it never did, and
    in place of all of them where it can't be asked."""
    reason: str | None = None
    """Why there is nothing, or why the end is not known."""

    @property
    def all_on_new_s(self) -> float | None:
        """Until the new build answers everybody; ``None`` if it never does, or is not asked."""
        return slowest(self.on_new_s or [])

    def silence_at(self, quantile: float) -> float | None:
        """Of the connections' longest silences, in ms; ``None`` where one of them has no end."""
        known = [value for value in self.silence_ms if value is not None]
        if not known or len(known) < len(self.silence_ms):
            return None
        return float(np.quantile(known, quantile, method="higher"))


def judge(
    watched: Watched, began_ns: int, way: UpgradeWay, builds: Sequence[str], new: str | None
) -> UpgradeOutcome:
    """What followed from an upgrade that began at ``began_ns``. ``builds`` are the names that the
    log means by numbers, ``new`` the one that all should meet: ``None`` if builds can't be asked.
    """
    ended = set(ended_connections(watched))
    everybody = range(watched.connections)
    outcome = UpgradeOutcome(
        way=way,
        connections=watched.connections,
        silence_ms=[_silence_ms(watched, began_ns, one) for one in everybody],
        lost_connections=len(ended),
    )
    outcome.count(watched, began_ns)
    if new is not None:
        place = builds.index(new) if new in builds else len(builds)
        outcome.on_new_s = [_met_s(watched, began_ns, one, place) for one in everybody]
        outcome.met_in_place = sum(
            outcome.on_new_s[one] is not None and one not in ended for one in everybody
        )
        if _is_early(watched, began_ns, place):
            outcome.reason = "the new build answered before the upgrade began"
    return outcome


def _silence_ms(watched: Watched, began_ns: int, connection: int) -> float | None:
    """Of everything that was due to it from the begin on, said or left unsaid by a room mate who
    was away: the longest time until it got that or something later.
    """
    due = _due_ns(watched, connection)
    due = due[(due >= began_ns) & (due < watched.end_ns - UNDER_WAY_NS)]
    if not len(due):
        return None
    got = watched.of(RECEIVED)
    got = got[got["connection"] == connection]
    got = got[np.argsort(got["sent_ns"], kind="stable")]
    places = np.searchsorted(got["sent_ns"], due - _STAMP_NS)
    if len(got) == 0 or places.max() == len(got):
        return None
    # The arrival of what was sent then, or of anything that was sent later, if that came first.
    first = np.minimum.accumulate(got["at_ns"][::-1])[::-1]
    return round(float((first[places] - due).max()) / NS_PER_MS, 3)


def _due_ns(watched: Watched, connection: int) -> Ints:
    turns = watched.events[np.isin(watched.events["what"], (SENT, UNSENT))]
    room = turns["sender"] // watched.room_size == connection // watched.room_size
    due: Ints = turns["at_ns"][room]
    return due


def _met_s(watched: Watched, began_ns: int, connection: int, place: int) -> float | None:
    own = watched.events[watched.events["connection"] == connection]
    changes = own[np.isin(own["what"], (ENDED, BACK))]
    answers = own[own["what"] == BUILD]
    is_away = len(changes) > 0 and changes["what"][-1] == ENDED
    if is_away or not len(answers) or answers["sequence"][-1] != place:
        return None
    return round(float(answers["at_ns"][-1] - began_ns) / 1e9, 4)


def _is_early(watched: Watched, began_ns: int, place: int) -> bool:
    answers = watched.of(BUILD)
    return bool(np.any((answers["sequence"] == place) & (answers["at_ns"] < began_ns)))

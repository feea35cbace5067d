"""Which record of a round counts, where it was disturbed and measured again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from chinwag_bench.records import Record

UNWATCHED = {"start"}
"""Metrics whose rounds are over before anything can be said to have disturbed them."""

_OfRound = TypeVar("_OfRound", bound=Record)


def disturbed_by(record: Record) -> list[str]:
    """Why a round counts as disturbed; empty when it ran in peace."""
    if record.__struct_config__.tag in UNWATCHED:
        return []
    reasons = record.disturbance.get("reasons", [])
    return [str(reason) for reason in reasons]


def kept(records: Iterable[_OfRound]) -> list[_OfRound]:
    """One record a round: the latest that nothing disturbed or spoilt, or the latest. In order of
    rounds.
    """
    chosen: dict[int, _OfRound] = {}
    for record in records:
        present = chosen.get(record.round)
        if present is None or _preferred(record, present):
            chosen[record.round] = record
    return [chosen[index] for index in sorted(chosen)]


def _preferred(later: Record, earlier: Record) -> bool:
    """Prefers a good record to a failed one, then peace to disturbance, then what is not spoilt,
    then the later one.
    """

    def rank(record: Record) -> tuple[bool, bool, bool]:
        return record.status == "ok", not disturbed_by(record), not record.spoilt_by()

    return rank(later) >= rank(earlier)

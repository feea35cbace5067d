"""Deliveries around each fault and upgrade, for their charts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from chinwag_bench.clusters.outcome import OutageOutcome
from chinwag_bench.faults.outcome import Outcome, Timeline
from chinwag_bench.judging.evidence import Evidence
from chinwag_bench.judging.matrix import UPGRADE, FaultTimeline
from chinwag_bench.judging.repeats import kept
from chinwag_bench.judging.stats import median
from chinwag_bench.metrics.cluster import ClusterRun
from chinwag_bench.metrics.fault_recovery import (
    HANDLER_FAULTS,
    OTHERS,
    FaultRecovery,
    hears_again_ms,
)
from chinwag_bench.metrics.hot_upgrade import HotUpgrade
from chinwag_bench.upgrades.outcome import UpgradeOutcome


def all_timelines(evidence: Evidence) -> list[FaultTimeline]:
    """By column, then in the order in which a server had its faults; then upgrades, then outages
    of clusters.
    """
    columns = [column.id for column in evidence.run.columns if column.aa_of is None]
    upgrades = [_of_upgrades(evidence, column) for column in columns]
    outages = [line for column in columns for line in _of_outages(evidence, column)]
    return [*_of_faults(evidence), *(line for line in upgrades if line is not None), *outages]


def _of_outages(evidence: Evidence, column: str) -> Iterator[FaultTimeline]:
    records = [
        record for record in kept(evidence.of("cluster", column)) if isinstance(record, ClusterRun)
    ]
    for name in dict.fromkeys(name for record in records for name in record.outcomes):
        outcomes = [record.outcomes[name] for record in records if name in record.outcomes]
        real = [one for one in outcomes if _is_real(one)]
        if real:
            yield _timeline(
                column,
                name,
                [one.timeline for one in real if one.timeline is not None],
                [one.normal_ms for one in real],
                [one.lost_connections for one in real],
                lost=[one.lost for one in real],
            )


def _of_upgrades(evidence: Evidence, column: str) -> FaultTimeline | None:
    outcomes: list[UpgradeOutcome] = [
        record.outcome
        for record in kept(evidence.of("hot_upgrade", column))
        if isinstance(record, HotUpgrade) and record.outcome is not None
    ]
    real = [one for one in outcomes if _is_real(one)]
    if not real:
        return None
    return _timeline(
        column,
        UPGRADE,
        [one.timeline for one in real if one.timeline is not None],
        [one.silence_at(1.0) for one in real],
        [one.lost_connections for one in real],
        way=real[0].way,
    )


def _of_faults(evidence: Evidence) -> list[FaultTimeline]:
    found = []
    for column in evidence.run.columns:
        if column.aa_of is not None:
            continue
        records = [
            record
            for record in kept(evidence.of("fault_recovery", column.id))
            if isinstance(record, FaultRecovery)
        ]
        for fault in dict.fromkeys(name for record in records for name in record.outcomes):
            outcomes = [record.outcomes.get(fault) for record in records]
            real = [one for one in outcomes if one is not None and _is_real(one)]
            if real:
                found.append(
                    _timeline(
                        column.id,
                        fault,
                        [one.timeline for one in real if one.timeline is not None],
                        [hears_again_ms(one, *one.roles) for one in real],
                        others=[hears_again_ms(one, *OTHERS) for one in real]
                        if fault in HANDLER_FAULTS
                        else [None],
                        connections_lost=[
                            sum(role.lost_connections for role in one.roles.values())
                            for one in real
                        ],
                    )
                )
    return found


def _median_of_all(values: Sequence[float | None]) -> float | None:
    return None if None in values else median([ms for ms in values if ms is not None])


def _is_real(outcome: Outcome | UpgradeOutcome | OutageOutcome) -> bool:
    return outcome.happened is not None and outcome.timeline is not None


def _timeline(
    column: str,
    fault: str,
    lines: list[Timeline],
    again: list[float | None],
    connections_lost: list[int],
    others: Sequence[float | None] = (None,),
    way: str = "",
    lost: list[int] | None = None,
) -> FaultTimeline:
    """Each bin has the median of the rounds that lasted so long."""
    bins = [
        median([count for count in counts if count is not None])
        for counts in zip_longest(*(line.deliveries for line in lines))
    ]
    before = -lines[0].begin_ms // lines[0].bin_ms
    # On a machine that stood still just then, nothing came before the fault.
    usual = sum(bins[:before]) / before or max(bins) or 1.0
    return FaultTimeline(
        column=column,
        fault=fault,
        rounds=len(lines),
        begin_ms=lines[0].begin_ms,
        bin_ms=lines[0].bin_ms,
        shares=[round(count / usual, 3) for count in bins],
        all_hear_ms=_median_of_all(again),
        others_hear_ms=_median_of_all(others),
        connections_lost=median([float(count) for count in connections_lost]),
        way=way,
        lost=None if lost is None else median([float(count) for count in lost]),
    )

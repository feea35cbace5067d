"""What a run profile promises of a run's columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import msgspec

from chinwag_bench.records import Column, Record, Run
from chinwag_bench.runs.metric_columns import columns_of
from chinwag_bench.runs.profile import RunProfile, profile_of_run


@dataclass(frozen=True)
class Promise:
    """Records of one kind: which columns are to have them, and how many each."""

    metric: str
    """In whose cells they are measured: it has a table in the profile."""
    kind: type[Record]
    load: str
    columns: list[str]
    count: int


def promised(run: Run) -> list[Promise] | None:
    """``None`` where ``plan.settings`` is no run profile of this kit."""
    try:
        profile = profile_of_run(run.plan.get("settings"))
    except msgspec.ValidationError:
        return None
    return list(_of_profile(profile, run.columns))


def _of_profile(profile: RunProfile, columns: list[Column]) -> Iterator[Promise]:
    for metric, settings in profile.metrics():
        count = settings.rounds(profile.rounds)
        asked = columns_of(profile, metric.name, columns)
        names = [column.id for column in asked if column.status == "ok"]
        for kind, load in product((metric.record, *settings.also()), settings.each_load()):
            yield Promise(metric.name, kind, load, names, count)


def promised_metrics(run: Run) -> set[str]:
    """Those of which a finished run has records; none where nothing tells. What is measured along
    with another metric is not among them: older kits did not do so.
    """
    return {one.metric for one in promised(run) or () if one.columns and one.count}

"""The plan of a run: every cell in order, the sum of their times, and a refusal when that is over
the budget.
"""

from __future__ import annotations

import msgspec

from chinwag_bench.errors import UsageError
from chinwag_bench.metrics.metric import Metric, MetricSettings
from chinwag_bench.runs.metric_columns import targets_of
from chinwag_bench.runs.profile import RunProfile
from chinwag_bench.runs.rounds import shuffled_rounds
from chinwag_bench.servers.catalog import Target
from chinwag_bench.text import minutes


class PlannedCell(msgspec.Struct, frozen=True):
    kind: Metric
    settings: MetricSettings
    round: int
    target: Target
    load: str = ""
    """Of a metric that measures several."""

    @property
    def metric(self) -> str:
        return self.kind.name

    @property
    def seconds(self) -> float:
        """Planned, not measured."""
        return self.settings.planned_s

    @property
    def text(self) -> str:
        """As people read it."""
        load = f"{self.load}, " if self.load else ""
        return f"{self.metric} {load}{self.target.id}, round {self.round}"

    @property
    def key(self) -> tuple[str, str, int, str]:
        return self.metric, self.target.id, self.round, self.load


class Plan(msgspec.Struct):
    profile: RunProfile
    cells: list[PlannedCell]

    @property
    def seconds(self) -> float:
        return self.once_s + sum(cell.seconds for cell in self.cells)

    @property
    def once_s(self) -> float:
        """Of what is measured before the cells, once."""
        return self.profile.floor.planned_s if self.profile.floor else 0.0

    def of(self, metric: str) -> list[PlannedCell]:
        return [cell for cell in self.cells if cell.metric == metric]

    def seconds_after(self, metric: str) -> float:
        """Of the metrics that come after this one."""
        names = [kind.name for kind, _ in self.profile.metrics()]
        later = names[names.index(metric) + 1 :]
        return sum(cell.seconds for cell in self.cells if cell.metric in later)

    def summary(self) -> list[tuple[str, int, float]]:
        """(metric, cells, seconds), in the order of measuring."""
        once = [("floor", 1, self.once_s)] if self.profile.floor else []
        return once + [
            (metric.name, len(cells), sum(cell.seconds for cell in cells))
            for metric, _ in self.profile.metrics()
            if (cells := self.of(metric.name))
        ]

    def check_budget(self) -> None:
        """Raises ``UsageError`` when the planned time is over the profile's budget."""
        if self.seconds <= self.profile.budget_s:
            return
        parts = ", ".join(f"{name} {seconds:.0f} s" for name, _, seconds in self.summary())
        raise UsageError(
            f"the plan takes {minutes(self.seconds)}, the budget of profile {self.profile.name} is "
            f"{minutes(self.profile.budget_s)} ({parts})",
            hint="name fewer columns with --servers, or use a profile with a larger budget_s",
        )


def make_plan(profile: RunProfile, targets: list[Target], seed: int) -> Plan:
    """All cells, in the metrics' order."""
    cells = [
        PlannedCell(metric, settings, number, target, load)
        for metric, settings in profile.metrics()
        for load in settings.each_load()
        for number, target in shuffled_rounds(
            targets_of(profile, metric.name, targets),
            settings.rounds(profile.rounds),
            seed,
            f"{metric.name} {load}".strip(),
        )
    ]
    return Plan(profile, cells)

"""Measures a plan, metric by metric, and writes each record at once."""

from __future__ import annotations

import time

from chinwag_bench.errors import GeneratorError, ServerError
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.machine.disturbance import Disturbance, between, take_snapshot
from chinwag_bench.metrics.cell import Place, Site
from chinwag_bench.metrics.metric import Metric, MetricSettings, Visit
from chinwag_bench.progress import Reporter
from chinwag_bench.records import Raw
from chinwag_bench.runs.outcome import describe
from chinwag_bench.runs.plan import Plan, PlannedCell
from chinwag_bench.runs.rawlog import metric_of
from chinwag_bench.runs.store import RunStore

_ATTEMPTS_MAX = 2


class Runner:
    """Goes through a plan cell by cell and writes each record at once. Cells found on disk are not
    measured again.
    """

    def __init__(
        self,
        *,
        store: RunStore,
        site: Site,
        plan: Plan,
        loads: dict[str, LoadProfile],
        reporter: Reporter,
    ) -> None:
        self._store = store
        self._site = site
        self._plan = plan
        self._loads = loads
        self._reporter = reporter
        self._records = store.records()
        self._repeats_left = plan.profile.repeats_max - sum(map(_is_repeat, self._records))
        self._planned_done_s = plan.once_s
        self._started = time.monotonic()

    def measure_all(self) -> int:
        """Measures what is left of the plan. Returns the number of failed cells; ``HostError`` ends
        the run.
        """
        done = {(metric_of(record), record.column, record.round) for record in self._records}
        for metric, settings in self._plan.profile.metrics():
            self._prepare(metric, settings)
            for cell in self._plan.of(metric.name):
                if cell.key not in done:
                    self._visit(cell)
                self._planned_done_s += cell.seconds
        self._store.run.finished_at = time.time()
        self._store.save_run()
        return sum(record.status == "failed" for record in self._records)

    def _prepare(self, metric: Metric, settings: MetricSettings) -> None:
        said = metric.prepare and metric.prepare(self._store.run, self._records, settings)
        if said:
            self._store.save_run()
            self._reporter.say("step", said)

    def _visit(self, cell: PlannedCell) -> None:
        """Measures one cell, and once more when it was disturbed and time allows."""
        self._reporter.say(
            "cell",
            f"{cell.metric} {cell.target.id}, round {cell.round}",
            metric=cell.metric,
            column=cell.target.id,
            round=cell.round,
            planned_done_s=self._planned_done_s,
            planned_s=self._plan.seconds,
        )
        for attempt in range(1, _ATTEMPTS_MAX + 1):
            disturbance = self._measure(cell, attempt)
            if not (disturbance.reasons and self._may_repeat(cell)):
                return
            self._repeats_left -= 1
            self._reporter.say(
                "step", f"  again, because disturbed: {'; '.join(disturbance.reasons)}"
            )

    def _measure(self, cell: PlannedCell, attempt: int) -> Disturbance:
        before, started_at = take_snapshot(), time.time()
        visit = Visit(
            place=Place(site=self._site, target=cell.target, round=cell.round, metric=cell.metric),
            settings=cell.settings,
            loads=self._loads,
            run=self._store.run,
            records=self._records,
        )
        try:
            records = cell.kind.measure(visit)
        except (ServerError, GeneratorError) as error:
            kinds = (cell.kind.record, *cell.settings.also())
            records = [_failed(kind, cell, started_at, error.text()) for kind in kinds]
        disturbance = between(before, take_snapshot(), self._plan.profile.limits, attempt)
        for record in records:
            record.disturbance = disturbance.as_json()
        self._store.append_cell(records)
        for record in records:
            self._records.append(record)
            self._reporter.say(
                "warning" if record.status == "failed" else "result",
                describe(record),
                metric=cell.metric,
                column=record.column,
                round=record.round,
                status=record.status,
            )
        return disturbance

    def _may_repeat(self, cell: PlannedCell) -> bool:
        left_s = self._plan.seconds - self._planned_done_s
        spent_s = time.monotonic() - self._started
        return (
            self._repeats_left > 0
            and spent_s + left_s + cell.seconds <= self._plan.profile.budget_s
        )


def _failed(kind: type[Raw], cell: PlannedCell, started_at: float, reason: str) -> Raw:
    return kind(
        column=cell.target.id,
        round=cell.round,
        started_at=started_at,
        seconds=time.time() - started_at,
        status="failed",
        reason=reason,
    )


def _is_repeat(record: Raw) -> bool:
    return bool(record.disturbance.get("attempt", 1) > 1)

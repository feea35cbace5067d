"""Measures a plan: throughput of all, then the common rate, then latency, memory and starts."""

from __future__ import annotations

import time

from chinwag_bench.errors import GeneratorError, ServerError
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.machine.disturbance import Disturbance, between, take_snapshot
from chinwag_bench.metrics import latency, memory, start, throughput
from chinwag_bench.metrics.cell import Place, Site
from chinwag_bench.progress import Reporter
from chinwag_bench.records import Latency, Memory, Raw, Start, Throughput
from chinwag_bench.runs.outcome import describe
from chinwag_bench.runs.plan import METRICS, Plan, PlannedCell
from chinwag_bench.runs.profile import Point
from chinwag_bench.runs.rates import common_rate, sustained_rates
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
        self._planned_done_s = 0.0
        self._started = time.monotonic()

    def measure_all(self) -> int:
        """Measures what is left of the plan. Returns the number of failed cells; ``HostError`` ends
        the run.
        """
        done = {(metric_of(record), record.column, record.round) for record in self._records}
        for metric in METRICS:
            if metric == "latency":
                self._fix_common_rate()
            for cell in self._plan.of(metric):
                if cell.key not in done:
                    self._visit(cell)
                self._planned_done_s += cell.seconds
        self._store.run.finished_at = time.time()
        self._store.save_run()
        return sum(record.status == "failed" for record in self._records)

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
        try:
            records = self._dispatch(cell)
        except (ServerError, GeneratorError) as error:
            records = [_failed(cell, started_at, error.text())]
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

    def _dispatch(self, cell: PlannedCell) -> list[Raw]:
        profile = self._plan.profile
        place = Place(site=self._site, target=cell.target, round=cell.round, metric=cell.metric)
        if cell.metric == "throughput":
            hint = sustained_rates(self._records).get(cell.target.id)
            return [
                throughput.measure(
                    place, self._loads[profile.throughput.load], profile.throughput, hint
                )
            ]
        if cell.metric == "latency":
            own = sustained_rates(self._records).get(cell.target.id)
            rates: dict[Point, float | None] = {
                "common": self._store.run.common_rate_deliveries_per_s,
                "half": own / 2 if own else None,
            }
            return [
                *latency.measure(place, self._loads[profile.latency.load], profile.latency, rates)
            ]
        if cell.metric == "memory":
            return [memory.measure(place, self._loads[profile.memory.load], profile.memory)]
        return [start.measure(place)]

    def _fix_common_rate(self) -> None:
        """Once: a resumed run keeps the rate that its first latencies were taken at."""
        run = self._store.run
        if run.common_rate_deliveries_per_s is not None:
            return
        rates = sustained_rates(self._records)
        run.common_rate_deliveries_per_s = common_rate(
            rates, self._plan.profile.latency.common_deliveries_per_s_min
        )
        if not rates:
            run.notes.append(
                "no column sustained any rate: latency is taken at the lowest common rate"
            )
        self._store.save_run()
        self._reporter.say(
            "step", f"common rate: {run.common_rate_deliveries_per_s:,.0f} deliveries/s"
        )

    def _may_repeat(self, cell: PlannedCell) -> bool:
        left_s = self._plan.seconds - self._planned_done_s
        spent_s = time.monotonic() - self._started
        return (
            self._repeats_left > 0
            and spent_s + left_s + cell.seconds <= self._plan.profile.budget_s
        )


def _failed(cell: PlannedCell, started_at: float, reason: str) -> Raw:
    kinds: dict[str, type[Throughput | Latency | Memory | Start]] = {
        "throughput": Throughput,
        "latency": Latency,
        "memory": Memory,
        "start": Start,
    }
    return kinds[cell.metric](
        column=cell.target.id,
        round=cell.round,
        started_at=started_at,
        seconds=time.time() - started_at,
        status="failed",
        reason=reason,
    )


def _is_repeat(record: Raw) -> bool:
    return bool(record.disturbance.get("attempt", 1) > 1)

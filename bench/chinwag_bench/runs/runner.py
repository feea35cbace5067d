"""Measures a plan, metric by metric, and writes each record at once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from itertools import zip_longest

from chinwag_bench.errors import ChinwagError, GeneratorError, ServerError
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.machine.disturbance import Disturbance, between, take_snapshot
from chinwag_bench.metrics.cell import Place, Site
from chinwag_bench.metrics.metric import Metric, MetricSettings, Visit
from chinwag_bench.progress import Reporter
from chinwag_bench.records import Record
from chinwag_bench.runs.outcome import describe
from chinwag_bench.runs.plan import Plan, PlannedCell
from chinwag_bench.runs.rawlog import metric_of
from chinwag_bench.runs.store import RunStore

_AT_ONCE_MAX = 2
"""Attempts one after the other; what disturbs may last, so further ones come later."""
_NAMED_MAX = 8
_NOTE = "disturbed: "
Key = tuple[str, str, int, str]
"""Metric, column, round, load."""


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
        after_round: Callable[[], None] = lambda: None,
    ) -> None:
        """``after_round`` is called, between two cells, when a round of a metric is through."""
        self._store = store
        self._site = site
        self._plan = plan
        self._loads = loads
        self._reporter = reporter
        self._after_round = after_round
        self._records = store.records()
        allowed = plan.profile.repeats_max
        self._repeats_left = math.inf if allowed == "budget" else allowed - self._repeats()
        self._planned_done_s = plan.once_s
        self._started = time.monotonic() - sum(record.seconds for record in self._records)

    def measure_all(self) -> int:
        """Measures what is left of the plan. Returns the number of failed cells; ``HostError`` ends
        the run.
        """
        done = {_key(record) for record in self._records}
        for metric, settings in self._plan.profile.metrics():
            self._prepare(metric, settings)
            cells = self._plan.of(metric.name)
            left = [cell for cell in cells if cell.key not in done]
            for cell, after in zip_longest(cells, cells[1:]):
                if cell in left:
                    self._visit(cell)
                self._planned_done_s += cell.seconds
                if cell in left and after is not None and _in_another_round(after, cell):
                    self._after_round()
            self._repeat_disturbed(cells)
            self._repeat_spoilt(cells)
            if left:
                self._after_round()
        self._note_disturbed()
        self._store.run.finished_at = time.time()
        self._store.save_run()
        return sum(record.status == "failed" for record in self._records)

    def _repeat_disturbed(self, cells: Sequence[PlannedCell]) -> None:
        """Goes through a metric's cells that stayed disturbed, again and again, until each was
        quiet once or no repeat is left.
        """
        while disturbed := [cell for cell in cells if self._disturbed_by(cell.key)]:
            for cell in disturbed:
                if not self._may_repeat(cell):
                    return
                self._repeats_left -= 1
                self._announce(cell, " (again: it was disturbed)")
                self._measure(cell, self._attempts(cell.key) + 1)

    def _repeat_spoilt(self, cells: Sequence[PlannedCell]) -> None:
        """Measures a cell once more where a record of it is spoilt. No oftener: on a quiet machine
        what comes twice is the server's own way.
        """
        for cell in cells:
            reasons = self._spoilt_by(cell)
            if reasons and self._attempts(cell.key) == 1 and self._may_repeat(cell):
                self._repeats_left -= 1
                self._announce(cell, f" (again: {'; '.join(reasons)})")
                self._measure(cell, attempt=2)

    def _spoilt_by(self, cell: PlannedCell) -> list[str]:
        """Of the cell's records, also those that other metrics have of it."""
        kinds = (cell.kind.record, *cell.settings.also())
        place = cell.target.id, cell.round, cell.load
        return [
            why
            for record in self._records
            if isinstance(record, kinds) and (record.column, record.round, record.load) == place
            for why in record.spoilt_by()
        ]

    def _disturbed_by(self, key: Key) -> list[str]:
        """Of the cell's last attempt, when none of its attempts was quiet."""
        found = [record.disturbance.get("reasons", []) for record in self._of(key)]
        return [str(reason) for reason in found[-1]] if found and all(found) else []

    def _attempts(self, key: Key) -> int:
        return max((_attempt(record) for record in self._of(key)), default=0)

    def _of(self, key: Key) -> list[Record]:
        return [record for record in self._records if _key(record) == key]

    def _repeats(self) -> int:
        """How many repeats there were, of which each may have written several records."""
        keys = {cell.key for cell in self._plan.cells}
        return sum(max(0, self._attempts(key) - 1) for key in keys)

    def _note_disturbed(self) -> None:
        """Says how many cells were measured again, and which stayed disturbed all the same."""
        repeated = [cell for cell in self._plan.cells if self._attempts(cell.key) > 1]
        left = [(cell, why) for cell in self._plan.cells if (why := self._disturbed_by(cell.key))]
        notes = [note for note in self._store.run.notes if not note.startswith(_NOTE)]
        if repeated or left:
            repeats = self._repeats()
            text = (
                f"{_NOTE}{len(repeated)} of {len(self._plan.cells)} cells were measured again, "
                f"{repeats} repeat{'' if repeats == 1 else 's'} in all; "
                f"{len(left) or 'none'} stayed disturbed"
            )
            named = [f"{cell.text} ({'; '.join(why)})" for cell, why in left[:_NAMED_MAX]]
            more = [f"{len(left) - _NAMED_MAX} more"] if len(left) > _NAMED_MAX else []
            text += f": {', '.join(named + more)}" if left else ""
            notes.append(text)
            self._reporter.say("warning" if left else "step", text)
        self._store.run.notes = notes

    def _prepare(self, metric: Metric, settings: MetricSettings) -> None:
        said = metric.prepare and metric.prepare(self._store.run, self._records, settings)
        if said:
            self._store.save_run()
            self._reporter.say("step", said)

    def _visit(self, cell: PlannedCell) -> None:
        """Measures one cell, and once more when it was disturbed, which the generator's end by
        a signal is, and time allows.
        """
        self._announce(cell)
        for attempt in range(1, _AT_ONCE_MAX + 1):
            disturbance = self._measure(cell, attempt)
            is_last = attempt == _AT_ONCE_MAX
            if is_last or not (disturbance.reasons and self._may_repeat(cell)):
                return
            self._repeats_left -= 1
            self._reporter.say(
                "step", f"  again, because disturbed: {'; '.join(disturbance.reasons)}"
            )

    def _announce(self, cell: PlannedCell, note: str = "") -> None:
        self._reporter.say(
            "cell",
            cell.text + note,
            metric=cell.metric,
            column=cell.target.id,
            round=cell.round,
            planned_done_s=self._planned_done_s,
            planned_s=self._plan.seconds,
        )

    def _measure(self, cell: PlannedCell, attempt: int) -> Disturbance:
        before, started_at = take_snapshot(), time.time()
        failed: ChinwagError | None = None
        visit = Visit(
            place=_place(self._site, cell),
            settings=cell.settings,
            loads=self._loads,
            run=self._store.run,
            records=self._records,
            load_name=cell.load,
        )
        try:
            records = cell.kind.measure(visit)
        except (ServerError, GeneratorError) as error:
            kinds = (cell.kind.record, *cell.settings.also())
            records = [_failed(kind, cell, started_at, error.text()) for kind in kinds]
            failed = error
        disturbance = between(before, take_snapshot(), self._plan.profile.limits, attempt)
        if isinstance(failed, GeneratorError) and failed.by_signal:
            disturbance.reasons.append(failed.message)
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
        """Whether there is a repeat left, and time: what the plan leaves of the budget is shared
        out among the metrics by their planned time, or the first would use it up.
        """
        plan = self._plan
        left_s = plan.seconds - self._planned_done_s
        spent_s = time.monotonic() - self._started
        spare_s = max(0.0, plan.profile.budget_s - plan.seconds)
        later_s = plan.seconds_after(cell.metric)
        reserved_s = spare_s * later_s / plan.seconds if plan.seconds else 0.0
        allowed_s = plan.profile.budget_s - reserved_s
        return self._repeats_left > 0 and spent_s + left_s + cell.seconds <= allowed_s


def _failed(kind: type[Record], cell: PlannedCell, started_at: float, reason: str) -> Record:
    return kind(
        column=cell.target.id,
        round=cell.round,
        started_at=started_at,
        seconds=time.time() - started_at,
        status="failed",
        reason=reason,
        load=cell.load,
    )


def _place(site: Site, cell: PlannedCell) -> Place:
    name = f"{cell.metric}-{cell.load}" if cell.load else cell.metric
    return Place(site=site, target=cell.target, round=cell.round, metric=name)


def _in_another_round(one: PlannedCell, other: PlannedCell) -> bool:
    return (one.load, one.round) != (other.load, other.round)


def _key(record: Record) -> Key:
    return metric_of(record), record.column, record.round, record.load


def _attempt(record: Record) -> int:
    return int(record.disturbance.get("attempt", 1))

"""Throughput: the highest offered rate that a server sustains, found by an ascending staircase."""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import partial

from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.metrics.cell import Bout, Place, bout
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.metrics.metric import Metric, MetricSettings, Visit
from chinwag_bench.metrics.rates import sustained_rates
from chinwag_bench.metrics.staircase import Answer, Kind, Offer, Outcome, climb
from chinwag_bench.metrics.sustained import Failure
from chinwag_bench.records import Step, Throughput

# A server that uses this share of its cores in the step that failed was limited by its CPU.
_SATURATED_SHARE = 0.9


class Settings(MetricSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    load: str
    connections: int
    setup_s: float
    """Allowance for starting the server, connecting and joining; planned, not enforced."""
    seconds: float
    """The staircase's time, the confirming hold included. No step begins that would go beyond it.
    """
    start_deliveries_per_s: float
    cap_deliveries_per_s: float
    approach_factor: float
    approach: HoldSeconds
    ascend: HoldSeconds
    confirm: HoldSeconds

    def hold_of(self, kind: Kind) -> HoldSeconds:
        return {"approach": self.approach, "ascend": self.ascend, "confirm": self.confirm}[kind]

    @property
    def planned_s(self) -> float:
        return self.setup_s + self.seconds

    def loads(self) -> set[str]:
        return {self.load}


class Search:
    """One staircase on one column: makes the offers, keeps the steps, minds the time."""

    def __init__(self, place: Place, load: LoadProfile, settings: Settings) -> None:
        self.steps: list[Step] = []
        self.best: Step | None = None
        self.failure: Failure | None = None
        """Of the last step that failed on the way up."""
        self.failed_step: Step | None = None
        self._settings = settings
        self._open_bout = partial(bout, place, load, settings.connections)
        self._stack = ExitStack()
        self._bout: Bout | None = None
        self._setup_s = 0.0

    def run(self, start: float) -> Outcome:
        """``start`` in deliveries a second."""
        settings = self._settings
        stairs = climb(start, settings.cap_deliveries_per_s, settings.approach_factor)
        with self._stack:
            self._fresh_bout()
            self._deadline = time.monotonic() + settings.seconds
            offer = next(stairs)
            while True:
                try:
                    offer = stairs.send(self._try(offer))
                except StopIteration as end:
                    outcome: Outcome = end.value
                    return outcome

    def _try(self, offer: Offer) -> Answer:
        if not self._has_time(offer):
            return Answer.NO_TIME
        pair = self._bout or self._fresh_bout()
        seconds = self._settings.hold_of(offer.kind)
        step, failure = pair.hold(offer.rate, seconds, f"{offer.kind}-{offer.rate:.0f}")
        self.steps.append(step)
        if failure is None:
            if offer.kind == "confirm":
                self.best = step
            return Answer.SUSTAINED
        if offer.kind != "confirm":
            self.failure, self.failed_step = failure, step
        if step.hold.outstanding_after_drain or step.hold.closes:
            # What an overload leaves behind would be counted against the next step.
            self._bout = None
        spent = "cpu" in step.hold.generator_limits
        return Answer.DOUBTFUL if failure.perhaps_a_burst and not spent else Answer.FAILED

    def _has_time(self, offer: Offer) -> bool:
        """The way up may not use up the time of the hold that confirms its result."""
        needed = self._settings.hold_of(offer.kind).seconds
        needed += 0.0 if self._bout else self._setup_s
        if offer.kind != "confirm":
            needed += self._settings.confirm.seconds + self._setup_s
        return time.monotonic() + needed <= self._deadline

    def _fresh_bout(self) -> Bout:
        """A new server and a new generator in place of the ones before."""
        self._stack.close()
        started = time.monotonic()
        self._bout = self._stack.enter_context(self._open_bout())
        self._setup_s = time.monotonic() - started
        return self._bout


def measure(
    place: Place, load: LoadProfile, settings: Settings, hint: float | None = None
) -> Throughput:
    """One column, one round. ``hint`` is what an earlier round of the column sustained, in
    deliveries a second: it only shortens the way up, which then starts at half of it. Raises
    ``ServerError`` or ``GeneratorError``.
    """
    started_at, started = time.time(), time.monotonic()
    search = Search(place, load, settings)
    outcome = search.run(hint / 2 if hint else settings.start_deliveries_per_s)
    limited_by, lower_bound = limit(search, outcome, len(place.site.cpus.server))
    best = search.best
    return Throughput(
        column=place.target.id,
        round=place.round,
        started_at=started_at,
        seconds=time.monotonic() - started,
        status="ok",
        reason=None if best else _why_none(search),
        profile=load.name,
        connections=settings.connections,
        steps=search.steps,
        best=best,
        limited_by=limited_by,
        lower_bound=lower_bound,
        cpu_us_per_delivery=best.cpu_us_per_delivery if best else None,
    )


def limit(search: Search, outcome: Outcome, server_cores: int) -> tuple[str, bool]:
    """What ended the staircase, and whether the server might have done more."""
    if search.best and search.best.hold.generator_limited:
        return "generator", True
    if outcome.ended in ("cap", "time"):
        return "cap", True
    failed = search.failed_step
    if failed is None or search.failure is None:
        return "cap", True
    if failed.hold.generator_limited or search.failure.kind == "generator":
        return "generator", True
    if failed.server_cpu_s >= _SATURATED_SHARE * server_cores * failed.hold.hold_s:
        return "server", False
    return search.failure.kind, False


def _why_none(search: Search) -> str:
    if not search.steps:
        return "there was no time for a single step"
    why = search.steps[-1].why_not or "the confirming hold had no time left"
    return f"no rate was sustained; last: {why}"


def _visit(visit: Visit) -> list[Throughput]:
    hint = sustained_rates(visit.records).get(visit.place.target.id)
    return [measure(visit.place, visit.load, visit.settings, hint)]


def _describe(record: Throughput) -> str:
    if record.best is None:
        return record.reason or "no rate was sustained"
    cost = f", {record.cpu_us_per_delivery:.2f} us CPU each" if record.cpu_us_per_delivery else ""
    sign = ">= " if record.lower_bound else ""
    rate = f"{sign}{record.best.hold.deliveries_per_s:,.0f} deliveries/s"
    return f"{rate}{cost} (ended by: {record.limited_by})"


METRIC = Metric(record=Throughput, settings=Settings, measure=_visit, describe=_describe)

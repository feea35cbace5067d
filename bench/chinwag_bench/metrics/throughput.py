"""Throughput: the highest offered rate that a server sustains, found by an ascending staircase."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Literal, Protocol

import msgspec

from chinwag_bench.judging.generator_limits import generator_limits
from chinwag_bench.judging.sustained import (
    DEFAULTS,
    Failure,
    SustainedLimits,
    carried_deliveries_per_s,
    find_failure,
    highest_unrefuted,
    offered_deliveries_per_s,
)
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.metrics.cell import Place, bout
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.metrics.metric import Metric, MetricSettings, Visit
from chinwag_bench.metrics.rates import sustained_rates
from chinwag_bench.metrics.spread import Seen, next_rate
from chinwag_bench.metrics.staircase import (
    FLOOR_SHARE,
    STEP,
    Answer,
    Kind,
    Offer,
    Outcome,
    Verdict,
    climb,
)
from chinwag_bench.records import Step, Throughput

StepKind = Literal["warm-up"] | Kind
# A server that uses this share of its cores in the step that failed was limited by its CPU.
_SATURATED_SHARE = 0.9
# Of the next offer: what can do that can do this.
_WARM_UP_SHARE = 0.5
HINTED_BELOW = 1.5
HINTED_FACTOR = STEP**2
"""An approach from near by: one that goes far beyond costs a fresh server."""
# Rungs lie further apart than that; two holds of one rung differ by rounding.
_HIGHER = 1.001
# So many confirming holds must have time after a hold: where a refined ascent ends, one may fail.
_CONFIRMS_AFTER: dict[Kind, int] = {"approach": 1, "ascend": 1, "refine": 2, "confirm": 0}


class Settings(MetricSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    load: str
    connections: int
    setup_s: float
    """Allowance for starting the server, connecting and joining; planned, not enforced."""
    seconds: float
    """The staircase's time, from the warm-up to the confirming hold. No step begins that would go
    beyond it."""
    start_deliveries_per_s: float
    cap_deliveries_per_s: float
    approach_factor: float
    warm_up: HoldSeconds | None = None
    """Before the first hold on a fresh server, at half of that hold's rate: compilers, caches and
    memory touched for the first time are no part of a rate. ``None`` leaves it out."""
    approach: HoldSeconds
    ascend: HoldSeconds
    """Of the holds that refine, too."""
    confirm: HoldSeconds
    sustained: SustainedLimits = DEFAULTS
    spread_p99_ms: tuple[float, ...] = ()
    """Time that is left after the confirmation is spent on holds by which the highest rates within
    these p99 are known to a step."""

    def hold_of(self, kind: StepKind, *, again: bool = False) -> HoldSeconds:
        """``again``: for a second chance, which a longer hold decides."""
        if kind == "warm-up" and self.warm_up is not None:
            return self.warm_up
        if kind == "approach":
            return self.ascend if again else self.approach
        return self.confirm if again or kind == "confirm" else self.ascend

    @property
    def warm_up_s(self) -> float:
        return self.warm_up.seconds if self.warm_up else 0.0

    @property
    def planned_s(self) -> float:
        return self.setup_s + self.seconds

    def loads(self) -> set[str]:
        return {self.load}


class Holding(Protocol):
    """What a search needs of a ``Bout``."""

    def hold(
        self, deliveries_per_s: float, seconds: HoldSeconds, label: str, *, limits: SustainedLimits
    ) -> tuple[Step, Failure | None]: ...


class Search:
    """One staircase on one column: makes the offers, keeps the steps, minds the time."""

    def __init__(
        self,
        settings: Settings,
        open_bout: Callable[[], AbstractContextManager[Holding]],
        generator_cores: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``open_bout`` starts a fresh server with a generator that is connected to it."""
        self.steps: list[Step] = []
        self.best: Step | None = None
        """The confirmed one; without it, what ``unrefuted`` says of the steps."""
        self.outcome = Outcome(None, "time")
        self._settings = settings
        self._open_bout = open_bout
        self._cores = generator_cores
        self._clock = clock
        self._stack = ExitStack()
        self._bout: Holding | None = None
        self._is_cold = True
        self._setup_s = 0.0
        self._deadline = math.inf

    def run(self, start: float, approach_factor: float | None = None) -> Outcome:
        """``start`` in deliveries a second; ``approach_factor`` instead of the settings'."""
        settings = self._settings
        factor = approach_factor or settings.approach_factor
        stairs = climb(start, settings.cap_deliveries_per_s, factor)
        with self._stack:
            self._fresh_bout()
            self._deadline = self._clock() + settings.seconds
            offer = next(stairs)
            while True:
                try:
                    offer = stairs.send(self._try(offer))
                except StopIteration as end:
                    self.outcome = end.value
                    break
            if self.outcome.rate is not None:
                self._spread(start * FLOOR_SHARE)
        if self.best is None and self.outcome.ended == "time":
            self.best = unrefuted(self.steps)
        return self.outcome

    def lowest_failure(self) -> Step | None:
        """The step of the lowest rate above the best that failed."""
        least = self.best.hold.offered_messages_per_s * _HIGHER if self.best else 0.0
        failed = [
            step
            for step in self.steps
            if step.kind != "warm-up"
            and not step.sustained
            and step.hold.offered_messages_per_s > least
        ]
        return min(failed, key=lambda step: step.hold.offered_messages_per_s, default=None)

    def failure_of(self, step: Step) -> Failure | None:
        return find_failure(step.hold, self._settings.sustained)

    def is_generator_limited(self, step: Step) -> bool:
        failure = self.failure_of(step)
        if failure is not None and failure.kind == "generator":
            return True
        return bool(generator_limits(step.hold, self._cores))

    def _try(self, offer: Offer) -> Answer:
        # Of a second chance, the time was seen to when it was given.
        if not self._has_time(offer, 0 if offer.again else _CONFIRMS_AFTER[offer.kind]):
            return Answer(Verdict.NO_TIME)
        self._warm_up(_WARM_UP_SHARE * offer.rate)
        if self._bout is None:
            # Half of it was too much already.
            return Answer(Verdict.FAILED, carried_deliveries_per_s(self.steps[-1].hold))
        step, failure = self._hold(self._bout, offer.kind, offer.rate, again=offer.again)
        if failure is None:
            if offer.kind == "confirm":
                self.best = step
            return Answer(Verdict.SUSTAINED)
        spent = "cpu" in generator_limits(step.hold, self._cores)
        doubtful = failure.perhaps_a_burst and not spent
        # A second chance is worth a hold, but not the time of the last one.
        if doubtful and self._has_time(Offer(offer.kind, offer.rate, again=True), confirms=1):
            return Answer(Verdict.DOUBTFUL, carried_deliveries_per_s(step.hold))
        return Answer(Verdict.FAILED, carried_deliveries_per_s(step.hold))

    def _warm_up(self, rate: float) -> None:
        """Sees to a server that has been warmed up; if it did not keep up, there is none."""
        pair = self._bout or self._fresh_bout()
        if self._is_cold and self._settings.warm_up is not None:
            self._hold(pair, "warm-up", rate)
        self._is_cold = False

    def _hold(
        self, pair: Holding, kind: StepKind, rate: float, *, again: bool = False
    ) -> tuple[Step, Failure | None]:
        seconds = self._settings.hold_of(kind, again=again)
        label = f"{kind}-{rate:.0f}"
        step, failure = pair.hold(rate, seconds, label, limits=self._settings.sustained)
        step = msgspec.structs.replace(step, kind=kind)
        self.steps.append(step)
        if step.hold.outstanding_after_drain or step.hold.closes:
            # What an overload leaves behind would be counted against the next step.
            self._bout = None
        return step, failure

    def _spread(self, floor: float) -> None:
        """Spends the time that is left on rates at which p99 crosses a limit."""
        limits_ms = self._settings.spread_p99_ms
        while (rate := next_rate(_seen(self.steps), limits_ms, floor)) is not None:
            if not self._has_time(Offer("refine", rate), confirms=0):
                return
            self._warm_up(_WARM_UP_SHARE * rate)
            if self._bout is None:
                return
            self._hold(self._bout, "refine", rate)

    def _has_time(self, offer: Offer, confirms: int) -> bool:
        """Whether time is left for the offer and for so many holds that confirm after it."""
        settings = self._settings
        fresh_s = self._setup_s + settings.warm_up_s
        needed = settings.hold_of(offer.kind, again=offer.again).seconds
        needed += settings.confirm.seconds * confirms
        if self._bout is None:
            needed += fresh_s
        elif self._is_cold:
            needed += settings.warm_up_s
        if offer.kind == "approach":
            # It goes so far beyond that its server is not to be used again.
            needed += fresh_s
        return self._clock() + needed <= self._deadline

    def _fresh_bout(self) -> Holding:
        """A new server and a new generator in place of the ones before."""
        self._stack.close()
        started = self._clock()
        self._bout = self._stack.enter_context(self._open_bout())
        self._is_cold = True
        self._setup_s = self._clock() - started
        return self._bout


def _seen(steps: list[Step]) -> list[Seen]:
    return [
        Seen(
            offered_deliveries_per_s(step.hold),
            step.hold.latency_ms["p99"] if step.sustained else math.inf,
        )
        for step in steps
        if step.kind != "warm-up"
    ]


def unrefuted(steps: list[Step]) -> Step | None:
    """The highest rate that was sustained, below every rate that a hold at least as long failed at;
    ``None`` without one. A warm-up counts: a server that is cold can do no more.
    """
    return highest_unrefuted(steps, lambda step: step.sustained)


def first_rate(place: Place, settings: Settings, hint: float | None) -> float:
    """Where a round's grid starts: a little below the ``hint``, shifted by less than a step so that
    no two rounds hold the same rates. The run's seed, the round and the column decide.
    """
    draw = random.Random(f"{place.site.seed} {place.round} {place.target.id}").random()
    start = hint / HINTED_BELOW if hint else settings.start_deliveries_per_s
    return start * float(STEP**draw)


def search_on(place: Place, load: LoadProfile, settings: Settings) -> Search:
    """A search on real servers of a column."""
    return Search(
        settings,
        lambda: bout(place, load, settings.connections),
        len(place.site.cpus.generator),
    )


def measure(
    place: Place, load: LoadProfile, settings: Settings, hint: float | None = None
) -> Throughput:
    """One column, one round. ``hint`` is what an earlier round of the column sustained, in
    deliveries a second: it only shortens the way up, which then starts below it and goes up by
    less. Raises ``ServerError`` or ``GeneratorError``.
    """
    started_at, started = time.time(), time.monotonic()
    search = search_on(place, load, settings)
    search.run(first_rate(place, settings, hint), HINTED_FACTOR if hint else None)
    record = Throughput(
        column=place.target.id,
        round=place.round,
        started_at=started_at,
        seconds=time.monotonic() - started,
        status="ok",
        profile=load.name,
        connections=settings.connections,
    )
    return report(search, record, len(place.site.cpus.server))


def report(search: Search, record: Throughput, server_cores: int) -> Throughput:
    """``record`` with what the search found."""
    best, failed = search.best, search.lowest_failure()
    limited_by, lower_bound = limit(search, server_cores)
    by_server = failed is not None and not search.is_generator_limited(failed)
    return msgspec.structs.replace(
        record,
        reason=_reason(search),
        steps=search.steps,
        best=best,
        limited_by=limited_by,
        lower_bound=lower_bound,
        failed_at=offered_deliveries_per_s(failed.hold) if failed and by_server else None,
        cpu_us_per_delivery=best.cpu_us_per_delivery if best else None,
    )


def limit(search: Search, server_cores: int) -> tuple[str, bool]:
    """What ended the staircase, and whether the server might have done more."""
    if search.best and search.is_generator_limited(search.best):
        return "generator", True
    if search.outcome.ended in ("cap", "time"):
        return search.outcome.ended, True
    failed = search.lowest_failure()
    if failed is None:
        return "cap", True
    failure = search.failure_of(failed)
    if failure is None or search.is_generator_limited(failed):
        return "generator", True
    if failed.server_cpu_s >= _SATURATED_SHARE * server_cores * failed.hold.hold_s:
        return "server", False
    return failure.kind, False


def _reason(search: Search) -> str | None:
    """Why there is no confirmed rate."""
    if search.outcome.rate is not None:
        return None
    if not search.steps:
        return "there was no time for a single step"
    if search.best is not None:
        return "time ran out before a confirmation: the highest rate that no longer hold refuted"
    why = next((step.why_not for step in reversed(search.steps) if step.why_not), None)
    return f"no rate was sustained; last: {why or 'no time was left'}"


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

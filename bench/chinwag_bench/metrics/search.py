"""A search for the highest offered rate that a server sustains: an ascending staircase of holds on
real servers.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Literal, Protocol, TypeVar

import msgspec

from chinwag_bench.judging.rules import Rules, cores_in_reach
from chinwag_bench.judging.searches import (
    LONG_ENOUGH_S,
    ended_by,
    failed_above,
    highest_unrefuted,
    is_of_rate,
    result_of,
)
from chinwag_bench.judging.sustained import (
    DEFAULTS,
    Failure,
    SustainedLimits,
    carried_deliveries_per_s,
    offered_deliveries_per_s,
)
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.metrics.cell import Place, bout
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.metrics.metric import MetricSettings
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
from chinwag_bench.records import OPEN_ENDS, Hold, Searched, Step

Found = TypeVar("Found", bound=Searched)
StepKind = Literal["warm-up", "whole"] | Kind
# Of the next offer: what can do that can do this.
_WARM_UP_SHARE = 0.5
HINTED_BELOW = 1.5
HINTED_FACTOR = STEP**2
"""An approach from near by: one that goes far beyond costs a fresh server."""
# What is counted by length is once read whole, at half of the rate that was found, or at what one
# generator core reads whole with ease.
_WHOLE_SHARE = 0.5
_WHOLE_DELIVERIES_PER_S_MAX = 1_000_000.0
_EASY_SHARE = 0.01
"""A p99 of this share of its limit is far from it."""
# So many confirming holds must have time after a hold: where a refined ascent ends, one may fail.
_CONFIRMS_AFTER: dict[Kind, int] = {"approach": 1, "ascend": 1, "refine": 2, "confirm": 0}


class SearchSettings(MetricSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What searches for the highest sustained rate have in common."""

    connections: int
    setup_s: float
    """Allowance for starting the server, connecting and joining; planned, not enforced."""
    seconds: float
    """The staircase's time, from the warm-up to the confirming hold. No step begins that would go
    beyond it."""
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


class Holding(Protocol):
    """What a search needs of a ``Bout``."""

    def hold(
        self,
        deliveries_per_s: float,
        seconds: HoldSeconds,
        label: str,
        *,
        limits: SustainedLimits,
        parse_every: int = 0,
    ) -> tuple[Step, Failure | None]: ...


class Search:
    """One staircase on one column: makes the offers, keeps the steps, minds the time."""

    def __init__(
        self,
        settings: SearchSettings,
        open_bout: Callable[[], AbstractContextManager[Holding]],
        generator_cores: int,
        server_cores: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``open_bout`` starts a fresh server with a generator that is connected to it;
        ``server_cores`` are as many as the server can use.
        """
        self.rules = Rules(settings.sustained, generator_cores, server_cores)
        self.steps: list[Step] = []
        self.best: Step | None = None
        """The confirmed one; without it, what ``highest_unrefuted`` says of the steps."""
        self.outcome = Outcome(None, "time")
        self.not_whole: Step | None = None
        """Where every delivery was read, some were not as sent: the rate is not confirmed."""
        self._settings = settings
        self._open_bout = open_bout
        self._cores = generator_cores
        self._clock = clock
        self._stack = ExitStack()
        self._bout: Holding | None = None
        self._is_cold = True
        self._setup_s = 0.0
        self._deadline = math.inf

    def run(
        self, start: float, approach_factor: float | None = None, before: Sequence[Step] = ()
    ) -> Outcome:
        """``start`` in deliveries a second; ``approach_factor`` instead of the settings'.
        ``before`` are the steps of earlier rounds, which tell where p99 crosses its limits.
        """
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
            if self.best is not None:
                self._spread(start * FLOOR_SHARE, _seen(before))
        if self.best is None and self.not_whole is None:
            self.best = highest_unrefuted(self.steps, self.rules)
        return self.outcome

    def _try(self, offer: Offer) -> Answer:
        if self.not_whole is not None:
            return Answer(Verdict.NO_TIME)
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
                self._read_whole(step)
            p99_ms_max = self._settings.sustained.p99_ms_max
            easy = step.hold.latency_ms["p99"] <= _EASY_SHARE * p99_ms_max
            return Answer(Verdict.SUSTAINED, was_easy=easy)
        doubtful = failure.perhaps_a_burst and not self.rules.is_limited(step)
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

    def _read_whole(self, best: Step) -> None:
        """Once, of a rate that was confirmed while deliveries were counted by length: one more
        hold, at a lower rate, of which every delivery is read. If some were lost, repeated,
        reordered or changed in it, the search is over and has no result.
        """
        if not self._is_whole_due():
            return
        most = _WHOLE_DELIVERIES_PER_S_MAX * self._cores
        rate = min(_WHOLE_SHARE * offered_deliveries_per_s(best.hold), most)
        if not self._has_time(Offer("ascend", rate), confirms=0, then_whole=False):
            return
        self._warm_up(_WARM_UP_SHARE * rate)
        if self._bout is None:
            return
        step, _ = self._hold(self._bout, "whole", rate)
        if self.rules.is_not_whole(step):
            self.best, self.not_whole = None, step

    def _hold(
        self, pair: Holding, kind: StepKind, rate: float, *, again: bool = False
    ) -> tuple[Step, Failure | None]:
        seconds = self._settings.hold_of(kind, again=again)
        step, failure = pair.hold(
            rate,
            seconds,
            f"{kind}-{rate:.0f}",
            limits=self._settings.sustained,
            parse_every=1 if kind == "whole" else 0,
        )
        step = msgspec.structs.replace(step, kind=kind)
        self.steps.append(step)
        hold = step.hold
        if hold.outstanding_after_drain or hold.closes or hold.duplicated or hold.corrupted:
            # What an overload leaves behind would be counted against the next step, and so would a
            # connection whose bytes are not what was due to it.
            self._bout = None
        return step, failure

    def _spread(self, floor: float, before: list[Seen]) -> None:
        """Spends the time that is left on rates at which p99 crosses a limit."""
        limits_ms = self._settings.spread_p99_ms
        while (rate := next_rate(_seen(self.steps), limits_ms, floor, before)) is not None:
            if not self._has_time(Offer("refine", rate), confirms=0):
                return
            self._warm_up(_WARM_UP_SHARE * rate)
            if self._bout is None:
                return
            self._hold(self._bout, "refine", rate)

    def _has_time(self, offer: Offer, confirms: int, *, then_whole: bool = True) -> bool:
        """Whether time is left for the offer and for so many holds that confirm after it, and for
        the one that is read whole.
        """
        settings = self._settings
        fresh_s = self._setup_s + settings.warm_up_s
        needed = settings.hold_of(offer.kind, again=offer.again).seconds
        needed += settings.confirm.seconds * confirms
        whole_follows = then_whole and self._is_whole_due()
        if whole_follows:
            needed += settings.hold_of("whole").seconds
        if self._bout is None:
            needed += fresh_s
        elif self._is_cold:
            needed += settings.warm_up_s
        # An approach goes so far beyond that its server is not to be used again, and an ascent may.
        # After a confirmation that held, the same server is read whole.
        if offer.kind == "approach" or (whole_follows and offer.kind != "confirm"):
            needed += fresh_s
        return self._clock() + needed <= self._deadline

    def _is_whole_due(self) -> bool:
        """Something was counted, and the hold that is read whole still has to come."""
        return any(_was_counted(step) for step in self.steps) and not any(
            step.kind == "whole" for step in self.steps
        )

    def _fresh_bout(self) -> Holding:
        """A new server and a new generator in place of the ones before."""
        self._stack.close()
        started = self._clock()
        self._bout = self._stack.enter_context(self._open_bout())
        self._is_cold = True
        self._setup_s = self._clock() - started
        return self._bout


def _was_counted(step: Step) -> bool:
    """Most of its deliveries were counted by length, not read."""
    return step.hold.parsed is not None and step.hold.parsed < step.hold.delivered


def _seen(steps: Sequence[Step]) -> list[Seen]:
    return [
        Seen(
            offered_deliveries_per_s(step.hold),
            step.hold.latency_ms["p99"] if step.sustained else math.inf,
            is_long=step.hold.hold_s >= LONG_ENOUGH_S,
        )
        for step in steps
        if is_of_rate(step)
    ]


def first_rate(place: Place, start: float, hint: float | None) -> float:
    """Where a round's grid starts: at ``start``, in deliveries a second, or a little below the
    ``hint``, shifted by less than a step so that no two rounds hold the same rates. The run's seed,
    the round and the column decide.
    """
    draw = random.Random(f"{place.site.seed} {place.round} {place.target.id}").random()
    begin = hint / HINTED_BELOW if hint else start
    return begin * float(STEP**draw)


def search_on(
    place: Place, load: LoadProfile, settings: SearchSettings, connections: int
) -> Search:
    """A search on real servers of a column."""
    cpus = place.site.cpus
    server_cores = cores_in_reach(place.target.threads, len(cpus.server))
    return Search(
        settings, lambda: bout(place, load, connections), len(cpus.generator), server_cores
    )


def report(search: Search, record: Found) -> Found:
    """``record`` with what the search found."""
    best = search.best
    found = msgspec.structs.replace(
        record,
        reason=_reason(search),
        steps=search.steps,
        best=best,
        stopped_by=search.outcome.ended,
        cpu_us_per_delivery=best.cpu_us_per_delivery if best else None,
    )
    # What a reader is told is the judge's word: one rule for both.
    limited_by = ended_by(found, search.rules)
    failed = failed_above(found, result_of(found, search.rules), search.rules)
    return msgspec.structs.replace(
        found,
        limited_by=limited_by,
        lower_bound=limited_by in OPEN_ENDS,
        failed_at=offered_deliveries_per_s(failed.hold) if failed else None,
    )


def _reason(search: Search) -> str | None:
    """Why there is no confirmed rate."""
    if search.not_whole is not None:
        return f"where every delivery was read: {_faults_of(search.not_whole.hold)}"
    if search.outcome.rate is not None:
        return None
    if not search.steps:
        return "there was no time for a single step"
    if search.best is not None:
        ended = search.outcome.ended == "time"
        what = "time ran out before a confirmation" if ended else "no hold confirmed a rate"
        return f"{what}: the highest rate that no longer hold refuted"
    why = next((step.why_not for step in reversed(search.steps) if step.why_not), None)
    return f"no rate was sustained; last: {why or 'no time was left'}"


def describe(record: Searched) -> str:
    """In a few words, for the progress output."""
    if record.best is None:
        return record.reason or "no rate was sustained"
    cost = f", {record.cpu_us_per_delivery:.2f} us CPU each" if record.cpu_us_per_delivery else ""
    sign = ">= " if record.lower_bound else ""
    rate = f"{sign}{record.best.hold.deliveries_per_s:,.0f} deliveries/s"
    return f"{rate}{cost} (ended by: {record.limited_by})"


def _faults_of(hold: Hold) -> str:
    names = ("lost", "duplicated", "reordered", "corrupted")
    counts = {name: getattr(hold, name) for name in names}
    listed = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return f"of {hold.expected} deliveries {listed or 'some came after the hold'}"

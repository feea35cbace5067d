"""A server of known capacity on simulated time, under the load generator's schedule: a queue whose
messages are served in turn, and the holds that a generator would report of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec
import numpy as np
from chinwag_bench.judging.sustained import find_failure
from chinwag_bench.records import DelayBins, Hold, Step
from numpy.typing import NDArray

Times = NDArray[np.float64]
Law = Callable[[np.random.Generator, Times], Times]
"""Deliveries of each message -> what each costs, 1 a delivery on average."""

ROOM = 100
DELIVERIES_PER_MESSAGE = (ROOM + 1) / 2
SETUP_S = 0.8
LEAD_S = 0.005
BETWEEN_S = 0.15
"""From the end of a hold to the begin of the next: reports, and the generator's next plan."""
QUIET_S = 0.1
BIN_S_MAX = 0.1
GENERATOR_US_PER_DELIVERY = 0.5


def constant(_: np.random.Generator, deliveries: Times) -> Times:
    return deliveries


def exponential(rng: np.random.Generator, deliveries: Times) -> Times:
    """Each delivery's own time is exponential."""
    return rng.gamma(deliveries)


def lognormal(rng: np.random.Generator, deliveries: Times) -> Times:
    """A message's deliveries are slow or fast together."""
    sigma = 0.5
    return deliveries * rng.lognormal(-(sigma**2) / 2, sigma, len(deliveries))


@dataclass
class Pauses:
    """Serves nothing for ``length_s``, once in ``every_s``, from ``first_s`` on."""

    every_s: float
    length_s: float
    first_s: float = 0.0

    @property
    def open_share(self) -> float:
        return 1 - self.length_s / self.every_s

    def worked_until(self, at_s: Times) -> Times:
        """How much of the time up to then was no pause."""
        since = at_s - self.first_s
        whole = np.floor(since / self.every_s)
        within = since - whole * self.every_s
        open_s = self.every_s - self.length_s
        return whole * open_s + np.maximum(0.0, within - self.length_s)

    def when_worked(self, worked_s: Times) -> Times:
        """The earliest time by which so much was no pause."""
        open_s = self.every_s - self.length_s
        whole = np.ceil(worked_s / open_s) - 1
        return self.first_s + worked_s + (whole + 1) * self.length_s


@dataclass
class Clock:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class SimulatedServer:
    """Serves exactly ``capacity`` deliveries a second while it has work, by ``law``; its pauses are
    made up for in between. ``batch``: takes so many waiting messages at once, and ``batch_share``
    of a full batch's time is the same for a batch of one.
    """

    capacity: float
    rng: np.random.Generator
    law: Law = constant
    pauses: Pauses | None = None
    batch: int = 1
    batch_share: float = 0.0
    stalls_s: list[tuple[float, float]] = field(default_factory=list)
    """Extraordinary pauses: when, and how long. Never made up for."""
    free_at_s: float = 0.0
    counted_from: float = math.inf
    """Deliveries a second from which the generator counts most of them by length."""
    late_from: float = math.inf
    """Deliveries a second from which half of each delay is the generator's."""
    reorders: bool = False
    """Which is seen where a delivery is read."""

    def finish(self, planned_s: Times, deliveries: Times) -> Times:
        """When each message is delivered."""
        costs = self.law(self.rng, deliveries) / self.capacity
        costs = self._with_stalls(planned_s, costs)
        if self.batch > 1:
            return self._in_batches(planned_s, costs)
        if self.pauses is None:
            done = _queue(planned_s, costs, self.free_at_s)
        else:
            arrived = self.pauses.worked_until(planned_s)
            free = self.pauses.worked_until(np.array([self.free_at_s]))[0]
            done = _queue(arrived, costs * self.pauses.open_share, free)
            done = self.pauses.when_worked(done)
        self.free_at_s = float(done[-1])
        return done

    def _with_stalls(self, planned_s: Times, costs: Times) -> Times:
        """The message that is next when a stall begins takes so much longer."""
        for at_s, length_s in self.stalls_s:
            if planned_s[0] <= at_s <= planned_s[-1]:
                costs = costs.copy()
                costs[np.searchsorted(planned_s, at_s)] += length_s
        return costs

    def _in_batches(self, planned_s: Times, costs: Times) -> Times:
        overhead = self.batch_share * self.batch * DELIVERIES_PER_MESSAGE / self.capacity
        done = np.empty_like(planned_s)
        at, first = self.free_at_s, 0
        while first < len(planned_s):
            at = max(at, float(planned_s[first]))
            waiting = int(np.searchsorted(planned_s, at, side="right"))
            last = min(max(waiting, first + 1), first + self.batch)
            at += overhead + (1 - self.batch_share) * float(costs[first:last].sum())
            done[first:last] = at
            first = last
        self.free_at_s = at
        return done


def _queue(arrived_s: Times, costs: Times, free_at_s: float) -> Times:
    """Served in turn: a message begins when it is there and the one before is done."""
    total = np.cumsum(costs)
    earliest = np.maximum(arrived_s, free_at_s)
    return total + np.maximum.accumulate(earliest - (total - costs))


@dataclass
class SimulatedBout:
    """What ``Search`` needs of a bout: each hold moves the clock on and no real time passes."""

    server: SimulatedServer
    clock: Clock

    def hold(self, deliveries_per_s, seconds, label, *, limits, parse_every=0):
        assert " " not in label
        hold = self._measured(deliveries_per_s, seconds)
        counted = parse_every == 0 and deliveries_per_s >= self.server.counted_from
        parsed = hold.delivered // 8 if counted else hold.delivered
        reordered = 3 if self.server.reorders and not counted else 0
        hold = msgspec.structs.replace(hold, parsed=parsed, reordered=reordered)
        failure = find_failure(hold, limits)
        cpu_s = min(hold.hold_s, hold.delivered / self.server.capacity)
        step = Step(
            hold=hold,
            server_cpu_s=cpu_s,
            cpu_us_per_delivery=cpu_s * 1e6 / hold.delivered if hold.delivered else None,
            sustained=failure is None,
            why_not=failure.text if failure else None,
        )
        return step, failure

    def _measured(self, deliveries_per_s, seconds) -> Hold:
        rate = deliveries_per_s / DELIVERIES_PER_MESSAGE
        start_s = self.clock.now_s + BETWEEN_S + LEAD_S
        begin_s = start_s + seconds.warmup_s
        end_s = begin_s + seconds.hold_s
        planned = start_s + np.arange(math.ceil((end_s - start_s) * rate)) / rate
        deliveries = np.where(np.arange(len(planned)) % 2 == 0, float(ROOM), 1.0)
        done = self.server.finish(planned, deliveries)
        drained_s = end_s + seconds.drain_s
        self.clock.now_s = max(end_s, min(drained_s, float(done[-1]) + QUIET_S))
        now_s = self.clock.now_s
        hold = _report(rate, seconds.hold_s, begin_s, planned, deliveries, done, now_s)
        if deliveries_per_s < self.server.late_from:
            return hold
        lag_ms = {name: hold.latency_ms[name] / 2 for name in ("p50", "p99", "max")}
        return msgspec.structs.replace(hold, receive_lag_ms=lag_ms)


def _report(
    rate: float,
    hold_s: float,
    begin_s: float,
    planned: Times,
    deliveries: Times,
    done: Times,
    over_s: float,
) -> Hold:
    end_s = begin_s + hold_s
    own = planned >= begin_s
    came = own & (done <= over_s)
    weights, delays = deliveries[came], (done - planned)[came] * 1000
    in_window = float(deliveries[(done >= begin_s) & (done < end_s)].sum())
    expected, delivered = float(deliveries[own].sum()), float(weights.sum())
    per_s = min(in_window, expected) / hold_s
    bins = _bins(planned[came] - begin_s, weights, delays, hold_s, math.ceil(hold_s / BIN_S_MAX))
    quarters = _bins(planned[came] - begin_s, weights, delays, hold_s, 4)
    lag = {"p50": 0.01, "p99": 0.05, "max": 0.2}
    return Hold(
        offered_messages_per_s=rate,
        hold_s=hold_s,
        sent=int(own.sum()),
        expected=round(expected),
        delivered=round(delivered),
        lost=round(expected - delivered),
        duplicated=0,
        reordered=0,
        corrupted=0,
        messages_per_s=float(own.sum()) / hold_s,
        deliveries_per_s=per_s,
        latency_ms=_latency_ms(weights, delays),
        quarter_mean_ms=quarters.mean_ms,
        outstanding_after_drain=round(expected - delivered),
        send_lag_ms=lag,
        receive_lag_ms=lag,
        generator_cpu=per_s * GENERATOR_US_PER_DELIVERY / 1e6,
        generator_limited=False,
        generator_limits=[],
        little={},
        closes={},
        wire_bytes_per_delivery=1100.0,
        delay_bins=bins,
    )


def _latency_ms(weights: Times, delays: Times) -> dict[str, float]:
    if not len(delays):
        return dict.fromkeys(("mean", "p50", "p90", "p99", "p99_9", "max"), 0.0)
    order = np.argsort(delays)
    reached = np.cumsum(weights[order]) / weights.sum()
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99_9": 0.999}
    return {
        "mean": float(np.average(delays, weights=weights)),
        **{name: float(delays[order[np.searchsorted(reached, q)]]) for name, q in shares.items()},
        "max": float(delays.max()),
    }


def _bins(at_s: Times, weights: Times, delays: Times, hold_s: float, count: int) -> DelayBins:
    index = np.minimum((at_s / hold_s * count).astype(int), count - 1)
    total = np.bincount(index, weights, count)
    summed = np.bincount(index, weights * delays, count)
    means = np.divide(summed, total, out=np.zeros(count), where=total > 0)
    return DelayBins(
        bin_s=hold_s / count, deliveries=total.round().astype(int).tolist(), mean_ms=means.tolist()
    )


def opener(make: Callable[[float], SimulatedServer], clock: Clock):
    """For ``Search``: starts a server, made for the moment of its start, and takes a while."""

    @contextmanager
    def open_bout() -> Iterator[SimulatedBout]:
        clock.now_s += SETUP_S
        server = make(clock.now_s)
        server.free_at_s = clock.now_s
        yield SimulatedBout(server, clock)

    return open_bout

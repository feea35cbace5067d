"""Whole searches on simulated servers and time: what they say of their end, and what they hold."""

import math
import random
from itertools import pairwise
from statistics import median
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
from chinwag_bench.judging.generator_limits import CPU_SHARE_MAX
from chinwag_bench.judging.rules import Rules
from chinwag_bench.judging.searches import ended_by, result_of
from chinwag_bench.judging.sustained import (
    GROWTH_SHARE_MAX,
    find_failure,
    offered_deliveries_per_s,
)
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.metrics.search import (
    HINTED_FACTOR,
    Search,
    first_rate,
    report,
)
from chinwag_bench.metrics.staircase import STEP, Outcome
from chinwag_bench.metrics.throughput import Throughput
from chinwag_bench.runs.profile import load_run_profile

from . import simulated_server
from .result_builder import HOLD_S, LATE, hold, step_of
from .simulated_server import (
    SETUP_S,
    Clock,
    Pauses,
    SimulatedServer,
    constant,
    exponential,
    lognormal,
    opener,
)

QUICK = load_run_profile("quick").throughput
EMPTY = Throughput(column="simulated", round=1, started_at=0.0, seconds=0.0, status="ok")
RULES = Rules(QUICK.sustained, generator_cores=1, server_cores=1)
ACCURACY = 0.05
RUNS = 40
MOST_RUNS = 0.95
"""So many are as accurate as that."""
CELLS = 60
ROUNDS = 3
MOST_HELD = 1 + GROWTH_SHARE_MAX


def steady(law):
    return lambda capacity, rng, _: SimulatedServer(capacity, rng, law=law)


def pausing(capacity, rng, now_s):
    """A collector that stops the world for 40 ms every 2 s, at any phase."""
    pauses = Pauses(every_s=2.0, length_s=0.04, first_s=now_s - rng.uniform(0, 2))
    return SimulatedServer(capacity, rng, pauses=pauses)


def late_generator(capacity, rng, _):
    return SimulatedServer(capacity, rng, late_from=1_700_000)


def batching(capacity, rng, _):
    return SimulatedServer(capacity, rng, batch=64, batch_share=0.3)


SERVERS = {
    "constant": steady(constant),
    "exponential": steady(exponential),
    "lognormal": steady(lognormal),
    "pausing": pausing,
    "batching": batching,
}


def search(make, capacity, seed=1, *, hint=None, settings=QUICK, shift=None):
    """One search; returns it, its record and the seconds that it took."""
    rng, clock = np.random.default_rng(seed), Clock()
    found = Search(settings, opener(lambda now_s: make(capacity, rng, now_s), clock), 1, 1, clock)
    site = SimpleNamespace(seed=seed)
    place = SimpleNamespace(site=site, round=1, target=SimpleNamespace(id="simulated"))
    start = first_rate(place, settings.start_deliveries_per_s, hint)
    found.run(start * (shift or 1.0), HINTED_FACTOR if hint else None)
    return found, report(found, EMPTY), clock.now_s - SETUP_S


def capacity_of(seed, decades=(4.5, 6.0)):
    """From 30,000 to 1,000,000 deliveries a second, or from other powers of ten."""
    return 10 ** random.Random(seed).uniform(*decades)


@pytest.mark.parametrize("name", SERVERS)
def test_the_capacity_is_found_within_five_percent(name):
    """Of nearly all, and of the others within ten; within the time of a quick run."""
    errors = []
    for seed in range(RUNS):
        capacity = capacity_of(seed)
        _, record, took_s = search(SERVERS[name], capacity, seed)
        assert record.best is not None
        errors.append(abs(record.best.hold.deliveries_per_s / capacity - 1))
        assert record.failed_at is not None
        assert took_s <= QUICK.seconds
    assert sum(error <= ACCURACY for error in errors) >= MOST_RUNS * RUNS
    assert max(errors) <= 0.1


def test_the_time_of_a_quick_run_is_enough_for_the_fastest_servers(monkeypatch):
    """Up to 8 million deliveries a second, most of them only counted, so that one hold more is
    read whole. Each search ends by the server, a step above its result at most.
    """
    monkeypatch.setattr(simulated_server, "GENERATOR_US_PER_DELIVERY", 0.02)
    for seed in range(RUNS):
        capacity = capacity_of(seed, (6.0, 6.9))
        _, record, took_s = search(counted(), capacity, seed)
        assert (record.lower_bound, record.reason) == (False, None)
        assert record.best.hold.deliveries_per_s == pytest.approx(capacity, rel=ACCURACY)
        assert "whole" in [step.kind for step in record.steps]
        assert took_s <= QUICK.seconds


@pytest.mark.parametrize("name", SERVERS)
def test_the_cell_of_three_rounds_covers_the_capacity(name):
    """Its sides: the medians of what was held, and of the lowest rate that failed. A hold may grow
    by as much as the limits let pass.
    """
    covered = 0
    for cell in range(CELLS):
        capacity, rates, lows, highs = capacity_of(cell), [], [], []
        for number in range(ROUNDS):
            hint = median(rates) if rates else None
            seed = 1000 + ROUNDS * cell + number
            _, record, _ = search(SERVERS[name], capacity, seed, hint=hint)
            assert record.best is not None
            rates.append(record.best.hold.deliveries_per_s)
            lows.append(record.best.hold.deliveries_per_s)
            highs.append(record.failed_at or math.inf)
        covered += median(lows) <= capacity * MOST_HELD and capacity <= median(highs)
    assert covered >= 0.9 * CELLS


def test_a_failure_within_a_step_above_the_result_is_in_the_record():
    by_server = 0
    for seed in range(RUNS):
        _, record, _ = search(SERVERS["exponential"], 200_000, seed)
        offered = offered_deliveries_per_s(record.best.hold)
        assert offered < record.failed_at <= offered * STEP * 1.01
        by_server += record.limited_by == "server"
    assert by_server >= MOST_RUNS * RUNS


def test_a_hint_shortens_the_way_and_changes_nothing_else():
    _, plain, _ = search(SERVERS["constant"], 900_000)
    _, hinted, _ = search(SERVERS["constant"], 900_000, hint=plain.best.hold.deliveries_per_s)
    approach = [sum(s.kind == "approach" for s in record.steps) for record in (plain, hinted)]
    assert approach[1] < approach[0]
    assert hinted.best.hold.deliveries_per_s == pytest.approx(900_000, rel=ACCURACY)


@pytest.mark.parametrize("factor", [0.1, 10.0])
def test_a_hint_that_is_wrong_does_no_harm(factor):
    _, record, _ = search(SERVERS["constant"], 200_000, hint=200_000 * factor)
    assert record.best.hold.deliveries_per_s == pytest.approx(200_000, rel=ACCURACY)


def test_no_two_rounds_hold_the_same_rates():
    """By less than a step; run, round and column decide."""

    def first(seed, number, column):
        target = SimpleNamespace(id=column)
        place = SimpleNamespace(site=SimpleNamespace(seed=seed), round=number, target=target)
        return first_rate(place, 1.0, None)

    shifts = {
        first(seed, number, column)
        for seed in (1, 2)
        for number in (1, 2, 3)
        for column in ("go", "go (again)")
    }
    assert len(shifts) == 12
    assert all(1 <= shift < STEP for shift in shifts)
    assert first(1, 1, "go") == first(1, 1, "go")


def test_a_fresh_server_is_warmed_up_before_its_first_hold():
    """At half of the rate that is held next, also after an overload took the server's place."""
    found, record, _ = search(SERVERS["constant"], 300_000)
    kinds = [step.kind for step in record.steps]
    assert kinds[0] == "warm-up"
    assert kinds.count("warm-up") >= 2
    for warm, held in pairwise(record.steps):
        if warm.kind == "warm-up":
            ratio = warm.hold.offered_messages_per_s / held.hold.offered_messages_per_s
            assert ratio == pytest.approx(0.5)
    assert found.best.kind == "confirm"


def test_a_server_that_begins_slowly_is_measured_as_it_goes_on():
    """Its first moments take ten times as long: without a warm-up, that decides."""

    class Cold(SimulatedServer):
        def finish(self, planned_s, deliveries):
            self.began_s = getattr(self, "began_s", planned_s[0])
            own = np.where(planned_s < self.began_s + 0.2, 10.0, 1.0)
            return super().finish(planned_s, deliveries * own)

    def cold(capacity, rng, _):
        return Cold(capacity, rng)

    _, warm, _ = search(cold, 200_000)
    assert warm.best.hold.deliveries_per_s == pytest.approx(200_000, rel=ACCURACY)
    assert not warm.steps[0].hold.outstanding_after_drain


def test_a_server_that_can_t_keep_up_while_it_warms_up_is_not_held_at_twice_that():
    _, record, _ = search(SERVERS["constant"], 2_000)
    first_held = next(step for step in record.steps if step.kind != "warm-up")
    assert offered_deliveries_per_s(first_held.hold) < QUICK.start_deliveries_per_s / 4
    assert record.best.hold.deliveries_per_s == pytest.approx(2_000, rel=0.1)


@pytest.mark.parametrize("at_s", np.linspace(1.0, 15.0, 15))
def test_one_stall_decides_nothing_while_there_is_time_for_another_hold(at_s):
    """300 ms lost at any one moment of a search: a burst, a page fault, another guest."""

    def stalling(capacity, rng, _):
        return SimulatedServer(capacity, rng, stalls_s=[(float(at_s), 0.3)])

    _, record, _ = search(stalling, 150_000)
    assert record.best.hold.deliveries_per_s == pytest.approx(150_000, rel=ACCURACY)
    assert not record.lower_bound


SHORT = [12.0, 13.0, 14.0, 15.0, 17.0]


@pytest.mark.parametrize("seconds", SHORT)
def test_time_that_runs_out_makes_a_bound_and_never_an_end_by_the_server(seconds):
    settings = msgspec.structs.replace(QUICK, seconds=seconds)
    _, record, took_s = search(SERVERS["exponential"], 900_000, settings=settings)
    assert took_s <= seconds
    assert record.best is not None
    assert record.best.hold.deliveries_per_s <= 900_000 * 1.02
    near = record.failed_at is not None and record.failed_at <= STEP * 1.01 * (
        offered_deliveries_per_s(record.best.hold)
    )
    if record.best.kind != "confirm":
        assert "before a confirmation" in record.reason
        assert (record.limited_by, record.lower_bound) == ("time", True)
    elif not near:
        assert (record.limited_by, record.lower_bound) == ("time", True)
    else:
        assert not record.lower_bound


def test_at_least_one_of_those_searches_ran_out_of_time():
    ends = []
    for seconds in SHORT:
        settings = msgspec.structs.replace(QUICK, seconds=seconds)
        ends.append(search(SERVERS["exponential"], 900_000, settings=settings)[1].limited_by)
    assert "time" in ends


def test_without_any_time_there_is_no_rate():
    _, record, _ = search(
        SERVERS["constant"], 100_000, settings=msgspec.structs.replace(QUICK, seconds=0.0)
    )
    assert (record.best, record.steps) == (None, [])
    assert record.reason == "there was no time for a single step"


def test_a_server_that_confirms_nothing_in_time_keeps_what_a_hold_carried():
    """Each of its servers has 9 s in it before it slows down: no confirmation can succeed."""

    class Tiring(SimulatedServer):
        def finish(self, planned_s, deliveries):
            long_hold = planned_s[-1] - planned_s[0] > 2.9
            return super().finish(planned_s, deliveries * (4.0 if long_hold else 1.0))

    _, record, _ = search(lambda capacity, rng, _: Tiring(capacity, rng), 400_000)
    assert record.best.kind != "confirm"
    assert record.best.sustained
    assert (record.limited_by, record.lower_bound) == ("time", True)
    assert "before a confirmation" in record.reason
    longer = [step for step in record.steps if step.kind == "confirm"]
    assert longer
    assert record.best.hold.deliveries_per_s < min(
        offered_deliveries_per_s(step.hold) for step in longer
    )


def test_a_server_that_confirms_nothing_at_all_keeps_what_a_hold_carried():
    """As the judge does: the rates that others are given depend on it."""

    class LateInLongHolds(SimulatedServer):
        def finish(self, planned_s, deliveries):
            long_hold = planned_s[-1] - planned_s[0] > 2.9
            return super().finish(planned_s, deliveries * (1e6 if long_hold else 1.0))

    unhurried = msgspec.structs.replace(QUICK, seconds=3_000.0)
    _, record, _ = search(
        lambda capacity, rng, _: LateInLongHolds(capacity, rng), 400_000, settings=unhurried
    )
    assert record.stopped_by == "failed"
    assert record.best is not None
    assert "no hold confirmed a rate" in record.reason
    assert result_of(record, RULES) is record.best


def counted(**changes):
    """A server of which the generator counts most deliveries by length."""
    return lambda capacity, rng, _: SimulatedServer(capacity, rng, counted_from=0.0, **changes)


def test_a_result_that_was_counted_is_confirmed_by_a_hold_that_is_read_whole():
    _, record, took_s = search(counted(), 400_000)
    whole = [step for step in record.steps if step.kind == "whole"]
    assert [step.hold.parsed == step.hold.delivered for step in whole] == [True]
    half = offered_deliveries_per_s(record.best.hold) / 2
    assert offered_deliveries_per_s(whole[0].hold) == pytest.approx(half, rel=0.01)
    assert record.best.hold.parsed < record.best.hold.delivered
    assert took_s <= QUICK.seconds


def test_what_is_read_whole_anyway_needs_no_such_hold():
    _, record, _ = search(SERVERS["constant"], 400_000)
    assert "whole" not in [step.kind for step in record.steps]


def test_a_server_that_mixes_up_what_was_only_counted_has_no_confirmed_rate():
    _, record, _ = search(counted(reorders=True), 400_000)
    assert record.best is None
    assert "where every delivery was read" in record.reason
    assert "3 reordered" in record.reason
    assert result_of(record, RULES) is None, "nor one of its other holds"


def test_a_busy_generator_is_no_excuse_for_what_is_mixed_up():
    _, record, _ = search(counted(reorders=True), 6_000_000)
    (whole,) = [step for step in record.steps if step.kind == "whole"]
    busy = step_of(msgspec.structs.replace(whole.hold, generator_cpu=0.99))
    assert RULES.is_limited(busy)
    assert RULES.is_not_whole(busy)
    half = busy.hold.expected // 2
    late = msgspec.structs.replace(busy.hold, reordered=0, delivered=half)
    assert not RULES.is_not_whole(step_of(late))
    assert RULES.is_not_whole(step_of(late, server_cpu_s=late.hold_s)), "the server was busy, too"


@pytest.mark.parametrize("seconds", [14.0, 16.0, 18.0, 21.0])
def test_time_is_kept_for_the_hold_that_is_read_whole(seconds):
    settings = msgspec.structs.replace(QUICK, seconds=seconds)
    _, record, took_s = search(counted(), 400_000, settings=settings)
    assert took_s <= seconds
    assert record.best is not None
    assert "whole" in [step.kind for step in record.steps]


def test_the_cap_is_a_bound():
    settings = msgspec.structs.replace(QUICK, cap_deliveries_per_s=120_000)
    _, record, _ = search(SERVERS["constant"], 400_000, settings=settings)
    assert (record.limited_by, record.lower_bound, record.failed_at) == ("cap", True, None)
    assert record.best.hold.deliveries_per_s == pytest.approx(120_000, rel=0.01)


def test_time_that_is_left_tells_the_rates_at_which_p99_crosses_its_limits():
    """A server whose messages are slow or fast together crosses them one after the other."""
    settings = msgspec.structs.replace(QUICK, seconds=60.0)
    _, record, took_s = search(SERVERS["lognormal"], 30_000, settings=settings)
    assert took_s <= 60.0
    confirmed = [step.kind for step in record.steps].index("confirm")
    after = record.steps[confirmed + 1 :]
    assert any(step.kind == "refine" for step in after)
    points = sorted(
        (offered_deliveries_per_s(s.hold), s.hold.latency_ms["p99"], s.sustained)
        for s in record.steps
        if s.kind != "warm-up"
    )
    for limit_ms in (10.0, 100.0, 1000.0):
        within = max(rate for rate, p99, kept in points if kept and p99 <= limit_ms)
        above = [rate for rate, *_ in points if rate > within]
        assert min(above) <= within * STEP * 1.01


def test_the_best_is_the_confirmed_step_whatever_is_held_afterwards():
    settings = msgspec.structs.replace(QUICK, seconds=60.0)
    found, record, _ = search(SERVERS["pausing"], 150_000, settings=settings)
    assert record.best.kind == "confirm"
    assert record.best in record.steps
    assert found.outcome.rate == pytest.approx(
        record.best.hold.offered_messages_per_s * 50.5, rel=1e-6
    )


def test_the_run_s_own_limits_decide():
    strict = msgspec.structs.replace(
        QUICK, sustained=msgspec.structs.replace(QUICK.sustained, p99_ms_max=100.0), seconds=60.0
    )
    _, loose, _ = search(SERVERS["lognormal"], 30_000)
    _, tight, _ = search(SERVERS["lognormal"], 30_000, settings=strict)
    assert tight.best.hold.latency_ms["p99"] <= 100.0
    assert loose.best.hold.deliveries_per_s >= tight.best.hold.deliveries_per_s
    for step in tight.steps:
        assert step.sustained == (find_failure(step.hold, strict.sustained) is None)


QUICKLY = {"mean": 2.0, "p50": 2.0, "p99": 5.0}
SLOWLY = {"mean": 800.0, "p50": 700.0, "p99": 3000.0}
CARRIED = step_of(hold(50_000, QUICKLY))
CARRIED_BY_A_LATE_GENERATOR = step_of(hold(50_000, QUICKLY, **LATE))
LATENCY = step_of(hold(60_000, SLOWLY))
BUSY = step_of(hold(60_000, SLOWLY), server_cpu_s=0.95 * HOLD_S)
LOSS = step_of(hold(60_000, QUICKLY, lost=1))
SHORT_BURST = step_of(hold(60_000, QUICKLY, hold_s=0.5, quarter_mean_ms=[1.0, 1.0, 20.0, 40.0]))
NOT_OFFERED = step_of(hold(60_000, SLOWLY, **LATE))


@pytest.mark.parametrize(
    ("outcome", "steps", "expected"),
    [
        ("failed", [CARRIED, LATENCY], ("latency", False)),
        ("failed", [CARRIED, LOSS], ("loss", False)),
        ("failed", [CARRIED, BUSY], ("server", False)),
        ("failed", [CARRIED, NOT_OFFERED], ("generator", True)),
        ("failed", [CARRIED_BY_A_LATE_GENERATOR, NOT_OFFERED], ("generator", True)),
        ("failed", [CARRIED_BY_A_LATE_GENERATOR, BUSY], ("server", False)),
        ("failed", [CARRIED, SHORT_BURST], ("unclear", True)),
        ("cap", [CARRIED], ("cap", True)),
        ("cap", [CARRIED_BY_A_LATE_GENERATOR], ("cap", True)),
        ("time", [CARRIED], ("time", True)),
        ("time", [CARRIED, LATENCY], ("time", True)),
    ],
)
def test_the_end_that_a_search_names_is_the_judge_s(outcome, steps, expected):
    made = Search(QUICK, opener(SERVERS["constant"], Clock()), 1, 1)
    made.steps, made.best, made.outcome = steps, steps[0], Outcome(1.0, outcome)
    record = report(made, EMPTY)
    assert (record.limited_by, record.lower_bound) == expected
    assert record.limited_by == ended_by(record, RULES)
    failed = (
        None
        if steps[-1] in (steps[0], NOT_OFFERED, SHORT_BURST)
        else pytest.approx(60_000, rel=1e-3)
    )
    assert record.failed_at == failed


@pytest.mark.parametrize(
    ("step", "word"), [(LATENCY, "latency"), (BUSY, "server"), (NOT_OFFERED, "generator")]
)
@pytest.mark.parametrize("kind", ["approach", "warm-up"])
def test_a_search_without_a_rate_names_what_the_first_holds_met(step, word, kind):
    made = Search(QUICK, opener(SERVERS["constant"], Clock()), 1, 1)
    made.steps, made.outcome = [msgspec.structs.replace(step, kind=kind)], Outcome(None, "failed")
    record = report(made, EMPTY)
    assert (record.best, record.limited_by) == (None, word)


def test_a_generator_that_is_the_limit_leaves_the_top_open():
    """Its CPU is over its share from 1.8 million deliveries a second on, and it is late."""
    _, record, _ = search(late_generator, 2_000_000, hint=1_500_000)
    assert (record.limited_by, record.lower_bound) == ("generator", True)
    assert record.failed_at is None
    assert ended_by(record, RULES) == "generator"


def test_a_busy_generator_that_is_not_late_leaves_a_busy_server_its_own_limit():
    _, record, _ = search(SERVERS["constant"], 2_000_000, hint=1_500_000)
    assert (record.limited_by, record.lower_bound) == ("server", False)
    assert record.best.hold.generator_cpu > CPU_SHARE_MAX
    assert record.failed_at is not None
    older = msgspec.structs.replace(record, limited_by="generator", lower_bound=True)
    assert ended_by(older, RULES) == "server", "what a search said by older rules"


def test_a_search_stays_within_the_time_that_its_plan_gives_it():
    seconds = HoldSeconds(warmup_s=0.0, hold_s=1.0, drain_s=0.0)
    settings = msgspec.structs.replace(QUICK, warm_up=seconds)
    assert settings.planned_s == QUICK.planned_s

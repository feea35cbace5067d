"""A run's rules: each of its holds is judged by them, and judged once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest
from chinwag_bench.judging import rules
from chinwag_bench.judging.evidence import load
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.rules import Rules
from chinwag_bench.judging.sustained import DEFAULTS, SustainedLimits, find_failure
from chinwag_bench.records import Hold, Threads

from .result_builder import LIMITED, build, hold, step_of

SLOW = {"mean": 300.0, "p50": 300.0, "p99": 600.0}


def test_the_run_s_own_limits_decide() -> None:
    made = step_of(hold(1000, SLOW))
    assert Rules(DEFAULTS, 1, 1).failure(made) is None
    strict = Rules(SustainedLimits(p99_ms_max=500.0), 1, 1).failure(made)
    assert strict is not None
    assert strict.text == "p99 600 ms is over 500 ms"


def test_the_generator_s_share_counts_against_the_cores_that_the_run_gave_it() -> None:
    made = step_of(hold(1000, SLOW, **(LIMITED | {"generator_processes": 2})))
    assert Rules(DEFAULTS, 1, 1).is_limited(made)
    assert not Rules(DEFAULTS, 2, 1).is_limited(made)


def late(lag_ms: float = 0.1, **changes: object) -> Hold:
    """A second of a busy generator: p99 of 2,000 ms, and so much of the receive lag in it."""
    times = {"mean": 900.0, "p50": 800.0, "p99": 2000.0, "max": 2100.0}
    lags = {"p50": lag_ms, "p99": lag_ms, "max": lag_ms}
    return hold(1000, times, hold_s=1.0, receive_lag_ms=lags, **(LIMITED | changes))


@pytest.mark.parametrize(
    ("server_cpu_s", "lag_ms", "met"),
    [(1.79, 100.0, None), (1.81, 100.0, "server"), (1.81, 201.0, None), (0.2, 100.0, None)],
)
@pytest.mark.parametrize("delivered_share", [1.0, 0.5])
def test_where_both_are_busy_a_long_lag_tells_whose_limit_it_was(
    server_cpu_s: float, lag_ms: float, met: str | None, delivered_share: float
) -> None:
    """Of two server cores, 90 % are 1.8 s of a second. What was lost came no later."""
    made = late(lag_ms)
    made = msgspec.structs.replace(made, delivered=int(made.expected * delivered_share))
    found = Rules(DEFAULTS, generator_cores=1, server_cores=2)
    assert found.met_by(step_of(made, server_cpu_s)) == met
    assert found.is_limited(step_of(made, server_cpu_s)) == (met is None)


@pytest.mark.parametrize(
    ("threads", "met"), [("one", "server"), ("cores", "latency"), ("workers", "latency")]
)
def test_a_server_of_one_thread_has_no_more_than_a_core(
    tmp_path: Path, threads: Threads, met: str
) -> None:
    """It is out of CPU time where one that uses all four cores of its share is not; two nodes of it
    have two."""
    evidence = load(build(tmp_path / "run"))
    evidence.run.plan["server_cores"] = [0, 1, 2, 3]
    column = evidence.run.columns[0]
    column.threads = threads
    busy = step_of(late(generator_cpu=0.5), 0.95)
    assert evidence.rules_of(column.id, "throughput").met_by(busy) == met
    assert evidence.rules_of(column.id, "cluster").met_by(busy) == "latency"
    both_busy = step_of(late(generator_cpu=0.5), 1.85)
    assert evidence.rules_of(column.id, "cluster").met_by(both_busy) == met


def test_each_metric_s_holds_are_judged_by_its_own_limits(tmp_path: Path) -> None:
    evidence = load(build(tmp_path / "run"))
    column = evidence.run.columns[0].id
    evidence.run.plan["settings"] = {"load_throughput": {"sustained": {"p99_ms_max": 500.0}}}
    made = step_of(hold(1000, SLOW))
    assert evidence.rules_of(column, "throughput").failure(made) is None
    assert evidence.rules_of(column, "load_throughput").failure(made) is not None


@pytest.mark.parametrize(
    ("cpu_s", "lost", "met"),
    [(0.95, 0, "server"), (0.5, 0, "latency"), (0.95, 9, "server"), (0.5, 9, "loss")],
)
def test_a_server_with_cpu_time_left_met_what_its_failure_was(
    cpu_s: float, lost: int, met: str
) -> None:
    found = step_of(late(generator_cpu=0.5, lost=lost), cpu_s)
    assert Rules(DEFAULTS, 1, 1).met_by(found) == met


def test_what_was_sustained_met_nothing() -> None:
    assert Rules(DEFAULTS, 1, 1).met_by(step_of(hold(1000, SLOW), 2.0)) is None


def test_two_steps_that_are_equal_are_two_steps() -> None:
    """What differs later must not inherit what an equal one was called."""
    found = Rules(DEFAULTS, 1, 1)
    first, second = step_of(hold(1000, SLOW)), step_of(hold(1000, SLOW))
    assert found.failure(first) is None
    second.hold.latency_ms["p99"] = 1200.0
    assert found.failure(second) is not None
    assert found.failure(first) is None


def test_a_judge_looks_at_each_hold_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Counter[int] = Counter()
    holds = []

    def counting(made, limits):
        holds.append(made)  # Kept alive, so that no other takes its place in memory.
        seen[id(made)] += 1
        return find_failure(made, limits)

    monkeypatch.setattr(rules, "find_failure", counting)
    judge(build(tmp_path / "run"))
    assert seen
    assert set(seen.values()) == {1}

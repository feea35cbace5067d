"""A run's rules: each of its holds is judged by them, and judged once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from chinwag_bench.judging import rules
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.rules import Rules
from chinwag_bench.judging.sustained import DEFAULTS, SustainedLimits, find_failure

from .result_builder import LIMITED, build, hold

SLOW = {"mean": 300.0, "p50": 300.0, "p99": 600.0}


def test_the_run_s_own_limits_decide() -> None:
    made = hold(1000, SLOW)
    assert Rules(DEFAULTS, 1).failure(made) is None
    strict = Rules(SustainedLimits(p99_ms_max=500.0), 1).failure(made)
    assert strict is not None
    assert strict.text == "p99 600 ms is over 500 ms"


def test_the_generator_s_share_counts_against_the_cores_that_the_run_gave_it() -> None:
    made = hold(1000, SLOW, **(LIMITED | {"generator_processes": 2}))
    assert Rules(DEFAULTS, 1).is_limited(made)
    assert not Rules(DEFAULTS, 2).is_limited(made)


def test_two_holds_that_are_equal_are_two_holds() -> None:
    """What differs later must not inherit what an equal one was called."""
    found = Rules(DEFAULTS, 1)
    first, second = hold(1000, SLOW), hold(1000, SLOW)
    assert found.failure(first) is None
    second.latency_ms["p99"] = 1200.0
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

"""Figures and verdicts, from heartbeats that are known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attack.figures import HEADER, Figures, Memory, Outcome, Sample, figures_of, percentile, row_of

MS = 1_000_000
MIB = 1024 * 1024
QUIET = Figures(1_000, 0.1, 0.5, 2.0, 0)
HOLDS = Outcome(
    "gets",
    "1 connection",
    QUIET,
    Figures(2_000, 0.2, 10.5, 60.0, 0),
    QUIET,
    QUIET,
    Memory(8 * MIB, 1280 * MIB, 9 * MIB, 7 * MIB),
    1024 * MIB,
)


def test_a_percentile_is_a_value_that_so_many_do_not_exceed() -> None:
    ordered = [float(n) for n in range(1, 201)]
    assert percentile(ordered, 0.5) == 100
    assert percentile(ordered, 0.99) == 198
    assert percentile(ordered, 1.0) == 200
    assert percentile([7.0], 0.01) == percentile([7.0], 0.99) == 7
    with pytest.raises(ValueError, match="of nothing"):
        percentile([], 0.5)


def test_a_round_trip_begins_when_the_heartbeat_was_due() -> None:
    samples = [Sample(due=n * 5 * MS, answered=(n * 5 + n) * MS) for n in range(1, 101)]
    found = figures_of(samples, 0, 501 * MS, now=0)
    assert (found.count, found.p50, found.p99, found.max) == (100, 50, 99, 100)


def test_a_phase_has_the_heartbeats_that_were_due_in_it() -> None:
    samples = [Sample(10, 20 * MS + 10), Sample(99, MS + 99), Sample(100, 5 * MS + 100)]
    assert figures_of(samples, 0, 100, now=0).max == 20
    assert figures_of(samples, 100, 200, now=0).max == 5
    with pytest.raises(ValueError, match="no heartbeat was due"):
        figures_of(samples, 200, 300, now=0)


def test_an_unanswered_heartbeat_counts_with_the_time_it_has_waited() -> None:
    samples = [Sample(0, MS), Sample(1, None)]
    found = figures_of(samples, 0, 2, now=3_000 * MS + 1)
    assert (found.max, found.unanswered, found.count) == (3_000, 1, 2)


def test_both_bounds_are_inclusive() -> None:
    assert not HOLDS.faults
    late = replace(HOLDS, attacked=replace(HOLDS.attacked, p99=10.6))
    assert late.faults == ["p99 grew by 10.1 ms"]
    large = replace(HOLDS, memory=replace(HOLDS.memory, peak=1280 * MIB + 1))
    assert large.faults == ["memory reached 1280 MiB"]
    both = replace(late, memory=large.memory, trouble="the server ended: SIGSEGV")
    assert len(both.faults) == 3


def test_a_late_answer_of_the_control_too_is_a_disturbance_and_still_no_pass() -> None:
    late = replace(HOLDS, attacked=replace(HOLDS.attacked, p99=30.0))
    assert not late.disturbed
    noisy = replace(late, control_attacked=replace(QUIET, p99=5.6))
    assert noisy.disturbed
    assert "measure again" in noisy.faults[0]
    starved = replace(late, waited=0.3)
    assert starved.disturbed
    assert starved.faults == [
        "p99 grew by 29.5 ms (the server had no processor for 30%: measure again)"
    ]
    assert not replace(noisy, trouble="the server ended: SIGABRT").disturbed
    assert not replace(HOLDS, control_attacked=replace(QUIET, p99=50.0)).disturbed


def test_a_row_has_the_columns_of_the_header() -> None:
    row = row_of(HOLDS)
    assert row.count("|") == HEADER.splitlines()[0].count("|") == HEADER.splitlines()[1].count("|")
    assert "| 0.20 / 10.50 / 60.0 |" in row
    assert "| 8 / 1280 / 9 | holds |" in row
    assert "**fails**: the server ended" in row_of(replace(HOLDS, trouble="the server ended"))

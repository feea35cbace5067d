"""Rows: where their numbers come from, in the unit they state."""

from __future__ import annotations

from chinwag_bench.records import Effort, Memory, MemoryPoint, Start
from chinwag_bench.rows import SPECS, growth_mb

BY_ID = {spec.row.id: spec for spec in SPECS}


def memory(**fields: object) -> Memory:
    def point(user: int, kernel: int | None) -> MemoryPoint:
        return MemoryPoint(user_bytes=user, kernel_bytes=kernel, kernel_method="estimate")

    points = {"empty": point(70_000_000, 1_000_000), "joined": point(145_000_000, 21_000_000)}
    return Memory(
        column="x",
        round=1,
        started_at=0,
        seconds=1,
        status="ok",
        **{"connections": 5000, "points": points, **fields},  # type: ignore[arg-type]
    )


def test_ids_are_unique_and_everything_is_defined() -> None:
    assert len(BY_ID) == len(SPECS)
    for spec in SPECS:
        assert spec.row.definition.endswith(".")
        assert spec.row.group


def test_memory_is_growth_scaled_to_ten_thousand() -> None:
    # (145 - 70) MB over 5,000 connections is 150 MB over 10,000.
    assert growth_mb(memory(), "joined", "user") == 150
    assert growth_mb(memory(), "joined", "kernel") == 40
    assert BY_ID["memory_empty"].value(memory()) == 70


def test_memory_without_a_point_or_connections_has_no_value() -> None:
    assert growth_mb(memory(), "after_rest", "user") is None
    assert growth_mb(memory(connections=0), "joined", "user") is None
    unknown = MemoryPoint(user_bytes=1, kernel_bytes=None, kernel_method="none")
    points = {"empty": unknown, "joined": unknown}
    assert growth_mb(memory(points=points), "joined", "kernel") is None


def test_shares_become_percent_and_seconds_milliseconds() -> None:
    assert BY_ID["cpu_idle"].value(memory(cpu_share_idle=0.025)) == 2.5
    assert BY_ID["cpu_idle"].value(memory()) is None
    start = Start(column="x", round=1, started_at=0, seconds=1, status="ok", health_s=0.25)
    assert BY_ID["start_health"].value(start) == 250
    assert BY_ID["start_first_message"].value(start) is None


def test_effort() -> None:
    effort = Effort(lines_of_code=200, build_folder_bytes=6_300_000)
    assert BY_ID["effort_lines_of_code"].value(effort) == 200
    assert BY_ID["effort_build_folder_bytes"].value(effort) == 6.3
    assert BY_ID["effort_build_cold_s"].value(effort) is None


def test_only_the_common_rate_is_ranked() -> None:
    assert BY_ID["common_p99"].row.better == "lower"
    assert BY_ID["half_p99"].row.better == "none"

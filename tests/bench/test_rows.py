"""Rows: where their numbers come from, in the unit they state."""

from __future__ import annotations

import math
from typing import Any

import pytest
from chinwag_bench.judging.bounds import Bounds
from chinwag_bench.judging.rows import SPECS
from chinwag_bench.metrics.connections import Connections
from chinwag_bench.metrics.cpu_at_n import CpuAtN
from chinwag_bench.metrics.memory import Memory, growth_mb
from chinwag_bench.metrics.start import Start
from chinwag_bench.records import Effort, MemoryPoint

PLAIN: dict[str, Any] = {"column": "x", "round": 1, "started_at": 0, "seconds": 1, "status": "ok"}
BY_ID = {spec.row.id: spec for spec in SPECS}


def at(row: str, record: Any) -> float | None:
    """The value of a row that is read exactly."""
    found = BY_ID[row].bounds(record)
    assert found is None or found.low == found.high
    return None if found is None else found.high


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
    assert at("memory_empty", memory()) == 70


def test_memory_without_a_point_or_connections_has_no_value() -> None:
    assert growth_mb(memory(), "after_rest", "user") is None
    assert growth_mb(memory(connections=0), "joined", "user") is None
    unknown = MemoryPoint(user_bytes=1, kernel_bytes=None, kernel_method="none")
    points = {"empty": unknown, "joined": unknown}
    assert growth_mb(memory(points=points), "joined", "kernel") is None


def test_shares_become_percent_and_seconds_milliseconds() -> None:
    cpu = CpuAtN(**PLAIN | {"seconds": 10.0}, user_share=0.025, system_share=0.05)
    sides = [BY_ID[f"cpu_at_n{part}"].bounds(cpu) for part in ("", "_user", "_system")]
    assert [(one.low + one.high) / 2 for one in sides] == pytest.approx([7.5, 2.5, 5.0])
    assert at("cpu_at_n", CpuAtN(**PLAIN)) is None
    start = Start(**PLAIN, health_s=0.25)
    assert at("start_health", start) == 250
    assert at("start_first_message", start) is None


def test_a_count_of_ticks_is_known_to_one_tick_in_each_mode() -> None:
    """19 ticks of 10 ms in 3 s: 12 in user mode and 7 in kernel mode, one more or less each."""
    cpu = CpuAtN(**PLAIN | {"seconds": 3.6}, user_share=0.04, system_share=0.07 / 3, available_s=3)
    whole, user = (BY_ID[name].bounds(cpu) for name in ("cpu_at_n", "cpu_at_n_user"))
    assert whole == Bounds(pytest.approx(17 / 3), pytest.approx(21 / 3))
    assert user == Bounds(pytest.approx(11 / 3), pytest.approx(13 / 3))


def test_a_share_of_few_ticks_is_known_to_one_tick_only() -> None:
    """No tick in 10 s is not no time: it is less than 0.1 %."""
    idle = CpuAtN(**PLAIN | {"seconds": 10.0}, user_share=0.0, system_share=0.003)
    assert BY_ID["cpu_at_n_user"].bounds(idle) == Bounds(0.0, pytest.approx(0.1))
    assert BY_ID["cpu_at_n_system"].bounds(idle) == Bounds(pytest.approx(0.2), pytest.approx(0.4))


def test_connections_are_projected_to_the_articles_memory() -> None:
    # 85 % of 32 GB at 27,200 bytes each.
    found = Connections(**PLAIN, connections=20_000, bytes_per_connection=27_200.0)
    assert at("max_connections", found) == 20_000
    assert at("max_connections_projected", found) == pytest.approx(1_000_000)
    assert BY_ID["max_connections_projected"].notes(found)[0].code == "projection"
    none = Connections(**PLAIN, limited_by="p99", stopped="p99 2000 ms is over 1000 ms")
    assert at("max_connections", none) is None
    assert at("max_connections_projected", none) is None


def test_a_ramp_that_something_else_ended_is_open_above() -> None:
    found = Connections(**PLAIN, connections=20_000, lower_bound=True, limited_by="cap")
    assert BY_ID["max_connections"].bounds(found) == Bounds(20_000, math.inf)


def test_memory_with_the_kernel_s_is_both() -> None:
    assert at("memory_with_kernel", memory()) == 150 + 40


def test_effort() -> None:
    effort = Effort(lines_of_code=200, deployed_bytes=6_300_000)
    assert at("effort_lines_of_code", effort) == 200
    assert at("effort_deployed_bytes", effort) == 6.3
    assert at("effort_dependencies_total", effort) is None


def test_what_is_taken_at_each_server_s_own_rate_ranks_nobody() -> None:
    assert BY_ID["common_p99"].row.better == "lower"
    assert BY_ID["common_cpu_per_delivery"].row.better == "lower"
    assert BY_ID["throughput_p99"].row.better == "none"
    assert BY_ID["cpu_per_delivery"].row.better == "none"

"""Limits of the control groups that the kit runs in: its own and those above it, v1 and v2."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from chinwag_bench.machine.control_groups import cpu_quota, groups, memory_limits, throttled
from chinwag_bench.machine.doctor import cores, memory
from chinwag_bench.machine.memory_share import available_bytes, used_share

from .recorded_groups import RecordedGroups

V1 = ["/ /sys/fs/cgroup/cpu cgroup cpu,cpuacct", "/ /sys/fs/cgroup/memory cgroup memory"]
V2 = ["/ /sys/fs/cgroup cgroup2 -"]
BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture
def tree(tmp_path: Path) -> RecordedGroups:
    return RecordedGroups(tmp_path)


def test_version_1_s_own_group_is_read_and_not_the_root_alone(tree: RecordedGroups) -> None:
    tree.show(V1, "3:cpu,cpuacct:/job\n4:memory:/job\n")
    tree.put("cpu/cpu.cfs_quota_us", "-1")
    tree.put("cpu/cpu.cfs_period_us", "100000")
    tree.put("cpu/cpu.stat", "nr_periods 0\nnr_throttled 0\nthrottled_time 0")
    tree.put("cpu/job/cpu.cfs_quota_us", "50000")
    tree.put("cpu/job/cpu.cfs_period_us", "100000")
    tree.put("cpu/job/cpu.stat", "nr_periods 93\nnr_throttled 86\nthrottled_time 12")
    tree.put("memory/memory.limit_in_bytes", "9223372036854771712")
    tree.put("memory/memory.usage_in_bytes", "900")
    tree.put("memory/job/memory.limit_in_bytes", "1000")
    tree.put("memory/job/memory.usage_in_bytes", "950")
    tree.put("memory/job/memory.stat", "inactive_file 1\ntotal_inactive_file 200")
    assert cpu_quota(tree.root) == 0.5
    assert throttled(tree.root) == 86
    assert used_share(tree.root) == pytest.approx(0.75)
    assert available_bytes(tree.root) == 250


def test_the_tightest_of_nested_groups_counts(tree: RecordedGroups) -> None:
    tree.show(V2, "0::/machine/job/inner\n")
    tree.put("machine/job/cpu.max", "150000 100000")
    tree.put("machine/job/inner/cpu.max", "max 100000")
    tree.put("machine/cpu.max", "400000 100000")
    tree.put("machine/job/cpu.stat", "usage_usec 5\nnr_throttled 7")
    tree.put("machine/memory.max", "4000")
    tree.put("machine/memory.current", "3600")
    tree.put("machine/job/memory.max", "max")
    tree.put("machine/job/memory.current", "10")
    tree.put("machine/job/inner/memory.max", "1000")
    tree.put("machine/job/inner/memory.current", "100")
    assert cpu_quota(tree.root) == 1.5
    assert throttled(tree.root) == 7
    assert [limit.allowed for limit in memory_limits(tree.root)] == [1000, 4000]
    assert used_share(tree.root) == pytest.approx(0.9)
    assert available_bytes(tree.root) == 400


@pytest.mark.parametrize(
    ("mount", "own"),
    [
        ("/docker/abc /sys/fs/cgroup cgroup2 -", "0::/docker/abc\n"),
        ("/ /sys/fs/cgroup cgroup2 -", "0::/\n"),
        # Neither the host's path nor a part of it is below what is mounted here.
        ("/ /sys/fs/cgroup cgroup2 -", "0::/../elsewhere/abc\n"),
    ],
    ids=["the host's path", "a namespace", "a path from outside"],
)
def test_a_container_sees_its_group_as_the_mounted_one(
    tree: RecordedGroups, mount: str, own: str
) -> None:
    tree.show([mount], own)
    tree.put("cpu.max", "200000 100000")
    assert cpu_quota(tree.root) == 2.0
    assert [group.folder for group in groups("cpu", tree.root)] == [tree.groups]


def test_without_limits_or_without_proc_there_are_none(tree: RecordedGroups) -> None:
    tree.show(V2, "0::/\n")
    tree.put("cpu.max", "max 100000")
    tree.put("memory.max", "max")
    assert (cpu_quota(tree.root), memory_limits(tree.root)) == (None, [])
    nothing = tree.root / "elsewhere"
    assert (cpu_quota(nothing), throttled(nothing), memory_limits(nothing)) == (None, 0, [])
    assert (used_share(nothing), available_bytes(nothing)) == (0.0, None)


def test_the_doctor_tells_of_the_quota_and_of_the_memory_limit(tree: RecordedGroups) -> None:
    tree.show(V2, "0::/job\n")
    assert cores.quota(tree.root, 2).level == "ok"
    tree.put("job/cpu.max", "150000 100000")
    found = cores.quota(tree.root, 2)
    assert found.level == "warning"
    assert found.found.startswith("1.5 cores")
    assert "CPUQuota=" in found.todo
    assert cores.quota(tree.root, 1).level == "ok"
    tree.put("job/cpu.max", "50000 100000")
    assert cores.quota(tree.root, 2).level == "problem"
    (tree.root / "proc/meminfo").write_text("MemTotal: 9000000 kB\nMemAvailable: 8000000 kB\n")
    assert memory.available(tree.root).level == "ok"
    tree.put("job/memory.max", "500000000")
    tree.put("job/memory.current", "100000000")
    assert memory.available(tree.root).level == "warning"
    assert "0.4 of 9.2 GB available" in memory.available(tree.root).found
    assert "limit is 0.5 GB" in memory.available(tree.root).found


@pytest.fixture
def tenth_of_a_core() -> Iterator[Path]:
    """A real group with a quota of a tenth of a core, below this process's own. So little that it
    is used up on a busy machine, too.
    """
    for group in groups("cpu"):
        folder = group.folder / f"chinwag-test-{os.getpid()}"
        with suppress(OSError):
            folder.mkdir()
            try:
                if group.version == 1:
                    (folder / "cpu.cfs_quota_us").write_text("10000")
                else:
                    (folder / "cpu.max").write_text("10000 100000")
                yield folder
                return
            finally:
                folder.rmdir()
    pytest.skip("no control group can be made here")


def test_a_process_in_a_real_group_sees_its_quota_and_its_throttling(tenth_of_a_core: Path) -> None:
    look = """
import os, sys, time
from chinwag_bench.machine.control_groups import cpu_quota
from chinwag_bench.machine.disturbance import Limits, between, take_snapshot
open(sys.argv[1], "w").write("0")
before, began = take_snapshot(), time.process_time()
while time.process_time() < began + 0.1: pass
found = between(before, take_snapshot(), Limits())
print(cpu_quota(), *found.reasons, sep="|")
"""
    done = subprocess.run(
        [sys.executable, "-c", look, str(tenth_of_a_core / "cgroup.procs")],
        cwd=BENCH,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    quota, *reasons = done.stdout.strip().split("|")
    assert quota == "0.1", done.stderr
    assert any(reason.startswith("throttled") for reason in reasons)

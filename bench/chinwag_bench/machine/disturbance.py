"""What else happened on the machine during a cell, judged by limits that were fixed beforehand."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import msgspec

from chinwag_bench.machine.cputime import tree_cpu

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_USER, _NICE, _SYSTEM, _STEAL = 0, 1, 2, 7
_THROTTLE_FILES = ("/sys/fs/cgroup/cpu.stat", "/sys/fs/cgroup/cpu/cpu.stat")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """A cell is disturbed when it exceeds any of these. They are written into run.json."""

    steal_share_max: float = 0.02
    """Of all cores' time, taken by the hypervisor."""
    other_cores_max: float = 0.10
    """Cores kept busy by processes that are not the kit's."""
    swapped_pages_max: int = 0
    throttled_max: int = 0
    """Times that a CPU quota or heat held this machine back."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Counters at one moment; only differences of two mean something."""

    monotonic_s: float
    busy_s: float
    steal_s: float
    own_s: float
    swapped_pages: int
    throttled: int


class Disturbance(msgspec.Struct, kw_only=True):
    """What lies between two snapshots. ``reasons`` is empty when the cell was undisturbed."""

    steal_share: float
    other_cores: float
    swapped_pages: int
    throttled: int
    reasons: list[str] = []
    attempt: int = 1
    """2 and more: this cell repeats one that was disturbed."""

    def as_json(self) -> dict[str, Any]:
        return {**msgspec.to_builtins(self), "disturbed": bool(self.reasons)}


def take_snapshot() -> Snapshot:
    """Reads all counters. The kit's own CPU time: this process and everything below it."""
    fields = [
        int(field) / _TICKS_PER_S
        for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    ]
    return Snapshot(
        monotonic_s=time.monotonic(),
        busy_s=fields[_USER] + fields[_NICE] + fields[_SYSTEM],
        steal_s=fields[_STEAL],
        own_s=tree_cpu(os.getpid(), include_root=True).total_s,
        swapped_pages=_swapped_pages(),
        throttled=_throttled(),
    )


def between(before: Snapshot, after: Snapshot, limits: Limits, attempt: int = 1) -> Disturbance:
    """Judges the time between two snapshots."""
    wall_s = max(after.monotonic_s - before.monotonic_s, 1e-6)
    others_s = (after.busy_s - before.busy_s) - (after.own_s - before.own_s)
    found = Disturbance(
        steal_share=(after.steal_s - before.steal_s) / (wall_s * (os.cpu_count() or 1)),
        other_cores=max(0.0, others_s / wall_s),
        swapped_pages=after.swapped_pages - before.swapped_pages,
        throttled=after.throttled - before.throttled,
        attempt=attempt,
    )
    found.reasons = _reasons(found, limits)
    return found


def _reasons(found: Disturbance, limits: Limits) -> list[str]:
    reasons = []
    if found.steal_share > limits.steal_share_max:
        reasons.append(
            f"steal {found.steal_share:.1%} of CPU time (limit {limits.steal_share_max:.0%})"
        )
    if found.other_cores > limits.other_cores_max:
        reasons.append(
            f"other load {found.other_cores:.2f} cores (limit {limits.other_cores_max:.2f})"
        )
    if found.swapped_pages > limits.swapped_pages_max:
        reasons.append(f"{found.swapped_pages} pages swapped")
    if found.throttled > limits.throttled_max:
        reasons.append(f"throttled {found.throttled} times")
    return reasons


def _swapped_pages() -> int:
    lines = (line.split() for line in Path("/proc/vmstat").read_text().splitlines())
    return sum(int(value) for name, value in lines if name in ("pswpin", "pswpout"))


def _throttled() -> int:
    return sum(map(_quota_throttles, _THROTTLE_FILES)) + sum(
        _number(path)
        for path in Path("/sys/devices/system/cpu").glob("cpu*/thermal_throttle/*_throttle_count")
    )


def _quota_throttles(path: str) -> int:
    try:
        lines = (line.split() for line in Path(path).read_text().splitlines())
    except OSError:
        return 0
    return sum(int(value) for name, value in lines if name == "nr_throttled")


def _number(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0

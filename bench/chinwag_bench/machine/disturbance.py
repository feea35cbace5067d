"""What else happened on the machine during a cell, judged by limits that were fixed beforehand."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import cast

import msgspec

from chinwag_bench.machine import control_groups
from chinwag_bench.machine.cputime import tree_cpu
from chinwag_bench.records import Disturbed

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_USER, _NICE, _SYSTEM, _STEAL = 0, 1, 2, 7
_ROOT = Path("/")


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
    """Counters at one moment; only differences of two mean something. ``None``: this machine does
    not show it.
    """

    monotonic_s: float
    busy_s: float | None
    steal_s: float | None
    own_s: float
    swapped_pages: int | None
    throttled: int


class Disturbance(msgspec.Struct, kw_only=True):
    """What lies between two snapshots. ``reasons`` is empty when the cell was undisturbed, as far
    as this machine shows: ``None`` stands for what it does not.
    """

    steal_share: float | None
    other_cores: float | None
    swapped_pages: int | None
    throttled: int
    reasons: list[str] = []
    attempt: int = 1
    """2 and more: this cell repeats one that was disturbed."""

    def as_json(self) -> Disturbed:
        return cast("Disturbed", {**msgspec.to_builtins(self), "disturbed": bool(self.reasons)})


def take_snapshot(root: Path = _ROOT) -> Snapshot:
    """Reads all counters. The kit's own CPU time: this process and everything below it."""
    fields = _cpu_seconds(root)
    return Snapshot(
        monotonic_s=time.monotonic(),
        busy_s=fields[_USER] + fields[_NICE] + fields[_SYSTEM] if fields else None,
        steal_s=fields[_STEAL] if len(fields) > _STEAL else None,
        own_s=tree_cpu(os.getpid(), include_root=True).total_s,
        swapped_pages=_swapped_pages(root),
        throttled=_throttled(root),
    )


def unseen(snapshot: Snapshot) -> str | None:
    """What of other programs this machine does not show, in a sentence; ``None``: it shows all."""
    missing = [
        what
        for what, value in (
            ("other load", snapshot.busy_s),
            ("steal", snapshot.steal_s),
            ("swapping", snapshot.swapped_pages),
        )
        if value is None
    ]
    if not missing:
        return None
    return f"this machine does not show {', '.join(missing)}: no round counts as disturbed by it"


def between(before: Snapshot, after: Snapshot, limits: Limits, attempt: int = 1) -> Disturbance:
    """Judges the time between two snapshots."""
    wall_s = max(after.monotonic_s - before.monotonic_s, 1e-6)
    steal_s = _gained(before.steal_s, after.steal_s)
    busy_s = _gained(before.busy_s, after.busy_s)
    own_s = after.own_s - before.own_s
    swapped = _gained(before.swapped_pages, after.swapped_pages)
    found = Disturbance(
        steal_share=None if steal_s is None else steal_s / (wall_s * (os.cpu_count() or 1)),
        other_cores=None if busy_s is None else max(0.0, (busy_s - own_s) / wall_s),
        swapped_pages=None if swapped is None else round(swapped),
        throttled=after.throttled - before.throttled,
        attempt=attempt,
    )
    found.reasons = _reasons(found, limits)
    return found


def _gained(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _reasons(found: Disturbance, limits: Limits) -> list[str]:
    reasons = []
    if found.steal_share is not None and found.steal_share > limits.steal_share_max:
        reasons.append(
            f"steal {found.steal_share:.1%} of CPU time (limit {limits.steal_share_max:.0%})"
        )
    if found.other_cores is not None and found.other_cores > limits.other_cores_max:
        reasons.append(
            f"other load {found.other_cores:.2f} cores (limit {limits.other_cores_max:.2f})"
        )
    if found.swapped_pages is not None and found.swapped_pages > limits.swapped_pages_max:
        reasons.append(f"{found.swapped_pages} pages swapped")
    if found.throttled > limits.throttled_max:
        reasons.append(f"throttled {found.throttled} times")
    return reasons


def _cpu_seconds(root: Path) -> list[float]:
    """Of all cores since the boot, by kind; empty where the kernel does not show it."""
    first = (_text(root / "proc/stat") or "").partition("\n")[0].split()
    return [int(field) / _TICKS_PER_S for field in first[1:]] if first[:1] == ["cpu"] else []


def _swapped_pages(root: Path) -> int | None:
    text = _text(root / "proc/vmstat")
    if text is None:
        return None
    lines = (line.split() for line in text.splitlines())
    return sum(int(value) for name, value in lines if name in ("pswpin", "pswpout"))


def _throttled(root: Path) -> int:
    """By a quota of this process's control groups, or by heat."""
    counts = (root / "sys/devices/system/cpu").glob("cpu*/thermal_throttle/*_throttle_count")
    return control_groups.throttled(root) + sum(map(_number, counts))


def _number(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0


def _text(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None

"""What else runs right now, by the limits that a run would call its rounds disturbed by."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from chinwag_bench.machine.disturbance import Disturbance, Limits, between, take_snapshot
from chinwag_bench.machine.doctor.finding import Finding, read

_GROUP = "present load"
_WATCHED_S = 1.0


def findings(root: Path) -> Iterator[Finding]:
    before = take_snapshot(root)
    time.sleep(_WATCHED_S)
    limits = Limits()
    found = between(before, take_snapshot(root), limits)
    yield other_load(found, limits, read(root, "proc/loadavg") or "")
    yield steal(found, limits)
    yield throttling(found)


def other_load(found: Disturbance, limits: Limits, loadavg: str) -> Finding:
    if found.other_cores is None:
        return _not_shown("other programs", "rounds that other programs disturb are not repeated")
    busy = found.other_cores > limits.other_cores_max
    average = f", load average {loadavg.split(maxsplit=1)[0]}" if loadavg else ""
    return Finding(
        group=_GROUP,
        check="other programs",
        level="warning" if busy else "ok",
        found=f"{found.other_cores:.2f} cores busy{average}",
        meaning=f"rounds are called disturbed above {limits.other_cores_max:.2f} cores"
        + (": most would be, and are repeated while the budget lasts" if busy else ""),
        todo="end them, or wait" if busy else "",
    )


def steal(found: Disturbance, limits: Limits) -> Finding:
    if found.steal_share is None:
        return _not_shown("steal", "rounds that a hypervisor takes time from are not repeated")
    stolen = found.steal_share > limits.steal_share_max
    return Finding(
        group=_GROUP,
        check="steal",
        level="warning" if stolen else "ok",
        found=f"{found.steal_share:.1%} of CPU time",
        meaning="the hypervisor gives this time to others: every rate is lower, every tail longer"
        if stolen
        else f"rounds are called disturbed above {limits.steal_share_max:.0%}",
        todo="use a machine of your own, or an hour when it is quiet" if stolen else "",
    )


def throttling(found: Disturbance) -> Finding:
    return Finding(
        group=_GROUP,
        check="throttling",
        level="warning" if found.throttled else "ok",
        found=f"{found.throttled} times in {_WATCHED_S:g} s",
        meaning="a CPU quota or heat holds the machine back"
        if found.throttled
        else "neither quota nor heat holds the machine back",
        todo="lift the quota, or let it cool" if found.throttled else "",
    )


def _not_shown(check: str, meaning: str) -> Finding:
    return Finding(group=_GROUP, check=check, level="note", found="not shown", meaning=meaning)

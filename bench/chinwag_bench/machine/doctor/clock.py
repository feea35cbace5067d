"""The clock: latency is a difference of two readings of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chinwag_bench.machine.doctor.finding import Finding, read

_FAST = {"tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"}
_FOLDER = "sys/devices/system/clocksource/clocksource0"


def findings(root: Path) -> Iterator[Finding]:
    current = read(root, f"{_FOLDER}/current_clocksource")
    if current is None:
        return
    fast = current in _FAST
    others = (read(root, f"{_FOLDER}/available_clocksource") or "").split()
    better = [name for name in others if name in _FAST]
    yield Finding(
        group="clock",
        check="clock source",
        level="ok" if fast else "warning",
        found=current,
        meaning="read without a system call"
        if fast
        else "each reading is a system call: the generator is the limit sooner, and servers that "
        "look at the time pay for it",
        todo=""
        if fast
        else f"echo {better[0]} > /{_FOLDER}/current_clocksource"
        if better
        else "boot with a stable TSC",
    )

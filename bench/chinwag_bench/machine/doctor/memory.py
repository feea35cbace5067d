"""Memory, swap, and whether the kernel's share can be measured or only estimated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from chinwag_bench.machine.doctor.finding import Finding, read
from chinwag_bench.machine.kernel_memory import kernel_meter

_GROUP = "memory"
_GIGABYTE = 1e9
_NEEDED = 3e9
"""10,000 connections of the hungriest server, the generator and the page cache."""


def findings(root: Path) -> Iterator[Finding]:
    yield available(root)
    yield swap(root)
    with kernel_meter() as meter:
        yield kernel_share(root, meter.method)


def available(root: Path) -> Finding:
    total, free = _meminfo(root, "MemTotal"), _meminfo(root, "MemAvailable")
    enough = free >= _NEEDED
    return Finding(
        group=_GROUP,
        check="memory",
        level="ok" if enough else "warning",
        found=f"{free / _GIGABYTE:.1f} of {total / _GIGABYTE:.1f} GB available",
        meaning="enough for 10,000 connections of every server"
        if enough
        else "the memory rows may swap, or end in the kernel killing a server",
        todo="" if enough else "end other programs",
    )


def swap(root: Path) -> Finding:
    total, free = _meminfo(root, "SwapTotal"), _meminfo(root, "SwapFree")
    used = total - free
    return Finding(
        group=_GROUP,
        check="swap",
        level="note" if used else "ok",
        found=f"{used / _GIGABYTE:.1f} of {total / _GIGABYTE:.1f} GB used" if total else "none",
        meaning="rounds in which pages are swapped count as disturbed and are repeated"
        if total
        else "nothing can be swapped out in the middle of a hold",
        todo="swapoff -a, where memory allows" if used else "",
    )


def kernel_share(root: Path, method: str) -> Finding:
    """``method`` is what a meter that was just made here says of itself."""
    version = "2" if (root / "sys/fs/cgroup/cgroup.controllers").exists() else "1 or mixed"
    exact = method != "estimate"
    return Finding(
        group=_GROUP,
        check="control groups",
        level="ok" if exact else "note",
        found=f"version {version}; a group {'can' if exact else 'can not'} be made",
        meaning=f"kernel memory is measured exactly ({method})"
        if exact
        else "kernel memory is half of what the whole machine gained, marked as an estimate",
        todo="" if exact else "run as root, or below a delegated group with the memory controller",
    )


def _meminfo(root: Path, key: str) -> int:
    """Bytes; 0 where it is not shown."""
    match = re.search(rf"^{key}:\s+(\d+) kB", read(root, "proc/meminfo") or "", re.MULTILINE)
    return int(match[1]) * 1024 if match else 0

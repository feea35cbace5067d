"""Memory, swap, and whether the kernel's share can be measured or only estimated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chinwag_bench.machine.control_groups import memory_limits
from chinwag_bench.machine.doctor.finding import Finding, read
from chinwag_bench.machine.first_touch import GIBIBYTE, touch
from chinwag_bench.machine.kernel_memory import kernel_meter
from chinwag_bench.machine.memory_share import available_bytes, host_memory

_GROUP = "memory"
_GIGABYTE = 1e9
_SET_SIZES = ("smaps_rollup", "smaps")
_TOUCHED_FOR_S = 3.0
_SLOW_MS_PER_GIB = 1500.0
"""Page faults of a machine whose memory is backed take 200 to 700 ms."""
_STALL_MS = 60.0
"""For 16 MiB: above it a tail of tens of milliseconds need not be the server's."""
_NEEDED = 3e9
"""10,000 connections of the hungriest server, the generator and the page cache."""


def findings(root: Path) -> Iterator[Finding]:
    yield available(root)
    yield swap(root)
    yield of_processes(root)
    yield first_touch(root)
    with kernel_meter() as meter:
        yield kernel_share(root, meter.method)


def available(root: Path) -> Finding:
    total, free = host_memory(root).get("MemTotal"), available_bytes(root)
    limits = [limit.allowed for limit in memory_limits(root)]
    if free is None:
        return _not_shown("memory", "whether the memory rows fit can't be told")
    enough = free >= _NEEDED
    of = f" of {total / _GIGABYTE:.1f} GB" if total is not None else ""
    limit = f"; the control group's limit is {min(limits) / _GIGABYTE:.1f} GB" if limits else ""
    return Finding(
        group=_GROUP,
        check="memory",
        level="ok" if enough else "warning",
        found=f"{free / _GIGABYTE:.1f}{of or ' GB'} available{limit}",
        meaning="enough for 10,000 connections of every server"
        if enough
        else "the memory rows may swap, or end in the kernel killing a server",
        todo="" if enough else "end other programs" + (", or raise the limit" if limits else ""),
    )


def swap(root: Path) -> Finding:
    fields = host_memory(root)
    if "SwapTotal" not in fields:
        return _not_shown("swap", "rounds in which pages are swapped may not be noticed")
    total = fields["SwapTotal"]
    used = total - fields.get("SwapFree", total)
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


def of_processes(root: Path) -> Finding:
    """Proportional set sizes, in which pages that processes share count once."""
    shown = any("Pss:" in (read(root, f"proc/self/{name}") or "") for name in _SET_SIZES)
    return Finding(
        group=_GROUP,
        check="memory of processes",
        level="ok" if shown else "warning",
        found="shown" if shown else "not shown",
        meaning="user memory of a server is the sum of its processes' proportional set sizes"
        if shown
        else "what a server takes can't be told: the memory rows are not worth reading",
        todo="" if shown else "measure on a kernel with /proc/PID/smaps, not in a sandbox",
    )


def first_touch(root: Path) -> Finding:
    """Touches fresh memory, a gibibyte of it where that is an eighth of what is available."""
    free = available_bytes(root)
    size = min(GIBIBYTE, (free or 0) // 8)
    found = touch(size, _TOUCHED_FOR_S)
    if not found.bytes:
        return _not_shown("first touch", "too little memory to try what a first touch costs")
    slow = found.ms_per_gib > _SLOW_MS_PER_GIB or found.slowest_ms > _STALL_MS
    return Finding(
        group=_GROUP,
        check="first touch",
        level="warning" if slow else "ok",
        found=found.text(),
        meaning="the host backs memory only when it is touched: a server that grows stalls for it; "
        "a run touches what it needs beforehand, as far as it can"
        if slow
        else "fresh memory is backed at once, as far as this shows",
        todo="have the host back the guest's memory (preallocation, huge pages, no ballooning), or "
        "run twice and quote the second"
        if slow
        else "",
    )


def kernel_share(root: Path, method: str) -> Finding:
    """``method`` is what a meter that was just made here says of itself."""
    if method == "none":
        return _not_shown("control groups", "the kernel's share of memory is not measured")
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


def _not_shown(check: str, meaning: str) -> Finding:
    return Finding(group=_GROUP, check=check, level="note", found="not shown", meaning=meaning)

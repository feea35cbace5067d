"""Memory, swap, and whether the kernel's share can be measured or only estimated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chinwag_bench.machine.control_groups import memory_limits
from chinwag_bench.machine.doctor.finding import Finding, read
from chinwag_bench.machine.kernel_memory import kernel_meter
from chinwag_bench.machine.memory_share import available_bytes, host_memory

_GROUP = "memory"
_GIGABYTE = 1e9
_SET_SIZES = ("smaps_rollup", "smaps")
_NEEDED = 3e9
"""10,000 connections of the hungriest server, the generator and the page cache."""


def findings(root: Path) -> Iterator[Finding]:
    yield available(root)
    yield swap(root)
    yield of_processes(root)
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

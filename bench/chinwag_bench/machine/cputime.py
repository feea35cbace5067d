"""CPU time of a process tree, ended children included."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from chinwag_bench.servers.supervisor import descendants

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# Positions in /proc/PID/stat after the closing parenthesis of the command's name.
_UTIME, _STIME, _CUTIME, _CSTIME = 11, 12, 13, 14


class CpuTime(msgspec.Struct, frozen=True):
    """CPU seconds in user and in kernel mode. The kernel counts in ticks of 10 ms."""

    user_s: float = 0.0
    system_s: float = 0.0

    @property
    def total_s(self) -> float:
        return self.user_s + self.system_s

    def __add__(self, other: CpuTime) -> CpuTime:
        return CpuTime(self.user_s + other.user_s, self.system_s + other.system_s)

    def __sub__(self, other: CpuTime) -> CpuTime:
        return CpuTime(self.user_s - other.user_s, self.system_s - other.system_s)


def tree_cpu(root: int, *, include_root: bool) -> CpuTime:
    """CPU time of everything below ``root``, and of what ended there and was reaped.

    Without ``include_root`` the root's own time is left out, but not that of the children it has
    reaped: that is what a server consumed whose root is a supervisor. A process that ends between
    two reads is missed for one sample."""
    own, reaped = _times(root)
    total = own + reaped if include_root else reaped
    for pid in descendants(root):
        below_own, below_reaped = _times(pid)
        total = total + below_own + below_reaped
    return total


ThreadTimes = dict[str, float]
"""CPU seconds by ``PID/TID NAME``."""


def thread_times(root: int) -> ThreadTimes:
    """Of every thread of every process below ``root``; what ends meanwhile is left out."""
    found: ThreadTimes = {}
    for pid in descendants(root):
        with suppress(OSError):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                with suppress(OSError):
                    name = (thread / "comm").read_text(errors="replace").strip()
                    found[f"{pid}/{thread.name} {name}"] = thread_cpu_s(thread)
    return found


def thread_cpu_s(thread: Path) -> float:
    """CPU seconds of one thread, given as /proc/PID/task/TID. Raises ``OSError`` if it is gone."""
    own, _ = _split((thread / "stat").read_text(encoding="ascii", errors="replace"))
    return own.total_s


def _times(pid: int) -> tuple[CpuTime, CpuTime]:
    """Own and reaped children's time; zero for a process that is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return CpuTime(), CpuTime()
    return _split(stat)


def _split(stat: str) -> tuple[CpuTime, CpuTime]:
    fields = stat.rpartition(")")[2].split()
    user, system, reaped_user, reaped_system = (
        int(fields[position]) / _TICKS_PER_S for position in (_UTIME, _STIME, _CUTIME, _CSTIME)
    )
    return CpuTime(user, system), CpuTime(reaped_user, reaped_system)

"""What it costs to touch memory for the first time, and how to have paid for it beforehand.

A guest's memory that its host has not backed yet costs milliseconds a mebibyte at its first touch:
a server that grows in the middle of a hold would stall for it, and would be called slow.
"""

from __future__ import annotations

import mmap
import time
from pathlib import Path

import msgspec

from chinwag_bench.machine.memory_share import available_bytes, host_memory

GIBIBYTE = 1 << 30
_CHUNK = 16 << 20
_ROOT = Path("/")
_SHARE_MAX = 0.5
"""Of what is available: who runs beside keeps the rest."""
_SMALL = 4 * GIBIBYTE
"""A machine with less memory than this is left alone."""
_WARM_BUDGET_S = 30.0


class Touch(msgspec.Struct, frozen=True):
    """Fresh anonymous memory, touched page by page and given back."""

    bytes: int
    seconds: float
    slowest_ms: float
    """Of 16 MiB."""

    @property
    def ms_per_gib(self) -> float:
        return self.seconds * 1000 * GIBIBYTE / self.bytes if self.bytes else 0.0

    def text(self) -> str:
        return (
            f"{self.bytes / GIBIBYTE:.1f} GiB touched in {self.seconds:.1f} s "
            f"({self.ms_per_gib:,.0f} ms per GiB, slowest 16 MiB {self.slowest_ms:.0f} ms)"
        )


def touch(size: int, budget_s: float) -> Touch:
    """Touches ``size`` bytes, in whole pieces of 16 MiB, or as many as the time allows."""
    began, slowest_s, done = time.perf_counter(), 0.0, 0
    pieces = size // _CHUNK
    if not pieces:
        return Touch(0, 0.0, 0.0)
    page = mmap.PAGESIZE
    one_a_page = bytes(_CHUNK // page)
    with mmap.mmap(-1, pieces * _CHUNK) as memory, memoryview(memory) as view:
        now = began
        while done < pieces and now - began < budget_s:
            view[done * _CHUNK : (done + 1) * _CHUNK : page] = one_a_page
            before, now = now, time.perf_counter()
            slowest_s = max(slowest_s, now - before)
            done += 1
    return Touch(done * _CHUNK, now - began, slowest_s * 1000)


def warm(wanted: int, root: Path = _ROOT) -> Touch | None:
    """Touches as much as a run is going to need, so that the host has backed it by then: at most
    ``wanted`` bytes, half of what is available, and 30 seconds. ``None`` on a small machine, and
    where memory is not shown.
    """
    size = warmable(wanted, root)
    return touch(size, _WARM_BUDGET_S) if size else None


def warmable(wanted: int, root: Path = _ROOT) -> int:
    """How many bytes :func:`warm` would touch here; 0 for none."""
    total, free = host_memory(root).get("MemTotal"), available_bytes(root)
    if total is None or free is None or total < _SMALL:
        return 0
    return min(wanted, int(free * _SHARE_MAX))

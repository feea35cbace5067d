"""Which processor runs what: the server has one of its own where there are two."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Placement:
    server: int
    load: int

    @property
    def shared(self) -> bool:
        return self.server == self.load


def place() -> Placement:
    """The first of the processors that this process may use for the server, the last for load."""
    usable = sorted(os.sched_getaffinity(0))
    return Placement(usable[0], usable[-1])


def pin(pid: int, cpu: int) -> None:
    """All threads of the process, those that it starts later included."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread), {cpu})


def prefer(pid: int, cpu: int) -> bool:
    """Pins the process and lets it run before all others there; False if that is not allowed. Then
    the control's round trips show how much it waited."""
    pin(pid, cpu)
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            os.sched_setscheduler(int(thread), os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        return False
    return True

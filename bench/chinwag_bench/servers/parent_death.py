"""A child process that does not outlive this one, even when this one is killed."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def ending_with_parent(by: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """What ``subprocess`` shall call in the child before its program: the kernel then kills it when
    the thread that started it ends. For one process without children of its own; see
    ``process_tree`` for others.
    """
    parent = os.getpid()

    def ask_the_kernel() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, by, 0, 0, 0)
        # It tells of deaths from now on; the parent may have died before.
        if os.getppid() != parent:
            os._exit(1)

    return ask_the_kernel

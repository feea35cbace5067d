"""What /proc says of a server's processes: open descriptors and memory."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from chinwag_bench.errors import ServerError
from chinwag_bench.servers.process import ServerProcess

from .servers import Running


def process_ids(server: Running) -> list[int]:
    health = server.health()
    return sorted({health["pid"], *health["workers"]})


@contextlib.contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """SIGSTOP for the length of the block, as a debugger or a suspended machine would."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        _until_no_thread_runs(pids)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def _until_no_thread_runs(pids: list[int], timeout_s: float = 5.0) -> None:
    """kill() returns before the last thread has heard: one that is awake still accepts."""
    deadline = time.monotonic() + timeout_s
    while running := [task for pid in pids for task in _tasks(pid) if _state(task) not in "TtZX"]:
        assert time.monotonic() < deadline, f"{running} run {timeout_s} s after SIGSTOP"
        time.sleep(0.001)


def _tasks(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/task").iterdir())


def _state(task: Path) -> str:
    """The letter of proc(5); X of a thread that is gone. The name before it may hold anything."""
    try:
        return (task / "stat").read_text("ascii", "replace").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def open_descriptors(pids: list[int]) -> int:
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)


def resident_bytes(pids: list[int]) -> int:
    return sum(_resident_pages(pid) for pid in pids) * os.sysconf("SC_PAGE_SIZE")


def _resident_pages(pid: int) -> int:
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1])


def proportional_bytes(pids: list[int]) -> int:
    """The sum of PSS: a page that several processes share counts once."""
    return sum(_proportional_kib(pid) for pid in pids) * 1024


def _proportional_kib(pid: int) -> int:
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


async def until(reached: Callable[[], bool], what: str, timeout_s: float = 15.0) -> None:
    """Waits for something that no message announces."""
    deadline = time.monotonic() + timeout_s
    while not reached():
        assert time.monotonic() < deadline, f"{what}: not within {timeout_s:.0f} s"
        await asyncio.sleep(0.02)


def has_ended(process: ServerProcess) -> bool:
    try:
        process.check_alive()
    except ServerError:
        return True
    return False

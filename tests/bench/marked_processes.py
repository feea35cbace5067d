"""Finds every process that a test has caused, however it detached itself: by its environment."""

from __future__ import annotations

import os
import signal
import time
import uuid
from pathlib import Path

_NAME = "CHINWAG_TEST_MARK"


class Mark:
    """A variable that all processes below the first one inherit."""

    def __init__(self) -> None:
        self._value = uuid.uuid4().hex
        self.env = {_NAME: self._value}

    def processes(self) -> dict[int, dict[str, str]]:
        """The environment of each living process that bears the mark, by its id."""
        environments = {pid: _environment(pid) for pid in _pids()}
        return {
            pid: found for pid, found in environments.items() if found.get(_NAME) == self._value
        }

    def ports(self) -> set[int]:
        """Where the servers among them were told to listen."""
        found = (environment.get("CHAT_PORT") for environment in self.processes().values())
        return {int(port) for port in found if port}

    def wait_for(self, program: str, timeout_s: float = 60.0) -> None:
        """Until one of them runs this program."""
        deadline = time.monotonic() + timeout_s
        while not any(program in _command(pid) for pid in self.processes()):
            assert time.monotonic() < deadline, f"{program} was not started"
            time.sleep(0.02)

    def wait_until_gone(self, timeout_s: float = 20.0) -> None:
        """Fails if one outlives that time, and ends it."""
        deadline = time.monotonic() + timeout_s
        while left := self.processes():
            if time.monotonic() > deadline:
                commands = [_command(pid) for pid in left]
                for pid in left:
                    os.kill(pid, signal.SIGKILL)
                raise AssertionError(f"left behind: {commands}")
            time.sleep(0.02)


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _environment(pid: int) -> dict[str, str]:
    """Empty for a zombie, a process of somebody else, and one that has just ended."""
    try:
        content = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except OSError:
        return {}
    return dict(pair.split("=", 1) for pair in content.split("\0") if "=" in pair)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
    except OSError:
        return ""

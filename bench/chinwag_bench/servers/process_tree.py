"""A program with everything that it starts: watched from here, and gone when this process is,
however this process ends (see ``supervisor.py``).
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

import msgspec

from chinwag_bench.errors import HostError, ServerError
from chinwag_bench.servers import supervisor

_START_TIMEOUT_S = 30.0
_KILL_TIMEOUT_S = 10.0
# From the kernel's taking a process down to the supervisor's word of it; a large one takes a while.
_LAST_WORD_TIMEOUT_S = 20.0
_PF_EXITING = 0x4
_NO_MORE = "end of the control connection"


class Program(msgspec.Struct, kw_only=True):
    """What to run. Its output goes to ``output``; ``None`` means this process's standard error."""

    name: str
    """For messages."""
    command: list[str]
    folder: Path
    env: dict[str, str]
    cores: list[int] | None = None
    cgroups: list[str] = []
    """``cgroup.procs`` files that it enters before its first instruction."""
    file_bytes_max: int | None = None
    """It is ended by SIGXFSZ when a file that it writes, its output's too, grows beyond this."""
    open_files: int | None = None
    """The most that each of its processes may open; ``None`` leaves the limit as it is."""
    restarts: bool = False
    """Whenever it ends by itself, or is killed by others, it is started again."""
    listener: int | None = None
    """A listening socket's descriptor, which the program gets as its 3 (sd_listen_fds(3))."""
    successor: dict[str, str] = {}
    """Variables of its successor: see ``ProcessTree.succeed``."""


class ProcessTree:
    """A started program. Leave its ``with`` block and it is gone, with all that it started."""

    def __init__(self, program: Program, output: IO[bytes] | None) -> None:
        self.program = program
        self.exit_code: int | None = None
        """Negative: the signal that ended it. ``None`` until its end is known."""
        self.pid = 0
        self._unread = b""
        self._left = False
        self._mark = uuid.uuid4().hex
        self._control, child_end = socket.socketpair()
        with child_end:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", supervisor.__file__, _settings(program, child_end)],
                cwd=program.folder,
                env=program.env | {supervisor.MARK: self._mark},
                stdin=subprocess.DEVNULL,
                stdout=output or sys.stderr,
                stderr=output or sys.stderr,
                pass_fds=[child_end.fileno()]
                + ([] if program.listener is None else [program.listener]),
                start_new_session=True,
            )
        started = self._read_line(_START_TIMEOUT_S).split()
        if started[:1] != ["started"]:
            self.end()
            raise ServerError(f"{program.name}: its supervisor did not start")
        self.pid = int(started[1])
        self.started_at = float(started[2])
        """CLOCK_MONOTONIC seconds, just before the program's process was made; the last one's,
        where it was started again: see ``follow``."""

    def follow(self) -> int:
        """The process of a program that is started again whenever it ends, as of now."""
        while line := self._read_line(0.0):
            if line == _NO_MORE:
                raise ServerError(f"{self.program.name}: its supervisor was killed")
            word, *rest = line.split()
            if word == "started":
                self.pid, self.started_at = int(rest[0]), float(rest[1])
        return self.pid

    def succeed(self) -> int:
        """Starts the program once more, as its own successor, and returns that one's process. From
        now on the successor is the program. Raises ``ServerError``.
        """
        return self._replaced("succeed")

    def follow_successor(self, pid: int) -> None:
        """A process that the program has started itself is the program from now on."""
        self._replaced(f"follow {pid}")

    def wait_until_left(self, timeout_s: float) -> bool:
        """Whether the one before the successor has ended."""
        deadline = time.monotonic() + timeout_s
        while not self._left and time.monotonic() < deadline:
            self._note(self._read_line(deadline - time.monotonic()))
        return self._left

    def _replaced(self, order: str) -> int:
        self._left = self.exit_code is not None
        self.exit_code = None
        try:
            self._control.sendall(order.encode() + b"\n")
        except OSError as error:
            raise ServerError(f"{self.program.name}: its supervisor was killed") from error
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            line = self._read_line(deadline - time.monotonic())
            word, *rest = line.split()
            if word == "started":
                self.pid, self.started_at = int(rest[0]), float(rest[1])
                return self.pid
            # The one before may end by itself, before or after its successor is known.
            self._left = self._left or word in ("left", "exited")
        raise ServerError(f"{self.program.name}: its supervisor does not answer")

    @property
    def supervisor_pid(self) -> int:
        """The root of the tree for CPU and memory samples; it is not part of the program."""
        return self._supervisor.pid

    def look(self) -> int | None:
        """The exit code if the program has ended, else ``None``, at once.

        A program that the kernel is taking down just now counts as ended: its connections are
        closed before anybody is told, and who saw that must not find it alive here. One that is
        started again never counts as ended."""
        if self.program.restarts:
            return None
        self.wait(0.0)
        if self.exit_code is None and is_ending(self.pid):
            self.wait(_LAST_WORD_TIMEOUT_S)
        return self.exit_code

    def wait(self, timeout_s: float) -> int | None:
        """The exit code, or ``None`` when the program runs on after so many seconds."""
        if self.exit_code is None and self._supervisor.returncode is None:
            self._note(self._read_line(timeout_s))
        return self.exit_code

    def _note(self, line: str) -> None:
        if line.startswith("exited "):
            self.exit_code = int(line.split()[1])
        elif line.startswith("left "):
            self._left = True
        elif line == _NO_MORE:
            # The supervisor was killed, and takes the program along.
            self.exit_code = -signal.SIGKILL

    def end(self) -> None:
        """Kills the program and everything it started. Calling it again changes nothing.

        Raises ``HostError`` when something of it outlives that."""
        if self._supervisor.returncode is not None:
            return
        try:
            self._control.sendall(b"kill\n")
        except OSError:
            self._supervisor.terminate()
        try:
            self._supervisor.wait(_KILL_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            self._supervisor.kill()
            self._supervisor.wait()
            raise _outlived(self.program.name, f"process group {self.pid}") from error
        finally:
            self._control.close()
        if self._supervisor.returncode:
            self._end_orphans()

    def _end_orphans(self) -> None:
        """Kills what a killed supervisor could not: processes that had detached themselves, which
        are nobody's children here. All that the program started bears its mark.
        """
        deadline = time.monotonic() + _KILL_TIMEOUT_S
        while orphans := supervisor.marked(self._mark):
            if time.monotonic() > deadline:
                raise _outlived(self.program.name, f"processes {', '.join(map(str, orphans))}")
            for pid in orphans:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)

    def __enter__(self) -> ProcessTree:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def _read_line(self, timeout_s: float) -> str:
        """One control line; an empty text when none came in time, ``_NO_MORE`` when none will."""
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._unread:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._control], [], [], left)[0]:
                return ""
            received = self._control.recv(4096)
            if not received:
                return _NO_MORE
            self._unread += received
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode()


def _outlived(name: str, what: str) -> HostError:
    return HostError(
        f"{name}: its processes outlive a kill by {_KILL_TIMEOUT_S:.0f} s",
        hint=f"look for what is left of {what}",
    )


def run_to_end(program: Program, output: IO[bytes], timeout_s: float) -> int:
    """The exit code of a program that ends by itself; what it left running is killed.

    Raises ``TimeoutError`` when it has not ended after ``timeout_s`` seconds."""
    with ProcessTree(program, output) as tree:
        code = tree.wait(timeout_s)
        if code is not None:
            return code
    raise TimeoutError(f"{program.name} did not end within {timeout_s:.0f} s")


def is_ending(pid: int) -> bool:
    """Whether the kernel takes a process down, in all of its threads, or has done so."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return all(map(_thread_is_ending, threads))
    except OSError:
        return True


def _thread_is_ending(thread: Path) -> bool:
    try:
        # The name in brackets may hold anything, so what follows its end is counted.
        state, *fields = (thread / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return True
    return state in "ZX" or bool(int(fields[5]) & _PF_EXITING)


def _settings(program: Program, child_end: socket.socket) -> str:
    return json.dumps(
        {
            "control": child_end.fileno(),
            "command": program.command,
            "cores": program.cores,
            "cgroups": program.cgroups,
            "file_bytes_max": program.file_bytes_max,
            "open_files": program.open_files,
            "restarts": program.restarts,
            "listener": program.listener,
            "successor": program.successor,
        }
    )

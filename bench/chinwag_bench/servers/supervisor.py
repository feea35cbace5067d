"""Runs one program and leaves nothing behind. Started as a script, with the standard library alone.
The program is a server, and also what builds or verifies one.

It is the subreaper of everything that the program starts, so even a daemon that detached itself
(epmd does) stays below it. It kills the whole tree when it is told to, and also when the control
connection ends because the kit died in whatever way. The reverse, this process being killed, takes
the server along by PR_SET_PDEATHSIG. What had detached itself is found by its environment then: by
the kit, and by a guard that this process leaves behind in case both are killed.

Control messages, one line each: it says ``started PID MONOTONIC_SECONDS``, ``exited CODE``
(negative: a signal) and ``gone``; it understands ``kill``. Asked to, it starts the program again
whenever that ends: at once, and one that ended soon a moment later.

An upgrade has two: at ``succeed`` it starts the program once more, under the successor's variables,
and at ``follow PID`` a process that the program has started itself takes its place. Both are
answered by ``started``; the end of the one before is told as ``left CODE``. A listening socket that
it was given is each one's descriptor 3, announced as sd_listen_fds(3) says."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
EXEC_FAILED = 127
MARK = "CHINWAG_TREE"
"""The variable by which all processes below a supervisor can be found when it is gone."""
_GUARD_TIMEOUT_S = 10.0
_SOON_S = 0.1
_FIRST_PASSED = 3
"""SD_LISTEN_FDS_START."""

_libc = ctypes.CDLL(None, use_errno=True)


def descendants(pid: int) -> list[int]:
    """Every process below ``pid``, parents first. What ends meanwhile is left out."""
    found = []
    queue = [pid]
    # Kernels and sandboxes may be without the lists of children; the whole table tells the same.
    children_of = _children if _are_listed() else _by_parent().get
    while queue:
        parent = queue.pop()
        children = children_of(parent) or []
        found += children
        queue += children
    return found


def _children(pid: int) -> list[int]:
    children: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as listing:
                children += map(int, listing.read().split())
    except OSError:
        return children
    return children


def _are_listed() -> bool:
    return os.path.exists(f"/proc/self/task/{os.getpid()}/children")


def _by_parent() -> dict[int, list[int]]:
    """The children of every process, by its id."""
    found: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as stat:
                parent = int(stat.read().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        found.setdefault(parent, []).append(int(name))
    return found


def marked(mark: str) -> list[int]:
    """The living processes that have the mark in their environment. A zombie shows none."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/environ", "rb") as environment:
                if wanted in environment.read().split(b"\0"):
                    found.append(int(name))
        except OSError:  # Somebody else's, or just gone.
            continue
    return found


def post_guard(control: socket.socket) -> int:
    """Starts a process that kills all that bears this one's mark, should this one end without a
    word. Returns the end of a pipe: any byte sends the guard home.

    It is nobody's child here, so it counts neither as the server's nor as what is left to reap."""
    watched, told = os.pipe()
    between = os.fork()
    if between == 0:
        if os.fork() == 0:
            os.close(told)
            control.close()
            _keep_guard(watched, os.environ[MARK])
        os._exit(0)
    os.waitpid(between, 0)
    os.close(watched)
    return told


def _keep_guard(watched: int, mark: str) -> None:
    """In the guard. Never returns."""
    try:
        # Whoever reads the output waits for its end, and a group may be killed as one.
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in range(3):
            os.dup2(nothing, standard)
        if os.read(watched, 1):
            return
        deadline = time.monotonic() + _GUARD_TIMEOUT_S
        while time.monotonic() < deadline:
            left = [pid for pid in marked(mark) if pid != os.getpid()]
            if not left:
                return
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
    finally:
        os._exit(0)


class Supervisor:
    """The server's parent: a control connection on one side, child signals on the other."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.control = socket.socket(fileno=settings["control"])
        # The program must not hold this end: the kit would never see it close.
        self.control.set_inheritable(False)
        # Before this process adopts whatever lost its parent.
        self.guard = post_guard(self.control)
        self.wakeup, wakeup_end = socket.socketpair()
        self.wakeup_end = wakeup_end
        wakeup_end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.set_wakeup_fd(wakeup_end.fileno())
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.server = 0
        self.former: list[int] = []
        self.received = b""
        self.started_at = 0.0
        self.start_again_at: float | None = None

    def run(self) -> None:
        self.start()
        while True:
            ready, _, _ = select.select([self.control, self.wakeup], [], [], self.wait_s())
            if self.wakeup in ready and signal.SIGTERM in self.wakeup.recv(64):
                break
            self.reap()
            if self.control in ready and not all(map(self.obey, self.hear())):
                break
            if self.wait_s() == 0.0:
                self.start()
        self.start_again_at = None
        self.settings["restarts"] = False
        self.kill_tree()
        os.write(self.guard, b".")
        self.say("gone")

    def start(self) -> None:
        self.start_again_at = None
        self.started_at = time.monotonic()
        self.server = os.fork()
        if self.server == 0:
            self.become_server()
        self.say(f"started {self.server} {self.started_at!r}")

    def obey(self, line: str) -> bool:
        """Whether it goes on behind this word of the kit's."""
        word, _, rest = line.partition(" ")
        if word == "succeed":
            self.former.append(self.server)
            os.environ.update(self.settings["successor"])
            self.start()
        elif word == "follow":
            self.former.append(self.server)
            self.server, self.started_at = int(rest), time.monotonic()
            self.say(f"started {self.server} {self.started_at!r}")
        return word in ("succeed", "follow")

    def wait_s(self) -> float | None:
        """Until the program is to be started again; ``None`` where it is not."""
        if self.start_again_at is None:
            return None
        return max(0.0, self.start_again_at - time.monotonic())

    def hear(self) -> list[str]:
        """The lines that have come; an empty one at the end of the connection: the kit is gone. One
        that had not yet read what was said to it resets the connection.
        """
        try:
            heard = self.control.recv(64)
        except ConnectionError:
            heard = b""
        *lines, self.received = (self.received + heard).split(b"\n")
        return [line.decode("ascii") for line in lines] if heard else [""]

    def become_server(self) -> None:
        """In the child: place it, then replace it by the server. Never returns."""
        try:
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            os.setpgid(0, 0)
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            # Python ignores these two; a server expects the defaults.
            for number in (signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_DFL)
            if self.settings["cores"]:
                os.sched_setaffinity(0, self.settings["cores"])
            for path in self.settings["cgroups"]:
                with open(path, "w", encoding="ascii") as procs:
                    procs.write("0")
            if self.settings["file_bytes_max"]:
                most = self.settings["file_bytes_max"]
                resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            if self.settings["open_files"]:
                most = self.settings["open_files"]
                resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
            if self.settings["listener"] is not None:
                self.pass_listener()
            command = self.settings["command"]
            os.execvp(command[0], command)
        except OSError as error:
            print(
                f"can't start {self.settings['command'][0]}: {error}", file=sys.stderr, flush=True
            )
        finally:
            os._exit(EXEC_FAILED)

    def pass_listener(self) -> None:
        """As systemd does. What is on that descriptor here is of no use to the program."""
        if self.settings["listener"] != _FIRST_PASSED:
            os.dup2(self.settings["listener"], _FIRST_PASSED)
        os.set_inheritable(_FIRST_PASSED, True)
        os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))

    def reap(self) -> bool:
        """Collects every ended child, adopted ones too, and reports the server's own end. Whether
        any child is left.
        """
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid in self.former:
                self.former.remove(pid)
                self.say(f"left {os.waitstatus_to_exitcode(status)}")
            elif pid == self.server:
                self.say(f"exited {os.waitstatus_to_exitcode(status)}")
                if self.settings["restarts"]:
                    soon = time.monotonic() < self.started_at + _SOON_S
                    self.start_again_at = time.monotonic() + (_SOON_S if soon else 0.0)

    def kill_tree(self) -> None:
        """Repeats until nothing is left: a process may have forked while its parent was being
        killed. Only waitpid knows: /proc may list nobody while a child is being handed over.
        """
        while self.reap():
            for pid in descendants(os.getpid()):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(0.002)

    def say(self, line: str) -> None:
        try:
            self.control.sendall(line.encode() + b"\n")
        except OSError:
            return  # The kit is gone; the loop sees the end of the connection.


if __name__ == "__main__":
    Supervisor(json.loads(sys.argv[1])).run()

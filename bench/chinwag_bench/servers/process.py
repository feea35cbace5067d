"""One running server: start, wait until it serves, notice its death, stop it and all that it
started.
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
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import msgspec

from chinwag_bench.errors import HostError, ServerError
from chinwag_bench.servers import supervisor
from chinwag_bench.servers.catalog import Target
from chinwag_bench.servers.health import ask_health
from chinwag_bench.servers.manifest import fill
from chinwag_bench.servers.ports import is_free, pick_port, wait_until_free
from chinwag_bench.text import last_lines

READY_TIMEOUT_S = 30.0
TERM_TIMEOUT_S = 6.0
_KILL_TIMEOUT_S = 10.0
_PORT_ATTEMPTS = 3


class Launch(msgspec.Struct, kw_only=True):
    """How to start a server. ``log`` gets its output; ``None`` passes it on to this process's
    standard error.
    """

    target: Target
    log: Path | None
    port: int | None = None
    """``None`` picks a free one, and another one if somebody was faster."""
    host: str = "127.0.0.1"
    workers: int = 1
    cores: list[int] | None = None
    cgroups: list[str] = []
    """``cgroup.procs`` files that the server enters before it runs its first instruction."""
    env: dict[str, str] = {}
    """Further settings, stronger than the manifest's."""


class ServerProcess:
    """A started server. Leave its ``with`` block and it is gone, with every process it started."""

    def __init__(self, launch: Launch, port: int) -> None:
        self.launch = launch
        self.port = port
        self.exit_code: int | None = None
        self._unread = b""
        self._control, child_end = socket.socketpair()
        with child_end, _open_log(launch.log) as log:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", supervisor.__file__, self._settings(child_end)],
                cwd=launch.target.server.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log or sys.stderr,
                stderr=log or sys.stderr,
                pass_fds=[child_end.fileno()],
                start_new_session=True,
            )
        started = self._read_line(READY_TIMEOUT_S).split()
        if len(started) != 3:
            raise ServerError(
                f"{launch.target.id}: its supervisor did not start", detail=self.log_tail()
            )
        self.pid = int(started[1])
        self.started_at = float(started[2])
        """CLOCK_MONOTONIC seconds, just before the server's process was made."""

    @property
    def supervisor_pid(self) -> int:
        """The root of the tree for CPU and memory samples; it is not part of the server."""
        return self._supervisor.pid

    def wait_ready(self, timeout_s: float = READY_TIMEOUT_S) -> float:
        """Seconds from process start to the first good /health. Raises ``ServerError`` on death or
        timeout.
        """
        deadline = self.started_at + timeout_s
        while ask_health(self.port, self.launch.host) is None:
            self.check_alive()
            if time.monotonic() > deadline:
                raise ServerError(
                    f"{self.launch.target.id} did not answer GET /health on port {self.port} "
                    f"with 200 and status ok within {timeout_s:.0f} s",
                    detail=self.log_tail(),
                )
            time.sleep(0.002)
        return time.monotonic() - self.started_at

    def check_alive(self) -> None:
        """Raises ``ServerError`` with the log's last lines if the server has ended."""
        self._poll(0.0)
        if self.exit_code is None:
            return
        how = (
            f"code {self.exit_code}"
            if self.exit_code >= 0
            else signal.Signals(-self.exit_code).name
        )
        raise ServerError(
            f"{self.launch.target.id} ended by itself ({how}), "
            f"{time.monotonic() - self.started_at:.1f} s after it was started",
            detail=self.log_tail(),
        )

    def stop(self, number: signal.Signals = signal.SIGKILL) -> int | None:
        """Ends the server and its whole tree, and waits until its port is free.

        SIGTERM goes to the server alone and gives it 6 s to leave by itself; what is left then is
        killed. Returns its own exit code, or ``None`` if it had to be killed."""
        if number == signal.SIGTERM and self.exit_code is None:
            os.kill(self.pid, signal.SIGTERM)
            self._poll(TERM_TIMEOUT_S)
        exit_code = self.exit_code
        self.end_tree()
        wait_until_free(self.port, self.launch.host)
        return exit_code

    def log_tail(self) -> str:
        return last_lines(self.launch.log) if self.launch.log else ""

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def end_tree(self) -> None:
        """Kills the server and everything it started, by its supervisor. Calling it again changes
        nothing.
        """
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
            raise HostError(
                f"{self.launch.target.id}: its processes outlive a kill by {_KILL_TIMEOUT_S:.0f} s",
                hint=f"look for what is left of process group {self.pid}",
            ) from error
        finally:
            self._control.close()

    def _poll(self, timeout_s: float) -> None:
        """Takes in the supervisor's news; returns at once when the server has ended."""
        if self.exit_code is not None or self._supervisor.returncode is not None:
            return
        line = self._read_line(timeout_s)
        if line.startswith("exited "):
            self.exit_code = int(line.split()[1])

    def _read_line(self, timeout_s: float) -> str:
        """One control line, or an empty text when none came in time or the supervisor is gone."""
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._unread:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._control], [], [], left)[0]:
                return ""
            received = self._control.recv(4096)
            if not received:
                return ""
            self._unread += received
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode()

    def _settings(self, child_end: socket.socket) -> str:
        launch = self.launch
        server = launch.target.server
        values = {"port": str(self.port), "workers": str(launch.workers)}
        command = launch.target.settings.command or server.manifest.run.command
        settings: dict[str, Any] = {
            "control": child_end.fileno(),
            "command": server.filled(command, values),
            "cores": launch.cores,
            "cgroups": launch.cgroups,
        }
        return json.dumps(settings)

    def _environment(self) -> dict[str, str]:
        launch = self.launch
        server = launch.target.server
        own = {
            "CHAT_HOST": launch.host,
            "CHAT_PORT": str(self.port),
            "CHAT_WORKERS": str(launch.workers),
            "CHAT_VARIANT": launch.target.variant,
        }
        values = server.placeholders() | {"port": str(self.port), "workers": str(launch.workers)}
        declared = server.manifest.run.env | launch.target.settings.env
        filled = {key: fill(value, values) for key, value in declared.items()}
        return os.environ | own | filled | launch.env


def start_server(launch: Launch) -> ServerProcess:
    """Starts a server and waits until it serves.

    Raises ``HostError`` when a port asked for is taken, and ``ServerError`` when the server dies or
    stays silent."""
    if launch.port is not None and not is_free(launch.port, launch.host):
        raise HostError(
            f"port {launch.port} on {launch.host} is already in use",
            hint="choose another with --port, or see who listens with `ss -ltnp`",
        )
    attempts_left = 1 if launch.port is not None else _PORT_ATTEMPTS
    while True:
        attempts_left -= 1
        process = ServerProcess(launch, launch.port or pick_port(launch.host))
        try:
            process.wait_ready()
            return process
        except BaseException as error:
            process.end_tree()
            # Somebody else may have bound the port between picking and listening; only that is
            # worth another try.
            lost_race = isinstance(error, ServerError) and not is_free(process.port, launch.host)
            if not (lost_race and attempts_left):
                raise


def _open_log(path: Path | None) -> AbstractContextManager[IO[bytes] | None]:
    if path is None:
        return nullcontext()
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("wb")

"""One running server: start, wait until it serves, notice its death, stop it and all that it
started.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import msgspec

from chinwag_bench.errors import HostError, ServerError
from chinwag_bench.servers.backplane import Node, log_beside, start_backplane
from chinwag_bench.servers.catalog import Target
from chinwag_bench.servers.environment import for_servers
from chinwag_bench.servers.health import ask_health
from chinwag_bench.servers.manifest import fill
from chinwag_bench.servers.network import entered
from chinwag_bench.servers.ports import is_free, pick_port, wait_until_free
from chinwag_bench.servers.process_tree import ProcessTree, Program
from chinwag_bench.text import last_lines

READY_TIMEOUT_S = 30.0
LOG_BYTES_MAX = 64 << 20
"""A server that prints more is ended: it would fill the disk."""
TERM_TIMEOUT_S = 6.0
_PORT_ATTEMPTS = 3
_BACKLOG = 4096


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
    backlog: int | None = None
    """How many connections may wait to be accepted; ``None`` leaves it to the server."""
    env: dict[str, str] = {}
    """Further settings, stronger than the manifest's."""
    restarts: bool = False
    """Started again whenever it ends, once it has served."""
    open_files: int | None = None
    """The most that each of its processes may open; ``None`` leaves the limit as it is."""
    node: Node | None = None
    """Its place in a cluster. Without one, a variant that needs a backplane gets one for itself."""
    command: list[str] | None = None
    """In place of the manifest's; ready to run."""
    passes_listener: bool = False
    """Listens for the server, which gets the socket as a service manager would pass it on."""
    successor: dict[str, str] = {}
    """Variables of the process that ``succeed`` starts."""


class ServerProcess:
    """A started server. Leave its ``with`` block and it is gone, with every process it started."""

    def __init__(self, launch: Launch, port: int) -> None:
        self.launch = launch
        self.port = port
        self._own_backplane = None
        if launch.node is None and (kind := launch.target.settings.backplane) is not None:
            self._own_backplane = start_backplane(kind, 1, log_beside(launch.log))
            self.launch = launch = msgspec.structs.replace(
                launch, node=self._own_backplane.nodes[0]
            )
        try:
            with _open_log(launch.log) as log, _listener(launch, port) as listener:
                program = _program(launch, port)
                program.listener = listener.fileno() if listener else None
                self._tree = ProcessTree(program, log)
        except BaseException:
            self._end_backplane()
            raise

    @property
    def pid(self) -> int:
        """Of the process that was started; of the last one, where it is started again."""
        return self._tree.follow() if self.launch.restarts else self._tree.pid

    @property
    def started_at(self) -> float:
        """CLOCK_MONOTONIC seconds, just before that process was made."""
        return self._tree.started_at

    @property
    def supervisor_pid(self) -> int:
        """The root of the tree for CPU and memory samples; it is not part of the server."""
        return self._tree.supervisor_pid

    @property
    def exit_code(self) -> int | None:
        """Negative: the signal that ended it. ``None`` until its end is known."""
        return self._tree.exit_code

    def health(self) -> dict[str, Any] | None:
        """What it answers to GET /health; ``None`` if that is not good."""
        host = self.launch.target.server.manifest.health_host or self.launch.host
        return ask_health(self.port, host)

    def succeed(self) -> int:
        """Starts the server once more beside itself, or where it was, and returns the new process,
        which is the server from now on. Raises ``ServerError``.
        """
        return self._tree.succeed()

    def follow_successor(self, pid: int) -> None:
        """A process that the server has started itself is the server from now on."""
        self._tree.follow_successor(pid)

    def wait_until_left(self, timeout_s: float) -> bool:
        """Whether the process before the successor has ended."""
        return self._tree.wait_until_left(timeout_s)

    def wait_ended(self, timeout_s: float) -> int | None:
        """Its exit code, or ``None`` if it runs on after so many seconds."""
        return self._tree.wait(timeout_s)

    def wait_ready(self, timeout_s: float = READY_TIMEOUT_S) -> float:
        """Seconds from process start to the first good /health. Raises ``ServerError`` on death or
        timeout.
        """
        deadline = self.started_at + timeout_s
        while not _serves(self.health(), self.launch):
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
        code = self._tree.look()
        if code is None:
            return
        how = f"code {code}" if code >= 0 else signal.Signals(-code).name
        raise ServerError(
            f"{self.launch.target.id} ended by itself ({how}), "
            f"{time.monotonic() - self.started_at:.1f} s after it was started",
            detail=self.log_tail(),
        )

    def stop(self, number: signal.Signals = signal.SIGKILL) -> int | None:
        """Ends the server and its whole tree, and waits until its port is free.

        SIGTERM goes to the server alone and gives it 6 s to leave by itself; what is left then is
        killed. Returns its own exit code, or ``None`` if it had to be killed."""
        if number == signal.SIGTERM and self._tree.look() is None:
            os.kill(self.pid, signal.SIGTERM)
            self._tree.wait(TERM_TIMEOUT_S)
        exit_code = self.exit_code
        self.end_tree()
        if _is_here(self.launch):
            wait_until_free(self.port, self.launch.host)
        return exit_code

    def log_tail(self) -> str:
        """The log's last lines, paths from the checkout's root on: they become part of records."""
        if not self.launch.log:
            return ""
        root = self.launch.target.server.workspace.root
        return last_lines(self.launch.log).replace(f"{root}{os.sep}", "")

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
        """Kills the server and everything it started. Calling it again changes nothing."""
        try:
            self._tree.end()
        finally:
            self._end_backplane()

    def _end_backplane(self) -> None:
        if self._own_backplane is not None:
            self._own_backplane.end()


def start_server(launch: Launch) -> ServerProcess:
    """Starts a server and waits until it serves.

    Raises ``HostError`` when a port asked for is taken, or the host is none of this machine's, and
    ``ServerError`` when the server dies or stays silent."""
    if launch.port is not None and _is_here(launch) and not is_free(launch.port, launch.host):
        raise HostError(
            f"port {launch.port} on {launch.host} is already in use",
            hint="choose another with --port, or see who listens with `ss -ltnp`",
        )
    attempts_left = 1 if launch.port is not None else _PORT_ATTEMPTS
    while True:
        attempts_left -= 1
        process = ServerProcess(launch, launch.port or _pick_port(launch))
        try:
            process.wait_ready()
            return process
        except BaseException as error:
            process.end_tree()
            # Somebody else may have bound the port between picking and listening; only that is
            # worth another try.
            lost_race = (
                isinstance(error, ServerError)
                and _is_here(launch)
                and not is_free(process.port, launch.host)
            )
            if not (lost_race and attempts_left):
                raise


def _is_here(launch: Launch) -> bool:
    """Whether it listens where this process could; in a namespace of its own all ports are free."""
    return launch.node is None or launch.node.namespace is None


def _pick_port(launch: Launch) -> int:
    return pick_port(launch.host) if _is_here(launch) else pick_port()


def _serves(health: dict[str, Any] | None, launch: Launch) -> bool:
    """A node of a cluster that is whole serves once it is connected to what joins it."""
    if health is None or launch.node is None or not launch.node.is_joined_at_start:
        return health is not None
    return health.get("backplane") == "up"


def _program(launch: Launch, port: int) -> Program:
    server, settings = launch.target.server, launch.target.settings
    values = {"port": str(port), "workers": str(launch.workers)}
    own = {
        "CHAT_HOST": launch.host,
        "CHAT_PORT": str(port),
        "CHAT_WORKERS": str(launch.workers),
        "CHAT_VARIANT": launch.target.variant,
    }
    declared = server.manifest.run.env | settings.env
    filled = {key: fill(value, server.placeholders() | values) for key, value in declared.items()}
    # For all the same: no manifest has a say.
    backlog = {} if launch.backlog is None else {"CHAT_BACKLOG": str(launch.backlog)}
    place = {} if launch.node is None else launch.node.env
    command = launch.command or server.filled(
        settings.command or server.manifest.run.command, values
    )
    namespace = None if launch.node is None else launch.node.namespace
    return Program(
        name=launch.target.id,
        command=entered(namespace, command) if namespace else command,
        folder=server.folder,
        env=for_servers() | own | filled | backlog | place | launch.env,
        cores=launch.cores,
        cgroups=launch.cgroups,
        file_bytes_max=None if launch.log is None else LOG_BYTES_MAX,
        restarts=launch.restarts,
        open_files=launch.open_files,
        successor=launch.successor,
    )


def _listener(launch: Launch, port: int) -> AbstractContextManager[socket.socket | None]:
    """Open until the supervisor has it. The queue is as long as a server's own would be."""
    if not launch.passes_listener:
        return nullcontext()
    backlog = launch.backlog or _BACKLOG
    return socket.create_server((launch.host, port), backlog=backlog)


def _open_log(path: Path | None) -> AbstractContextManager[IO[bytes] | None]:
    if path is None:
        return nullcontext()
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("wb")

"""What carries messages between the nodes of a cluster, and what each node is told of it."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from chinwag_bench.errors import HostError
from chinwag_bench.servers.environment import for_servers
from chinwag_bench.servers.manifest import BackplaneKind
from chinwag_bench.servers.network import Network, entered
from chinwag_bench.servers.ports import is_free, pick_port, wait_until_free
from chinwag_bench.servers.process_tree import ProcessTree, Program
from chinwag_bench.text import last_lines

_HOST = "127.0.0.1"
_READY_TIMEOUT_S = 10.0
_PORT_ATTEMPTS = 3
_ANSWER_TIMEOUT_S = 1.0


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One node's place in a cluster."""

    env: dict[str, str]
    host: str | None = None
    """Its address, where it has one of its own."""
    namespace: str | None = None
    """Path of the network namespace that it runs in; ``None``: this process's own."""
    is_joined_at_start: bool = True
    """Whether it serves only once it has found what joins it to the others. Where nodes name each
    other, the first one would wait for those that are yet to be started."""


class Backplane:
    """Leave its ``with`` block and it is gone."""

    nodes: list[Node]
    """One for each node that may be started on it."""

    def end(self) -> None:
        """Nothing of it is left. Calling it again changes nothing."""

    def __enter__(self: Own) -> Own:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


Own = TypeVar("Own", bound=Backplane)


class Redis(Backplane):
    """A Redis of the kit's own, which stores nothing. ``stop`` and ``start`` are for those who want
    to see what nodes do without it.
    """

    def __init__(self, nodes: int, log: Path | None, network: Network | None = None) -> None:
        """In the middle of the ``network``, if there is one, and else beside the nodes."""
        self._log = log
        self._host = network.middle_host if network else _HOST
        self._namespace = network.middle_namespace if network else None
        self._bound = [self._host, *([network.middle_inner_host] if network else [])]
        self._tree: ProcessTree | None = None
        attempts_left = _PORT_ATTEMPTS
        while True:
            attempts_left -= 1
            self.port = pick_port(_HOST)
            try:
                self.start()
                break
            except HostError:
                # Somebody else may have bound the port meanwhile; only that is worth another try.
                if not attempts_left or network or is_free(self.port, _HOST):
                    raise
        self.nodes = [
            _node(number, {"CHAT_BACKPLANE": self.url}, network) for number in range(nodes)
        ]

    @property
    def url(self) -> str:
        """As nodes reach it."""
        return f"redis://{self._bound[-1]}:{self.port}"

    @property
    def pid(self) -> int:
        assert self._tree is not None, "Redis is stopped"
        return self._tree.pid

    @property
    def supervisor_pid(self) -> int:
        """The root of the tree for CPU and memory samples; it is not part of Redis."""
        assert self._tree is not None, "Redis is stopped"
        return self._tree.supervisor_pid

    def start(self, timeout_s: float = _READY_TIMEOUT_S) -> None:
        """On the port that it had, where it was stopped. Raises ``HostError`` where there is no
        redis-server, or it does not answer in time.
        """
        if shutil.which("redis-server") is None:
            raise HostError(
                "redis-server is not installed, and nodes of this variant need it",
                hint="run `make setup`, or install redis-server (7.0 or newer)",
            )
        with _open_log(self._log) as output:
            self._tree = ProcessTree(_redis(self.port, self._bound, self._namespace), output)
        deadline = time.monotonic() + timeout_s
        while not _answers(self.port, self._host):
            ended = self._tree.look()
            if ended is not None or time.monotonic() > deadline:
                self.stop()
                how = f"it ended with {ended}" if ended is not None else f"not in {timeout_s:.0f} s"
                raise HostError(
                    f"redis-server did not answer on port {self.port}: {how}",
                    hint=f"its log: {last_lines(self._log) if self._log else 'standard error'}",
                )
            time.sleep(0.005)

    def stop(self) -> None:
        """As a kill does. Returns once its port is free."""
        if self._tree is None:
            return
        # Who is stopped by SIGSTOP ends by SIGKILL, but a debugger's stop would outlive it.
        with suppress(ProcessLookupError):
            os.kill(self._tree.pid, signal.SIGCONT)
        self._tree.end()
        self._tree = None
        if self._namespace is None:
            wait_until_free(self.port, _HOST)

    def end(self) -> None:
        self.stop()


class Distribution(Backplane):
    """Nodes that connect to each other by themselves: names, a secret that they share, and no epmd.

    Each node has an address of its own, a loopback one or the ``network``'s, and all of them one
    port: so none has to be asked for."""

    def __init__(self, nodes: int, network: Network | None = None) -> None:
        if network is None:
            hosts = [f"127.0.0.{number}" for number in range(1, nodes + 1)]
            port = _free_everywhere(hosts)
        else:
            hosts = [network.inner_host(number) for number in range(nodes)]
            port = pick_port(_HOST)
        names = [f"chinwag{number}@{host}" for number, host in enumerate(hosts, 1)]
        shared = {"CHAT_COOKIE": secrets.token_hex(16), "CHAT_NODE_PORT": str(port)}
        self.nodes = [
            _node(
                number,
                shared | {"CHAT_NODE": name, "CHAT_PEERS": ",".join(n for n in names if n != name)},
                network,
                is_joined_at_start=nodes == 1,
            )
            for number, name in enumerate(names)
        ]


def start_backplane(
    kind: BackplaneKind, nodes: int, log: Path | None, network: Network | None = None
) -> Backplane:
    """For ``nodes`` nodes, of the ``network`` if there is one. ``log`` gets what a program of its
    own says; ``None`` passes it on to this process's standard error. Raises ``HostError`` where it
    can't be had.
    """
    return Redis(nodes, log, network) if kind == "redis" else Distribution(nodes, network)


def log_beside(log: Path | None) -> Path | None:
    """The log of a backplane that one server has for itself."""
    return None if log is None else log.with_name(f"{log.stem}-backplane{log.suffix}")


def _node(
    number: int, env: dict[str, str], network: Network | None, *, is_joined_at_start: bool = True
) -> Node:
    return Node(
        env=env,
        host=network.host(number) if network else None,
        namespace=network.namespace(number) if network else None,
        is_joined_at_start=is_joined_at_start,
    )


def _redis(port: int, hosts: list[str], namespace: str | None) -> Program:
    settings = {
        "bind": " ".join(hosts),
        "port": str(port),
        # It keeps nothing, and writes nothing.
        "save": "",
        "appendonly": "no",
        "dir": tempfile.gettempdir(),
        "daemonize": "no",
        "loglevel": "warning",
        # Where nodes come back all at once.
        "tcp-backlog": "511",
    }
    if namespace is not None:
        # It refuses others than itself where it has no password; here nobody else can come.
        settings["protected-mode"] = "no"
    options = [part for key, value in settings.items() for part in (f"--{key}", value)]
    command = ["redis-server", *options]
    return Program(
        name="redis-server",
        command=entered(namespace, command) if namespace else command,
        folder=Path(tempfile.gettempdir()),
        env=for_servers(),
    )


def _answers(port: int, host: str) -> bool:
    try:
        with socket.create_connection((host, port), _ANSWER_TIMEOUT_S) as connection:
            connection.settimeout(_ANSWER_TIMEOUT_S)
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _free_everywhere(hosts: list[str]) -> int:
    while True:
        port = pick_port(hosts[0])
        if all(is_free(port, host) for host in hosts):
            return port


def _open_log(path: Path | None) -> IO[bytes]:
    """Appended to: it may be started again."""
    if path is None:
        return os.fdopen(os.dup(2), "wb")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab")

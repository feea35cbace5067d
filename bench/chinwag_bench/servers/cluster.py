"""Several nodes of one server, joined by a backplane."""

from __future__ import annotations

import time
from contextlib import ExitStack

import msgspec

from chinwag_bench.errors import ServerError
from chinwag_bench.servers.backplane import Backplane, log_beside, start_backplane
from chinwag_bench.servers.network import Network
from chinwag_bench.servers.process import READY_TIMEOUT_S, Launch, ServerProcess, start_server


class Cluster:
    """Started nodes and what joins them. Leave its ``with`` block and all of it is gone."""

    def __init__(self, launch: Launch, count: int = 2, network: Network | None = None) -> None:
        """``launch`` is of a variant with a backplane; each node gets a log of its own, and with a
        ``network`` a place in it.

        Raises ``HostError`` and ``ServerError`` as ``start_server`` does, and ``ServerError`` for
        nodes that do not find each other."""
        kind = launch.target.settings.backplane
        assert kind is not None, f"{launch.target.id} is no variant of several nodes"
        self.launch = launch
        self._stack = ExitStack()
        self.nodes: list[ServerProcess] = []
        with self._stack:
            self.backplane: Backplane = self._stack.enter_context(
                start_backplane(kind, count, log_beside(launch.log), network)
            )
            self._launches = [_of_node(launch, self.backplane, at) for at in range(count)]
            for each in self._launches:
                self.nodes.append(self._stack.enter_context(start_server(each)))
            self.wait_joined()
            # Everything stands: from here on its owner ends it.
            self._stack = self._stack.pop_all()

    def wait_joined(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Waits until every node says that it is joined to the others. Raises ``ServerError``."""
        deadline = time.monotonic() + timeout_s
        for node in self.nodes:
            while (node.health() or {}).get("backplane") != "up":
                node.check_alive()
                if time.monotonic() > deadline:
                    raise ServerError(
                        f"{node.launch.target.id} on port {node.port} is not joined to the other "
                        f"nodes within {timeout_s:.0f} s",
                        detail=node.log_tail(),
                    )
                time.sleep(0.005)

    def start_again(self, at: int) -> ServerProcess:
        """A node in the place and on the port of one that has ended."""
        old = self.nodes[at]
        old.end_tree()
        launch = msgspec.structs.replace(self._launches[at], port=old.port)
        self.nodes[at] = self._stack.enter_context(start_server(launch))
        return self.nodes[at]

    def check_alive(self) -> None:
        """Raises ``ServerError`` with a node's log if it has ended."""
        for node in self.nodes:
            node.check_alive()

    def log_tail(self) -> str:
        return "\n".join(node.log_tail() for node in self.nodes)

    @property
    def supervisor_pids(self) -> list[int]:
        """The roots of the nodes' trees, for CPU and memory samples."""
        return [node.supervisor_pid for node in self.nodes]

    def end(self) -> None:
        """Kills all nodes, then what joins them. Calling it again changes nothing."""
        self._stack.close()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def _of_node(launch: Launch, backplane: Backplane, at: int) -> Launch:
    log = launch.log and launch.log.with_name(f"{launch.log.stem}-node{at + 1}{launch.log.suffix}")
    node = backplane.nodes[at]
    host = node.host or launch.host
    return msgspec.structs.replace(launch, node=node, host=host, log=log)

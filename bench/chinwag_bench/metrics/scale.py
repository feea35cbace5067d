"""Samples of a server's memory, never taken during a timed hold."""

from __future__ import annotations

import time

from chinwag_bench.machine.kernel_memory import KernelMeter
from chinwag_bench.machine.user_memory import tree_user_bytes
from chinwag_bench.records import MemoryPoint
from chinwag_bench.servers.process import ServerProcess


class Scale:
    """Takes the samples of one server; keeps those that have a name."""

    def __init__(self, server: ServerProcess, meter: KernelMeter, settle_s: float = 0.0) -> None:
        self.points: dict[str, MemoryPoint] = {}
        self._server = server
        self._meter = meter
        self._settle_s = settle_s

    def sample(self, name: str) -> None:
        """Waits for the settling time, then reads. Raises ``ServerError`` for a dead server."""
        time.sleep(self._settle_s)
        self.points[name] = self.read()

    def read(self) -> MemoryPoint:
        """Reads at once. Raises ``ServerError`` for a dead server."""
        self._server.check_alive()
        kernel = self._meter.sample()
        return MemoryPoint(
            user_bytes=tree_user_bytes(self._server.supervisor_pid),
            kernel_bytes=kernel.bytes,
            kernel_method=kernel.method,
        )

"""Memory of many connections, and the CPU that they cost when they hardly speak. One set-up for
both.
"""

from __future__ import annotations

import time

from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.machine.kernel_memory import KernelMeter, kernel_meter
from chinwag_bench.machine.open_files import connections_possible
from chinwag_bench.machine.user_memory import tree_user_bytes
from chinwag_bench.metrics.cell import (
    Bout,
    Place,
    attached_generator,
    blaming_the_server,
    open_connections,
    running_server,
)
from chinwag_bench.records import Memory, MemoryPoint
from chinwag_bench.runs.profile import MemorySettings
from chinwag_bench.servers.process import ServerProcess


class Scale:
    """Takes the samples of one server, by name, never during a timed hold."""

    def __init__(self, server: ServerProcess, meter: KernelMeter, settle_s: float) -> None:
        self.points: dict[str, MemoryPoint] = {}
        self._server = server
        self._meter = meter
        self._settle_s = settle_s

    def sample(self, name: str) -> None:
        """Waits for the settling time, then reads. Raises ``ServerError`` for a dead server."""
        time.sleep(self._settle_s)
        self._server.check_alive()
        kernel = self._meter.sample()
        self.points[name] = MemoryPoint(
            user_bytes=tree_user_bytes(self._server.supervisor_pid),
            kernel_bytes=kernel.bytes,
            kernel_method=kernel.method,
        )


def measure(place: Place, load: LoadProfile, settings: MemorySettings) -> Memory:
    """Empty, idle, joined, after load, after rest; in between, the CPU share of the quiet
    connections.

    Fewer connections than asked for where open files do not suffice: the record says how many there
    were. Raises ``ServerError`` or ``GeneratorError``."""
    started_at, started = time.time(), time.monotonic()
    connections = connections_possible(settings.connections, place.site.open_files)
    with kernel_meter() as meter, running_server(place, meter.procs_files) as server:
        scale = Scale(server, meter, settings.settle_s)
        scale.sample("empty")
        with attached_generator(place, server, load, connections) as generator:
            open_connections(server, generator, connections, join=False)
            scale.sample("idle")
            with blaming_the_server(server):
                generator.join()
            scale.sample("joined")
            pair = Bout(server, generator, load, connections)
            cpu_share = _quiet_cpu_share(pair, settings, len(place.site.cpus.server))
            _load_and_rest(pair, settings, scale)
    return Memory(
        column=place.target.id,
        round=place.round,
        started_at=started_at,
        seconds=time.monotonic() - started,
        status="ok",
        connections=connections,
        points=scale.points,
        cpu_share_idle=cpu_share,
    )


def _quiet_cpu_share(pair: Bout, settings: MemorySettings, server_cores: int) -> float:
    """Share of the server's cores under the profile's own trickle of messages and heartbeats."""
    messages_per_s = pair.connections * pair.load.messages_per_second_per_connection
    rate = messages_per_s * pair.load.deliveries_per_message(pair.connections)
    step, _ = pair.hold(rate, settings.quiet, "quiet")
    return step.server_cpu_s / (step.hold.hold_s * server_cores)


def _load_and_rest(pair: Bout, settings: MemorySettings, scale: Scale) -> None:
    pair.hold(settings.busy_deliveries_per_s, settings.busy, "busy")
    scale.sample("after_load")
    with blaming_the_server(pair.server):
        pair.generator.rest(settings.rest_s)
    scale.sample("after_rest")

"""Adds joined connections in steps until something ends it, and says what."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import msgspec

from chinwag_bench.errors import GeneratorError, ServerError
from chinwag_bench.judging.generator_limits import generator_limits
from chinwag_bench.judging.sustained import P99_MS_MAX
from chinwag_bench.machine.memory_share import used_share
from chinwag_bench.machine.open_files import connections_possible, holding_processes
from chinwag_bench.metrics.cell import Bout, blaming_the_server, check_alive_after_closes
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.metrics.scale import Scale
from chinwag_bench.records import Hold, MemoryPoint, RampStep

MEMORY_SHARE_MAX = 0.85
CONNECTIONS_A_SOURCE = 8_000
"""Once half of an address's ports are taken, the kernel takes milliseconds to find a free one."""


class RampSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    step: int
    """Connections added at a time."""
    cap: int
    seconds: float
    """No step begins after them."""
    probe: HoldSeconds
    probe_deliveries_per_s: float

    def most(self, open_files: int, processes: int = 1) -> int:
        """How far up the cap and the open files of the server's processes let it go."""
        return connections_possible(self.cap, open_files, processes)

    def sources(self, open_files: int, processes: int = 1) -> int:
        """Source addresses that the generator needs on the whole way up."""
        return math.ceil(self.most(open_files, processes) / CONNECTIONS_A_SOURCE)


class Stop(msgspec.Struct, frozen=True):
    """What ended a ramp: a word for ``records.Connections.limited_by``, and its figures."""

    word: str
    text: str


class Ramp:
    """One way up on one server. ``held`` is the last number that kept every rule."""

    def __init__(
        self,
        pair: Bout,
        scale: Scale,
        settings: RampSettings,
        open_files: int,
        memory_share: Callable[[], float] = used_share,
    ) -> None:
        self.steps: list[RampStep] = []
        self.held = 0
        self._pair = pair
        self._scale = scale
        self._settings = settings
        self._open_files = open_files
        self._memory_share = memory_share
        self._started = time.monotonic()

    def climb(self) -> Stop:
        """Starts with the connections that are open already, where there are some."""
        stop: Stop | None = None
        while stop is None:
            try:
                stop = self._end() or self._step()
            except ServerError as error:
                stop = Stop("server", error.message)
            except GeneratorError as error:
                stop = Stop("generator", error.message)
        return stop

    def _end(self) -> Stop | None:
        """What forbids another step."""
        settings, share = self._settings, self._memory_share()
        if self.held >= settings.cap:
            return Stop("cap", f"the cap of {settings.cap:,}")
        if self.held >= (most := self._most()):
            return Stop("open files", f"open files of the server: {most:,} connections")
        if share >= MEMORY_SHARE_MAX:
            return Stop("memory", f"{share:.0%} of the machine's memory in use")
        if self.steps and time.monotonic() - self._started >= settings.seconds:
            return Stop("time", f"the run profile's {settings.seconds:g} s")
        return None

    def _step(self) -> Stop | None:
        pair, settings = self._pair, self._settings
        if self.steps or not pair.connections:
            wanted = min(pair.connections + settings.step, self._most())
            with blaming_the_server(pair.server):
                opened = pair.generator.connect(wanted, join=True)
            pair.connections = opened.connections
            if opened.refused or opened.connections < wanted:
                self._note(None)
                if opened.lacks_ports:
                    return Stop("generator", f"ports to connect from: {opened.connections:,}")
                return Stop("refusal", f"{opened.refused:,} of {wanted:,} connections refused")
        step, _ = pair.hold(
            settings.probe_deliveries_per_s, settings.probe, f"probe-{pair.connections}"
        )
        if step.hold.closes:
            check_alive_after_closes(pair.server)
        self._note(step.hold.latency_ms["p99"])
        stop = failed_probe(step.hold, pair.generator_cores)
        if stop is None:
            self.held = pair.connections
        return stop

    def _most(self) -> int:
        """With the processes that share what is open by now: a server may have several."""
        pair = self._pair
        processes = holding_processes(pair.server.supervisor_pid, pair.connections)
        return self._settings.most(self._open_files, processes)

    def _note(self, p99_ms: float | None) -> None:
        memory = self._scale.read()
        self.steps.append(
            RampStep(
                connections=self._pair.connections,
                seconds=time.monotonic() - self._started,
                p99_ms=p99_ms,
                user_bytes=memory.user_bytes,
                kernel_bytes=memory.kernel_bytes,
            )
        )


def failed_probe(probe: Hold, generator_cores: int) -> Stop | None:
    """The rule that a step's probe messages broke."""
    if probe.closes:
        closes = ", ".join(f"{count} x {code}" for code, count in probe.closes.items())
        return Stop("loss", f"connections ended: {closes}")
    if probe.delivered < probe.expected:
        return Stop("loss", f"{probe.delivered} of {probe.expected} probes delivered")
    p99 = probe.latency_ms["p99"]
    if p99 > P99_MS_MAX:
        text = f"p99 {p99:.0f} ms is over {P99_MS_MAX:.0f} ms"
        limits = generator_limits(probe, generator_cores)
        if limits:
            return Stop("generator", f"{text} ({'; '.join(limits)})")
        return Stop("p99", text)
    return None


def bytes_per_connection(empty: MemoryPoint, steps: list[RampStep], held: int) -> float | None:
    """Growth over the empty server at ``held`` connections, with the kernel's part where known."""
    found = [step for step in steps if step.connections == held]
    if not held or not found:
        return None
    grown = found[-1].user_bytes - empty.user_bytes
    if found[-1].kernel_bytes is not None and empty.kernel_bytes is not None:
        grown += found[-1].kernel_bytes - empty.kernel_bytes
    return grown / held

"""How many machines of a kind one server needs, resource by resource.

Every figure has two sides, and so has the answer. What goes beyond what was measured (more cores,
more connections, more machines) is a projection, and named.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from chinwag_bench.claims.quantity import Quantity, exactly
from chinwag_bench.deciding.facts import Facts
from chinwag_bench.deciding.memory import memory_parts
from chinwag_bench.judging.advice import known_within
from chinwag_bench.judging.row import PER_CONNECTIONS
from chinwag_bench.numbers import number
from chinwag_bench.planning.machines import Machine

MEMORY_LEFT = 0.1
"""Share of a machine's memory that is not for the server."""
_BITS = 8


@dataclass(frozen=True)
class Load:
    connections: float
    deliveries_per_s: float
    p99_ms: float


@dataclass(frozen=True)
class Need:
    """What one resource asks for: machines, not rounded."""

    resource: str
    machines: Quantity
    text: str


@dataclass(frozen=True)
class Capacity:
    """One server on one kind of machine under one load."""

    needs: list[Need]
    processes: int
    """A machine runs as many, joined as nodes are: a server of one thread needs one for a core."""
    remarks: list[str]
    missing: list[str]
    """What was not measured, or what no number of such machines helps with: without it there is no
    answer."""

    @property
    def machines(self) -> tuple[int, int | None] | None:
        """From and to; ``None`` as the high side: open. Nothing where something is missing."""
        if self.missing:
            return None
        low = max(need.machines.low for need in self.needs)
        high = max(need.machines.high for need in self.needs)
        return _whole(low), None if math.isinf(high) else _whole(high)

    @property
    def binds(self) -> str:
        """The resource that asks for most machines, by the side that promises less; of one that is
        open there, by the other side.
        """

        def most(need: Need) -> float:
            return need.machines.low if need.machines.is_open else need.machines.high

        return max(self.needs, key=most).resource if self.needs else ""


def capacity(facts: Facts, load: Load, machine: Machine) -> Capacity:
    """For one server. Two rounds: whether there are several nodes decides what joining costs."""
    alone = _capacity(facts, load, machine, joined=False)
    if alone.missing or (alone.processes == 1 and alone.machines == (1, 1)):
        return alone
    return _capacity(facts, load, machine, joined=True)


def _capacity(facts: Facts, load: Load, machine: Machine, *, joined: bool) -> Capacity:
    remarks: list[str] = []
    missing: list[str] = []
    needs: list[Need] = []
    cpu = _cpu(facts, load, machine, joined, remarks, missing)
    needs += [cpu] if cpu else []
    needs += _memory(facts, load, machine, missing)
    needs += _network(facts, load, machine, missing)
    needs += _files(facts, load, machine)
    held = facts.of("max_connections")
    if held is not None and held.value < min(load.connections, machine.files_a_process):
        remarks.append(f"more than the {held.value:,.0f} connections that it held is a projection")
    return Capacity(needs, _processes(facts, machine), remarks, missing)


def _processes(facts: Facts, machine: Machine) -> int:
    """At least one: of a machine that is half a core, too."""
    return max(1, math.floor(machine.cores)) if facts.is_one_thread else 1


def _cpu(
    facts: Facts,
    load: Load,
    machine: Machine,
    joined: bool,
    remarks: list[str],
    missing: list[str],
) -> Need | None:
    """By the rates that were kept within this p99: a lookup, so that queues are in it."""
    known = known_within(facts.rate_points, load.p99_ms)
    if not known.carried:
        missing.append(f"a rate within p99 <= {load.p99_ms:g} ms: none was kept")
        return None
    measured_on = facts.measured_cores
    reach = math.inf if known.refused is None else known.refused
    if math.isinf(reach):
        remarks.append("the highest rate was not found: it may carry more")
    a_core = Quantity(known.carried, max(known.carried, reach)) / exactly(measured_on)
    cores = _usable(facts, machine, measured_on, remarks)
    busy = exactly(load.deliveries_per_s) / a_core
    if joined:
        busy = busy * _joining(facts, remarks)
    idle = facts.of("cpu_at_n")
    if idle is None:
        remarks.append("what silent connections cost was not measured, and is left out")
    else:
        share = idle.sides / exactly(100 / measured_on)
        busy += share * exactly(load.connections / PER_CONNECTIONS)
    text = f"{_span(busy)} cores of work, {_span(cores)} of them usable on a machine"
    return Need("CPU", busy / cores, text)


def _usable(facts: Facts, machine: Machine, measured_on: int, remarks: list[str]) -> Quantity:
    """Cores' worth of work: between physical cores and vCPUs, less what each doubling costs."""
    most = float(machine.vcpus)
    if machine.cores <= measured_on:
        return Quantity(machine.cores, most)
    if facts.is_one_thread:
        return Quantity(max(1.0, math.floor(machine.cores)), most)
    one, two = facts.of("cores_1_cpu"), facts.of("cores_2_cpu")
    if one is None or two is None:
        remarks.append("how it uses several cores was not measured: perfect scaling at best")
        return Quantity(1.0, most)
    keeps = min(1.0, one.sides.low / two.sides.high), min(1.0, one.sides.high / two.sides.low)
    doublings = math.log2(machine.cores)
    remarks.append(f"measured on 2 cores; {machine.cores:g} are a projection")
    return Quantity(machine.cores * keeps[0] ** doublings, most * keeps[1] ** doublings)


def _joining(facts: Facts, remarks: list[str]) -> Quantity:
    """By how much a delivery costs more where nodes share rooms. That was measured with rooms of
    10, and one server alone with the plan's: the truth lies between that factor and none.
    """
    joined, alone = facts.of("cluster_cpu"), facts.of("common_cpu_per_delivery")
    if joined is None or alone is None:
        remarks.append("what it costs to join several nodes was not measured")
        return Quantity(1.0, math.inf)
    return Quantity(1.0, max(1.0, (joined.sides / alone.sides).high))


def _memory(facts: Facts, load: Load, machine: Machine, missing: list[str]) -> Iterator[Need]:
    parts = memory_parts(facts)
    if parts is None:
        missing.append("memory was not measured")
        return
    programs = parts.empty * exactly(_processes(facts, machine))
    room = machine.memory_gb * 1000 * (1 - MEMORY_LEFT)
    free = Quantity(max(0.0, room - programs.high), max(0.0, room - programs.low))
    if not free.high:
        missing.append(
            f"it does not fit on a {machine.memory_gb:g} GB machine: {number(programs.low)} MB are "
            f"for programs alone, and {number(room)} MB are left to them"
        )
        return
    growth = (parts.user + parts.kernel) * exactly(load.connections / PER_CONNECTIONS)
    text = f"{_span(growth)} MB for connections, {_span(programs)} MB for programs on each machine"
    yield Need("memory", growth / free, text)


def _network(facts: Facts, load: Load, machine: Machine, missing: list[str]) -> Iterator[Need]:
    wire = facts.of("wire_bytes_per_delivery")
    if wire is None:
        missing.append("bytes on the wire were not measured")
        return
    gbit = exactly(load.deliveries_per_s * _BITS / 1e9) * wire.sides
    yield Need("network", gbit / exactly(machine.network_gbit), f"{_span(gbit)} Gbit/s")


def _files(facts: Facts, load: Load, machine: Machine) -> Iterator[Need]:
    most = machine.files_a_process * _processes(facts, machine)
    text = f"{most:,.0f} open files on a machine"
    yield Need("files", exactly(load.connections / most), text)


def _whole(machines: float) -> int:
    return max(1, math.ceil(machines - 1e-9))


def _span(quantity: Quantity) -> str:
    low, high = number(quantity.low), number(quantity.high)
    if math.isinf(quantity.high):
        return f"{low} or more"
    return low if low == high else f"{low} to {high}"

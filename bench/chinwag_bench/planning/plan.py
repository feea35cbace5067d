"""How many machines each server needs for a load, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from chinwag_bench.deciding.facts import Facts, all_facts
from chinwag_bench.errors import UsageError
from chinwag_bench.judging.matrix import Matrix
from chinwag_bench.planning.capacity import Capacity, Load, capacity
from chinwag_bench.planning.machines import Machine, Prices

_MILLION = 1e6
_SECONDS = 3600


class Money(msgspec.Struct, kw_only=True):
    """USD, from and to; the high side is ``None`` where nobody knows how many machines."""

    a_month: tuple[float, float | None]
    per_100k_connections: tuple[float, float | None]
    """A month."""
    per_million_deliveries: tuple[float, float | None] | None
    """``None`` where nothing is delivered."""


class Resource(msgspec.Struct, kw_only=True):
    resource: str
    machines: tuple[float, float | None]
    """Not rounded."""
    text: str


class Entry(msgspec.Struct, kw_only=True):
    """One server on one kind of machine."""

    column: str
    title: str
    machine: str
    machines: tuple[int, int | None] | None
    """Spare ones included; ``None`` where something is missing."""
    binds: str
    """What asks for most machines."""
    processes: int
    """On each machine."""
    resources: list[Resource]
    money: Money | None
    remarks: list[str]
    missing: list[str]


class Plan(msgspec.Struct, kw_only=True):
    run: str
    connections: float
    deliveries_per_s: float
    p99_ms: float
    spare: int
    prices_as_of: str
    prices_source: str
    entries: list[Entry]
    """The fewest machines first, by the side that promises less."""


def plan(
    matrix: Matrix,
    load: Load,
    prices: Prices,
    machines: Sequence[str],
    *,
    servers: Sequence[str] = (),
    spare: int = 0,
) -> Plan:
    """For every measured server, or the given columns, on every given kind of machine. Raises
    UsageError for columns and machines that there are not.
    """
    everyone = all_facts(matrix)
    known = {one.column.id: one for one in everyone}
    for name in servers:
        if name not in known:
            raise UsageError(
                f"{matrix.run.id} has not measured {name!r}",
                hint=f"It has: {', '.join(known)}.",
            )
    chosen = [known[name] for name in servers] if servers else everyone
    entries = [_entry(facts, load, prices, name, spare) for name in machines for facts in chosen]
    return Plan(
        run=matrix.run.id,
        connections=load.connections,
        deliveries_per_s=load.deliveries_per_s,
        p99_ms=load.p99_ms,
        spare=spare,
        prices_as_of=prices.as_of,
        prices_source=prices.source,
        entries=sorted(entries, key=_size),
    )


def _size(entry: Entry) -> tuple[float, float, str]:
    """What a month costs, or without prices the machines; unknown ones last."""
    if entry.machines is None:
        return (float("inf"), float("inf"), entry.column)
    low, high = entry.money.a_month if entry.money else entry.machines
    return (float("inf") if high is None else high, low, entry.column)


def _entry(facts: Facts, load: Load, prices: Prices, name: str, spare: int) -> Entry:
    machine = prices.machine(name)
    found = capacity(facts, load, machine)
    machines = _with_spare(found, spare)
    return Entry(
        column=facts.column.id,
        title=facts.column.title,
        machine=name,
        machines=machines,
        binds=found.binds,
        processes=found.processes,
        resources=list(_resources(found)),
        money=None if machines is None else _money(machines, load, machine, prices),
        remarks=list(dict.fromkeys(found.remarks)),
        missing=found.missing,
    )


def _with_spare(found: Capacity, spare: int) -> tuple[int, int | None] | None:
    if found.machines is None:
        return None
    low, high = found.machines
    return low + spare, None if high is None else high + spare


def _resources(found: Capacity) -> Iterator[Resource]:
    for need in found.needs:
        yield Resource(resource=need.resource, machines=need.machines.pair, text=need.text)


def _money(machines: tuple[int, int | None], load: Load, machine: Machine, prices: Prices) -> Money:
    def of(usd: float) -> tuple[float, float | None]:
        low, high = machines
        return low * usd, None if high is None else high * usd

    month = machine.usd_hour * prices.hours_a_month
    million = load.deliveries_per_s * _SECONDS / _MILLION
    return Money(
        a_month=of(month),
        per_100k_connections=of(month * 100_000 / load.connections),
        per_million_deliveries=of(machine.usd_hour / million) if million > 0 else None,
    )

"""In what servers that are enough differ: less of each is better."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chinwag_bench.claims.quantity import Quantity
from chinwag_bench.deciding.facts import Facts
from chinwag_bench.deciding.memory import memory_mb
from chinwag_bench.deciding.needs import Needs
from chinwag_bench.errors import UsageError

_RESOLUTION_MS = 1.0
"""Below, times of recovery and upgrades are those of a scheduler, and no server's."""


@dataclass(frozen=True)
class Merit:
    """One server's value, and both sides of it."""

    value: float
    sides: Quantity
    column: str
    """Of which column it is: another one of the same server where this one was not measured."""


@dataclass(frozen=True)
class Measure:
    """What one merit is."""

    title: str
    unit: str
    of: Callable[[Facts, Needs], Merit | None]
    is_asked: Callable[[Needs], bool] = lambda _: True


def _cell(row: str, least: float = 0.0) -> Callable[[Facts, Needs], Merit | None]:
    def merit(facts: Facts, _: Needs) -> Merit | None:
        found = facts.of(row)
        if found is None:
            return None
        sides = Quantity(max(least, found.sides.low), max(least, found.sides.high))
        return Merit(max(least, found.value), sides, found.column)

    return merit


def _memory(facts: Facts, needs: Needs) -> Merit | None:
    found = memory_mb(facts, needs.connections)
    return None if found is None else Merit(found.high, found, facts.column.id)


MEASURES: Mapping[str, Measure] = {
    "cpu": Measure("CPU per delivery, at one rate for all", "us", _cell("common_cpu_per_delivery")),
    "p99": Measure("p99, at one rate for all", "ms", _cell("common_p99")),
    "memory": Measure("memory for the connections", "MB", _memory),
    "recovery": Measure(
        "a kill of the smallest unit: until everybody hears again",
        "ms",
        _cell("kill_unit_all", _RESOLUTION_MS),
        lambda needs: needs.recovery_ms is not None,
    ),
    "upgrade": Measure(
        "an upgrade: longest silence",
        "ms",
        _cell("hot_upgrade_silence_max", _RESOLUTION_MS),
        lambda needs: needs.upgrades,
    ),
    "nodes": Measure(
        "from node to node: p99",
        "ms",
        _cell("cluster_across_p99"),
        lambda needs: needs.nodes > 1,
    ),
}
"""In the order in which they are printed."""


def asked(needs: Needs) -> dict[str, float]:
    """The merits that count for these needs -> their weights, which add up to 1. Raises UsageError
    for a weight of what is no merit, or where nothing has any.
    """
    unknown = [name for name in needs.weights if name not in MEASURES]
    if unknown:
        raise UsageError(
            f"there is no merit {unknown[0]!r} to weigh", hint=f"Merits: {', '.join(MEASURES)}."
        )
    found = {
        name: needs.weights.get(name, 1.0)
        for name, measure in MEASURES.items()
        if measure.is_asked(needs)
    }
    total = sum(found.values())
    if total <= 0:
        raise UsageError("all weights are zero", hint="Give one merit at least some weight.")
    return {name: weight / total for name, weight in found.items() if weight > 0}


def merits_of(facts: Facts, needs: Needs, names: Mapping[str, float]) -> dict[str, Merit]:
    """Those that are known."""
    found = {name: MEASURES[name].of(facts, needs) for name in names}
    return {name: merit for name, merit in found.items() if merit is not None}

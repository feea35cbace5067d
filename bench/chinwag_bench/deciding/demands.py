"""Whether a server does what has to hold, need by need. Nobody is ranked here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from chinwag_bench.claims.quantity import Quantity
from chinwag_bench.deciding.facts import Fact, Facts
from chinwag_bench.deciding.memory import memory_mb
from chinwag_bench.deciding.needs import Needs
from chinwag_bench.judging.advice import advise
from chinwag_bench.numbers import number

Kind = Literal["enough", "if_it_scales", "unknown", "not_enough"]
ORDER: tuple[Kind, ...] = ("enough", "if_it_scales", "unknown", "not_enough")
"""From the best to the worst."""


@dataclass(frozen=True)
class Finding:
    """What was seen of one need."""

    need: str
    kind: Kind
    text: str


def worst(findings: list[Finding]) -> Kind:
    """What all of them together come to."""
    return max((one.kind for one in findings), key=ORDER.index, default="enough")


def findings(facts: Facts, needs: Needs) -> list[Finding]:
    """One for each need that is asked for."""
    found: list[Finding] = []
    for judge in (_load, _memory, _connections, _recovery, _upgrades, _nodes):
        found += judge(facts, needs)
    return found


def _load(facts: Facts, needs: Needs) -> Iterator[Finding]:
    cores = facts.measured_cores
    answer = advise(
        facts.rate_points,
        needs.deliveries_per_s,
        needs.p99_ms,
        cores=needs.cores,
        measured_cores=cores,
        one_thread=facts.is_one_thread,
    )
    known = answer.known
    parts = []
    if known.carried is None:
        parts.append(f"no rate was kept within p99 <= {number(needs.p99_ms)} ms")
    else:
        parts.append(f"carried {number(known.carried)} deliveries/s")
    if known.refused is not None:
        is_alike = known.carried is not None and number(known.carried) == number(known.refused)
        parts.append(f"did not keep {'more' if is_alike else number(known.refused)}")
    if answer.kind == "if_it_scales":
        parts.append(f"takes {answer.cores} cores if each carries as much; measured on {cores}")
    if facts.is_one_thread and answer.cores is not None and answer.cores > cores:
        parts.append(f"one thread: takes {answer.cores} processes and what joins their rooms")
    yield Finding("load", answer.kind, ", ".join(parts))


def _memory(facts: Facts, needs: Needs) -> Iterator[Finding]:
    takes = memory_mb(facts, needs.connections)
    if takes is None:
        if needs.memory_mb is not None:
            yield Finding("memory", "unknown", "memory was not measured")
        return
    if needs.memory_mb is None:
        yield Finding("memory", "enough", f"{number(takes.high)} MB")
        return
    limit = number(needs.memory_mb)
    texts: dict[Kind, str] = {
        "enough": f"{number(takes.high)} MB of {limit}",
        "not_enough": f"{number(takes.high)} MB, more than {limit}",
        "unknown": f"{number(takes.low)} to {number(takes.high)} MB, about the {limit} allowed",
    }
    kind = _side(takes, needs.memory_mb)
    yield Finding("memory", kind, texts[kind])


def _connections(facts: Facts, needs: Needs) -> Iterator[Finding]:
    held = facts.of("max_connections")
    if held is None or held.value >= needs.connections:
        return
    if held.is_open:
        text = f"held {number(held.value)}, where the run stopped; more is a projection by memory"
        yield Finding("connections", "if_it_scales", text)
    else:
        yield Finding("connections", "not_enough", f"held {number(held.value)} connections")


@dataclass(frozen=True)
class Time:
    """A time that has to stay below a limit; ``None`` as its sides: it was not measured."""

    need: str
    text: str
    sides: Quantity | None

    def within(self, limit_ms: float) -> Finding:
        """What it says of the limit."""
        return Finding(self.need, _side(self.sides, limit_ms), self.text)


def _side(sides: Quantity | None, limit: float) -> Kind:
    if sides is None:
        return "unknown"
    if sides.high <= limit:
        return "enough"
    return "not_enough" if sides.low > limit else "unknown"


_CRASHES = {
    "exception_others": "an exception in a handler",
    "kill_unit_all": "a kill of the smallest unit",
}


def recovery_times(facts: Facts) -> list[Time]:
    """Until everybody else hears again, for each kind of crash."""
    found = []
    for row, what in _CRASHES.items():
        fact = facts.of(row)
        if fact is None:
            text = f"after {what}: not measured, or somebody never hears again"
            found.append(Time("recovery", text, None))
        else:
            text = f"after {what} others hear again within {number(fact.value)} ms"
            found.append(Time("recovery", text + _of(facts, fact), fact.sides))
    return found


def _recovery(facts: Facts, needs: Needs) -> Iterator[Finding]:
    if needs.recovery_ms is not None:
        for one in recovery_times(facts):
            yield one.within(needs.recovery_ms)


def _of(facts: Facts, fact: Fact) -> str:
    return "" if fact.column == facts.column.id else f" (as {fact.column})"


def upgrade(facts: Facts) -> Finding:
    """Whether a new build takes over without a loss."""
    ended, lost = facts.of("hot_upgrade"), facts.of("hot_upgrade_lost")
    if ended is None or lost is None:
        return Finding("upgrades", "unknown", "an upgrade under load was not measured")
    of = _of(facts, ended)
    if ended.value > 0 or lost.value > 0:
        text = f"an upgrade ends {number(ended.value)} % of the connections"
        text += f" and loses {number(lost.value)} deliveries{of}"
        return Finding("upgrades", "not_enough", text)
    return Finding("upgrades", "enough", f"an upgrade ends no connection and loses nothing{of}")


def _upgrades(facts: Facts, needs: Needs) -> Iterator[Finding]:
    if needs.upgrades:
        yield upgrade(facts)


def across(facts: Facts) -> Time | Finding:
    """p99 from node to node; what stands in its place where nothing joins several nodes."""
    if facts.column.nodes_reason is not None:
        return Time("nodes", f"several nodes: {facts.column.nodes_reason}", None)
    fact = facts.of("cluster_across_p99")
    if fact is not None:
        text = f"from node to node p99 is {number(fact.value)} ms{_of(facts, fact)}"
        return Time("nodes", text, fact.sides)
    if any(one.nodes_by for one in facts.matrix.columns if one.id in facts.siblings):
        return Time("nodes", "over several nodes it was not measured", None)
    return Finding("nodes", "not_enough", "nothing of it joins several nodes here")


def _nodes(facts: Facts, needs: Needs) -> Iterator[Finding]:
    if needs.nodes > 1:
        found = across(facts)
        yield found.within(needs.p99_ms) if isinstance(found, Time) else found

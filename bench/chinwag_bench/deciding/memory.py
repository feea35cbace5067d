"""How much memory a number of connections takes."""

from __future__ import annotations

from dataclasses import dataclass

from chinwag_bench.claims.quantity import Quantity, exactly
from chinwag_bench.deciding.facts import Facts
from chinwag_bench.judging.row import PER_CONNECTIONS


@dataclass(frozen=True)
class MemoryParts:
    """MB."""

    empty: Quantity
    """The server without connections."""
    user: Quantity
    """What 10,000 of them add, after joining a room or after a rest, whichever is more."""
    kernel: Quantity
    """The kernel's part of 10,000."""


def memory_parts(facts: Facts) -> MemoryParts | None:
    """``None`` where a part was not measured."""
    empty, joined, kernel = (facts.of(f"memory_{name}") for name in ("empty", "joined", "kernel"))
    if empty is None or joined is None or kernel is None:
        return None
    rested = facts.of("memory_after_rest")
    user = joined.sides if rested is None else _larger(joined.sides, rested.sides)
    return MemoryParts(_real(empty.sides), _real(user), _real(kernel.sides))


def memory_mb(facts: Facts, connections: float) -> Quantity | None:
    """User and kernel memory: of the empty server, and for each connection its growth and the
    kernel's part. ``None`` where a part was not measured.
    """
    parts = memory_parts(facts)
    if parts is None:
        return None
    return parts.empty + (parts.user + parts.kernel) * exactly(connections / PER_CONNECTIONS)


def _larger(a: Quantity, b: Quantity) -> Quantity:
    return Quantity(max(a.low, b.low), max(a.high, b.high))


def _real(found: Quantity) -> Quantity:
    """Of small growths the difference of two readings may lie below zero."""
    return Quantity(max(0.0, found.low), max(0.0, found.high))

"""What the page's "Which one for my team and load?" looks up: measured cells, nothing else.

The page answers as ``deciding`` does. What does not depend on what its reader types is worked out
here; the rest, memory times connections and who comes first, by the same rules in the page.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from chinwag_bench.claims.load import stated_load
from chinwag_bench.claims.quantity import Quantity
from chinwag_bench.deciding import demands, needs
from chinwag_bench.deciding.facts import Facts, all_facts, card_gbit, network_gbit_per_s
from chinwag_bench.deciding.memory import memory_parts
from chinwag_bench.deciding.merits import MEASURES
from chinwag_bench.deciding.needs import Needs
from chinwag_bench.judging import advice as judging_advice
from chinwag_bench.judging.matrix import Matrix
from chinwag_bench.records import Column, Json

FROM_CELLS = ("cpu", "p99", "recovery", "upgrade", "nodes")
"""Merits that don't depend on the number of connections."""


@dataclass(frozen=True)
class Preset:
    """A load to start from, as the form's fields have it."""

    title: str
    fields: Json


@dataclass(frozen=True)
class Measured:
    """Under what the cells were measured; ``None`` where the run doesn't say."""

    server_cores: int
    connections: int | None
    memory_connections: int | None
    gbit_of_a_delivery: float | None
    """What one delivery a second takes of a network, in Gbit/s."""
    card_gbit: float
    """What the network of article A's type of machine carries."""


def presets() -> list[Preset]:
    """Two loads, what article A says that it ran, and the articles' own examples."""
    stated = stated_load()
    plain = [
        ("A team's chat", Needs(connections=1_000, deliveries_per_s=1_000)),
        ("Busy rooms", Needs(connections=10_000, deliveries_per_s=50_000)),
        (
            "The articles' load",
            Needs(connections=stated.connections, deliveries_per_s=stated.deliveries),
        ),
    ]
    examples = [(one.title, one.needs) for one in needs.presets().values()]
    return [Preset(title, _fields(one)) for title, one in (*plain, *examples)]


def _fields(asked: Needs) -> Json:
    """What is not asked for is empty; where no memory is, that of a small machine. Who has several
    languages takes any.
    """
    return {
        "connections": asked.connections,
        "deliveries": asked.deliveries_per_s,
        "p99": asked.p99_ms,
        "memory": asked.memory_mb or 1_000,
        "cores": asked.cores,
        "recovery": "" if asked.recovery_ms is None else asked.recovery_ms,
        "upgrades": asked.upgrades,
        "nodes": asked.nodes > 1,
        "language": asked.languages[0] if len(asked.languages) == 1 else "",
    }


def measured(matrix: Matrix) -> Measured:
    """The conditions of this run that limit what follows from its cells."""
    plan = matrix.run.plan
    return Measured(
        max(1, len(plan.get("server_cores", []))),
        _connections(plan, "throughput"),
        _connections(plan, "memory"),
        network_gbit_per_s(matrix, 1.0),
        card_gbit(),
    )


def _connections(plan: Json, metric: str) -> int | None:
    """``None`` for a run without the metric, whose settings are absent or null."""
    found = (plan.get("settings", {}).get(metric) or {}).get("connections")
    return None if found is None else int(found)


def candidates(matrix: Matrix) -> list[tuple[Column, Json]]:
    """Each measured column with its facts; a second measurement is no other choice."""
    return [(found.column, facts(found)) for found in all_facts(matrix)]


def facts(found: Facts) -> Json:
    """What the column's holds say of each p99, as [from this p99 on (ms), carried, refused, seen]
    (deliveries/s; see ``judging.advice``); memory in MB; times in ms. Of what has two sides both,
    ``null`` as the high one where it is open.
    """
    parts, held = memory_parts(found), found.of("max_connections")
    across, upgrade = demands.across(found), demands.upgrade(found)
    return {
        "within": [
            [from_ms, known.carried, known.refused, known.seen]
            for from_ms, known in judging_advice.table(found.rate_points)
        ],
        "one_thread": found.is_one_thread,
        "memory": None
        if parts is None
        else {name: _pair(getattr(parts, name)) for name in ("empty", "user", "kernel")},
        "held": None if held is None else [held.value, held.is_open],
        "recovery": [_time(one) for one in demands.recovery_times(found)],
        "upgrades": {"kind": upgrade.kind, "text": upgrade.text},
        "nodes": _time(across)
        if isinstance(across, demands.Time)
        else {"kind": across.kind, "text": across.text},
        "merits": _merits(found),
    }


def _time(time: demands.Time) -> Json:
    return {"sides": None if time.sides is None else _pair(time.sides), "text": time.text}


def _merits(found: Facts) -> Json:
    """Name -> [value, low, high], as far as they are known."""
    known = {name: MEASURES[name].of(found, Needs()) for name in FROM_CELLS}
    return {
        name: [merit.value, *_pair(merit.sides)]
        for name, merit in known.items()
        if merit is not None
    }


def _pair(sides: Quantity) -> list[float | None]:
    return [sides.low, None if math.isinf(sides.high) else sides.high]

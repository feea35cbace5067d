"""Under which load something was measured, in words, from the run's own plan."""

from __future__ import annotations

from typing import Any

import msgspec

from chinwag_bench.deciding.facts import card_gbit, network_gbit_per_s
from chinwag_bench.judging.matrix import Matrix
from chinwag_bench.judging.sustained import SustainedLimits
from chinwag_bench.numbers import short
from chinwag_bench.records import Json
from chinwag_bench.render import text
from chinwag_bench.text import listed

_SETTINGS = {
    "Throughput": "throughput",
    "At one rate for all": "latency",
    "Latency of a broadcast": "broadcast",
    "Memory": "memory",
}
"""Heading -> the metric whose settings name the load of its rows."""
_OWN_LOAD = "Load "
"""With what headings of rows about a load of their own begin; its profile's name follows."""


def leading(matrix: Matrix) -> str:
    """The load of the leading row; empty where the run doesn't say."""
    found = of_group(matrix, "Throughput")
    if not found:
        return ""
    settings = _settings(matrix, "throughput")
    profile = _profiles(matrix)[settings["load"]]
    limits = msgspec.convert(settings.get("sustained") or {}, type=SustainedLimits)
    size = profile["room_size"]
    room, direct = profile["mix"]["room"], profile["mix"]["direct"]
    deliveries = ""
    if room:
        deliveries = (
            f" One message to a room of {size:,} is {size:,} deliveries: "
            f"{room * size / (room * size + direct):.0%} of all are to rooms."
        )
    return (
        f"{found}.{deliveries} A rate counts while 99 of 100 "
        f"deliveries arrive within {limits.p99_ms_max:,.0f} ms (p99). Server and load generator "
        f"share one machine, over loopback: no network card is in the way{_card(matrix)}."
    )


def _card(matrix: Matrix) -> str:
    """What that of article A's type of machine carries; empty where no frame was measured."""
    each = network_gbit_per_s(matrix, 1.0)
    if each is None:
        return ""
    card = card_gbit()
    return f" (one of {card:g} Gbit/s ends at {short(card / each)} deliveries/s)"


def others(matrix: Matrix) -> str:
    """Who takes the least CPU time under the loads that have rows of their own, and where nobody is
    ranked by rate; empty where there is none.
    """
    index = text.Index(matrix)
    parts = []
    unranked = []
    for name in _profiles(matrix):
        cells = [c for c in matrix.cells if c.row == f"load_{name}_cpu_per_delivery"]
        best = sorted((c for c in cells if c.tie_with_best), key=lambda cell: cell.value or 0.0)
        if not best:
            continue
        shown = [f"{c.column} ({text.measured(c)} us)" for c in best]
        parts.append(f"{_in_words(matrix, name)}: {listed(shown)}")
        if index.is_open(f"load_{name}_deliveries"):
            unranked.append(name)
    if not parts:
        return ""
    where = "there" if len(unranked) == len(parts) else f"under {listed(unranked)}"
    rates = f" Nobody is ranked by rate {where}: searches were cut short."
    return f"Least CPU a delivery: {'; '.join(parts)}.{rates if unranked else ''}"


def _in_words(matrix: Matrix, name: str) -> str:
    profile = _profiles(matrix)[name]
    if not profile["mix"]["room"]:
        return f"to one user ({name})"
    rooms, size = profile.get("rooms_per_connection", 1), profile["room_size"]
    if rooms == 1:
        return f"a room of {size:,} each ({name})"
    return f"{rooms:,} rooms of {size:,} each ({name})"


def of_group(matrix: Matrix, group: str) -> str:
    """The load that all rows below a heading have; empty where they have none, or several."""
    if group.startswith(_OWN_LOAD):
        return _own(matrix, group.removeprefix(_OWN_LOAD))
    settings = _settings(matrix, _SETTINGS.get(group, ""))
    profile = _profiles(matrix).get(settings.get("load", ""))
    if profile is None:
        return ""
    size, room, direct = profile["room_size"], profile["mix"]["room"], profile["mix"]["direct"]
    parts = [f"{room:.0%} to rooms of {size:,}"] if room else []
    parts += [f"{direct:.0%} to one user"] if direct else []
    return (
        f"{settings.get('connections', profile['connections']):,} connections; of the messages "
        f"{' and '.join(parts)}, {profile['content_bytes']:,} bytes each"
    )


def _own(matrix: Matrix, name: str) -> str:
    """As the profile describes itself."""
    profile = _profiles(matrix).get(name)
    if profile is None:
        return ""
    settings = _settings(matrix, "load_throughput") or _settings(matrix, "load_latency")
    usual = settings.get("connections") or profile.get("connections")
    count = settings.get("fewer_connections", {}).get(name, usual)
    of = "" if count is None else f"{count:,} connections; "
    return f"{of}{profile.get('description', '')}"


def _settings(matrix: Matrix, metric: str) -> Json:
    found: Any = matrix.run.plan.get("settings", {}).get(metric)
    return found if isinstance(found, dict) else {}


def _profiles(matrix: Matrix) -> dict[str, Json]:
    found: dict[str, Json] = matrix.run.plan.get("loads", {})
    return found

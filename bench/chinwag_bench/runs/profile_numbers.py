"""Numbers of run profiles within their limits: with others a run would have no end, no cells, or
figures of nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

_FROM_ZERO = {
    *("warmup_s", "drain_s", "settle_s", "setup_s", "planned_s", "rest_s"),
    *("repeats_max", "warm_memory_gib", "growth_share_max"),
    *("steal_share_max", "other_cores_max", "swapped_pages_max", "throttled_max"),
}
"""Keys that may be 0; all others must be above."""
_ABOVE_ONE = {"approach_factor"}
"""By what a search multiplies a rate: with 1 it would stay where it is."""
_VISITS_MAX = 1_000
_VISITS = {"rounds", "repeats"}
"""Every one of them is a list of cells in the plan."""


def wrong_number(tables: object) -> str | None:
    """What is wrong with the first number that is out of its limits, as ``table.key is ...``.
    ``tables`` as TOML has them.
    """
    for path, value in _numbers(tables, ""):
        key = path.rpartition(".")[2]
        wanted = _wanted(key, value)
        if wanted is not None:
            return f"{path} is {value}; it must be {wanted}"
    return None


def _wanted(key: str, value: float) -> str | None:
    """``None`` when it is right as it is."""
    lowest, may_be_lowest = float(key in _ABOVE_ONE), key in _FROM_ZERO
    enough = value >= lowest if may_be_lowest else value > lowest
    few = key not in _VISITS or value <= _VISITS_MAX
    if math.isfinite(value) and enough and few:
        return None
    at_most = f" and at most {_VISITS_MAX:,}" if key in _VISITS else ""
    return f"a number {'of at least' if may_be_lowest else 'above'} {lowest:g}{at_most}"


def _numbers(value: Any, path: str) -> Iterator[tuple[str, float]]:
    """All of them with the path of their key, those of lists and of tables within tables, too."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _numbers(one, f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _numbers(item, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value

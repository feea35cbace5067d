"""What differs between two runs besides the servers' speed: machine, profile, versions, columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chinwag_bench.judging.matrix import Matrix, Row
from chinwag_bench.judging.rows import specs_of
from chinwag_bench.records import Column, Run

_VARIES = {"machine.cpu.mhz"}
"""Differs from one moment to the next on one machine."""
_METRICS = {"common": "latency", "rate_points": "throughput"}
"""Source of a row -> the metric that its settings are of, where the names differ."""
_ABSENT = "nothing"
_SHOWN_MAX = 60


def circumstances(before: Matrix, after: Matrix) -> list[str]:
    """One sentence for each thing that differs, with both values."""
    return [
        *_run(before.run, after.run),
        *_differences("machine", before.run.machine, after.run.machine),
        *_differences("plan", _plan(before.run), _plan(after.run)),
        *_columns(before.columns, after.columns),
    ]


def incomparable(row: Row, before: Run, after: Run) -> str | None:
    """Why a row of two runs says nothing of the servers: another machine, or other settings of its
    metric. ``None`` where nothing is in the way.
    """
    sources = {spec.row.id: spec.source for spec in specs_of(after)}
    source = sources.get(row.id)
    if source is None or source in ("effort", "none"):
        return None
    if _processor(before) != _processor(after):
        return "measured on another machine"
    metric = _METRICS.get(source, source)
    old, new = (run.plan.get("settings", {}).get(metric) for run in (before, after))
    return f"measured under other settings: {metric}" if old != new else None


def _processor(run: Run) -> tuple[Any, Any]:
    cpu = run.machine.get("cpu")
    if not isinstance(cpu, dict):
        return cpu, None
    return cpu.get("model"), cpu.get("logical")


def _run(before: Run, after: Run) -> Iterator[str]:
    for name in ("profile", "kit_version"):
        yield from _differences(name, getattr(before, name), getattr(after, name))
    for run in (before, after):
        if run.finished_at is None:
            yield f"{run.id} was not finished"


def _plan(run: Run) -> dict[str, Any]:
    """What was asked of the machine; what came of it (headroom) is a result."""
    kept = ("rounds", "server_cores", "generator_cores", "loads", "settings")
    return {name: run.plan.get(name) for name in kept}


def _columns(before: list[Column], after: list[Column]) -> Iterator[str]:
    old, new = ({column.id: column for column in side} for side in (before, after))
    for name in [*(old.keys() - new.keys()), *(new.keys() - old.keys())]:
        yield f"column {name} is only in the {'first' if name in old else 'second'} run"
    for name in [name for name in old if name in new]:
        if old[name].aa_of is None:
            yield from _differences(f"{name}: version", old[name].versions, new[name].versions)


def _differences(name: str, before: Any, after: Any) -> Iterator[str]:
    if before == after or name in _VARIES:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        separator = " of " if name.endswith(": version") else "."
        for key in dict.fromkeys([*before, *after]):
            yield from _differences(f"{name}{separator}{key}", before.get(key), after.get(key))
    else:
        yield f"{name}: {_shown(before)} against {_shown(after)}"


def _shown(value: Any) -> str:
    text = _ABSENT if value is None else " ".join(str(value).split())
    return text if len(text) <= _SHOWN_MAX else f"{text[: _SHOWN_MAX - 3]}..."

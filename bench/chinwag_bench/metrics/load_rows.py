"""What is common to all that is measured under loads beside the main one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chinwag_bench.judging.matrix import Note, Row
from chinwag_bench.judging.row import Better, row
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.records import Run

Notes = Callable[[Any], list[Note]]


def connections_of(load: LoadProfile, at_most: int, fewer: Mapping[str, int]) -> int:
    """How many the load gets: what its profile asks for, unless the run's profile allows less."""
    return min(load.connections, at_most, fewer.get(load.name, at_most))


def settings_of(run: Run, metric: str) -> Mapping[str, Any]:
    """The metric's table of the run's profile; empty where the run does not measure it."""
    return run.plan.get("settings", {}).get(metric) or {}


def load_row(
    run: Run, load: str, part: str, title: str, unit: str, better: Better, /, definition: str
) -> Row:
    """A row under the heading of its load; ``part`` is what its id ends with."""
    return row(f"Load {load}", f"load_{load}_{part}", title, unit, better, definition)


def described(run: Run, load: str) -> str:
    """The load in a sentence, as its profile says it."""
    said = run.plan.get("loads", {}).get(load, {}).get("description")
    return f"Load {load}: {said}." if said else f"Load {load}."


def notes_of(settings: Mapping[str, Any]) -> Notes:
    """What is said of a record's value: how many connections there were, and that a single round
    stands for all where the profile makes no more.
    """

    def notes(record: Any) -> list[Note]:
        found = [Note(code="connections", args={"counts": [record.connections]})]
        if settings.get("repeats") == 1:
            found.append(Note(code="one_round"))
        return found

    return notes

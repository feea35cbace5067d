"""Rows about effort: what a server costs to write and to ship. Nothing of it is timed."""

from __future__ import annotations

from collections.abc import Callable

from chinwag_bench.judging.row import MEGABYTE, Spec, plain, row
from chinwag_bench.records import Effort


def _effort(field: str, per: float = 1) -> Callable[[Effort], float | None]:
    def value(effort: Effort) -> float | None:
        found = getattr(effort, field)
        return None if found is None else float(found / per)

    return value


def rows() -> list[Spec]:
    rows = {
        "lines_of_code": (
            "Lines of code",
            "",
            "Lines of the sources that the column runs and a reader has to know: what its variant "
            "shares with others and what it has alone, without libraries, blanks, comments and "
            "documentation.",
        ),
        "dependencies_direct": (
            "Libraries, direct",
            "",
            "Libraries that the server's own sources name, counted by the manifest's commands.",
        ),
        "dependencies_total": (
            "Libraries, in all",
            "",
            "Those and all that they bring along, without what comes with the language.",
        ),
        "deployed_bytes": (
            "Deployed",
            "MB",
            "Size of the files that the manifest calls deployed, without a language's runtime or "
            "shared libraries that the system has.",
        ),
    }
    return [
        Spec(
            row("Effort", f"effort_{field}", title, unit, "none", definition),
            "effort",
            plain(_effort(field, MEGABYTE if unit == "MB" else 1)),
        )
        for field, (title, unit, definition) in rows.items()
    ]

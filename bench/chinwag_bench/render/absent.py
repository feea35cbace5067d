"""Columns that a default run would have today and an older run has not: its reader is to know."""

from __future__ import annotations

from chinwag_bench.judging.matrix import Matrix
from chinwag_bench.paths import find_workspace
from chinwag_bench.runs.profile import load_run_profile
from chinwag_bench.servers.catalog import discover

PROFILE = "quick"
"""What `make matrix` runs unless it is told otherwise."""


def absent(matrix: Matrix) -> list[str]:
    """Their ids, in the catalog's order."""
    variants = load_run_profile(PROFILE).variants
    present = {column.id for column in matrix.columns}
    targets = discover(find_workspace()).targets(variants)
    return [target.id for target in targets if target.id not in present]


def sentences(matrix: Matrix) -> list[str]:
    """One, or none where nothing is absent."""
    names = absent(matrix)
    if not names:
        return []
    return [f"Not in this run, which is older than they are: {', '.join(names)}."]

"""Which columns' throughput came near to what the load generator itself can do."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chinwag_bench.judging.matrix import Cell, NearCeiling
from chinwag_bench.records import Calibration

NEAR_SHARE = 0.8
"""Of the ceiling: from there on the generator's own delays begin to grow."""
_ROW = "throughput_deliveries"


def near_any_ceiling(
    calibration: Calibration | None,
    main: Sequence[str],
    others: Sequence[str],
    cells: Sequence[Cell],
) -> list[NearCeiling]:
    """Of the throughput, whose records have the load profiles ``main``, and of each other load."""
    found = near_ceiling(calibration, main, cells)
    for load in others:
        near = near_ceiling(calibration, [load], cells, f"load_{load}_deliveries")
        found += [msgspec.structs.replace(one, load=load) for one in near]
    return found


def near_ceiling(
    calibration: Calibration | None, loads: Sequence[str], cells: Sequence[Cell], row: str = _ROW
) -> list[NearCeiling]:
    """The columns at ``NEAR_SHARE`` of the ceiling or more, or beyond it, the highest first.
    ``loads`` are the load profiles of the row's records: a ceiling is of its own load only.
    """
    rates = {c.column: c.value for c in cells if c.row == row and c.value is not None}
    known = [
        ceiling.deliveries_per_s
        for ceiling in (calibration.ceilings if calibration else [])
        if ceiling.load in loads and ceiling.deliveries_per_s
    ]
    if not known:
        return []
    ceiling = max(known)
    found = [
        NearCeiling(column=column, row=row, share=rate / ceiling) for column, rate in rates.items()
    ]
    near = [one for one in found if one.share >= NEAR_SHARE]
    return sorted(near, key=lambda one: -one.share)

"""Which columns' throughput came near to what the load generator itself can do."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chinwag_bench.judging.matrix import Cell, NearCeiling
from chinwag_bench.records import Calibration

NEAR_SHARE = 0.8
"""Of the ceiling: from there on the generator's own delays begin to grow."""
_ROWS = ("throughput_deliveries", "rate_p99_100", "rate_p99_10")
_OTHER_ROWS = ("load_{}_deliveries", "load_{}_rate_p99_100")
"""Of a load beside the throughput's."""
_IN_MESSAGES = "throughput_messages"
"""The first of ``_ROWS`` once more."""


def near_any_ceiling(
    calibration: Calibration | None,
    main: Sequence[str],
    others: Sequence[str],
    cells: Sequence[Cell],
) -> list[NearCeiling]:
    """Of the throughput, whose records have the load profiles ``main``, and of each other load."""
    found = [one for row in _ROWS for one in near_ceiling(calibration, main, cells, row)]
    found += [
        msgspec.structs.replace(one, row=_IN_MESSAGES)
        for one in found
        if one.row == _ROWS[0] and any(cell.row == _IN_MESSAGES for cell in cells)
    ]
    for load in others:
        for row in _OTHER_ROWS:
            near = near_ceiling(calibration, [load], cells, row.format(load))
            found += [msgspec.structs.replace(one, load=load) for one in near]
    return found


def near_ceiling(
    calibration: Calibration | None,
    loads: Sequence[str],
    cells: Sequence[Cell],
    row: str = _ROWS[0],
) -> list[NearCeiling]:
    """The columns at ``NEAR_SHARE`` of the ceiling or more, or beyond it, the highest first.
    ``loads`` are the load profiles of the row's records: a ceiling is of its own load only. Where
    something else ended the calibration there is no ceiling, and nobody is near it.
    """
    rates = {c.column: c.value for c in cells if c.row == row and c.value is not None}
    known = [
        ceiling.deliveries_per_s
        for ceiling in (calibration.ceilings if calibration else [])
        if ceiling.load in loads and ceiling.deliveries_per_s and not ceiling.lower_bound
    ]
    if not known:
        return []
    ceiling = max(known)
    found = [
        NearCeiling(column=column, row=row, share=rate / ceiling) for column, rate in rates.items()
    ]
    near = [one for one in found if one.share >= NEAR_SHARE]
    return sorted(near, key=lambda one: -one.share)

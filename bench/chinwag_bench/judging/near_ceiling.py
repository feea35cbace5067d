"""Which columns' throughput came near to what the load generator itself can do."""

from __future__ import annotations

from collections.abc import Sequence

from chinwag_bench.judging.matrix import Cell, NearCeiling
from chinwag_bench.records import Calibration

NEAR_SHARE = 0.8
"""Of the ceiling: from there on the generator's own delays begin to grow."""
_ROW = "throughput_deliveries"


def near_ceiling(
    calibration: Calibration | None, loads: Sequence[str], cells: Sequence[Cell]
) -> list[NearCeiling]:
    """The columns at ``NEAR_SHARE`` of the ceiling or more, nearest first. ``loads`` are the load
    profiles of the throughput records: a ceiling says something of its own load only.
    """
    rates = {c.column: c.value for c in cells if c.row == _ROW and c.value is not None}
    known = [
        ceiling.deliveries_per_s
        for ceiling in (calibration.ceilings if calibration else [])
        if ceiling.load in loads and ceiling.deliveries_per_s
    ]
    if not known:
        return []
    # The calibration is short, and what the generator did later it can do.
    ceiling = max([*known, *rates.values()])
    found = [
        NearCeiling(column=column, row=_ROW, share=rate / ceiling) for column, rate in rates.items()
    ]
    near = [one for one in found if one.share >= NEAR_SHARE]
    return sorted(near, key=lambda one: -one.share)

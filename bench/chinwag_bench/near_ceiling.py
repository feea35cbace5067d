"""Which columns' throughput came near to what the load generator itself can do."""

from __future__ import annotations

from collections.abc import Sequence

from chinwag_bench.records import Calibration, Cell, NearCeiling

NEAR_SHARE = 0.8
"""Of the ceiling: from there on the generator's own delays begin to grow."""
_ROW = "throughput_deliveries"


def near_ceiling(
    calibration: Calibration | None, loads: Sequence[str], cells: Sequence[Cell]
) -> list[NearCeiling]:
    """The columns at ``NEAR_SHARE`` of the ceiling or more, nearest first. ``loads`` are the load
    profiles of the throughput records: a ceiling says something of its own load only.
    """
    ceilings = [] if calibration is None else calibration.ceilings
    found = [
        NearCeiling(column=cell.column, row=cell.row, share=cell.value / ceiling.deliveries_per_s)
        for ceiling in ceilings
        for cell in cells
        if ceiling.load in loads and ceiling.deliveries_per_s
        if cell.row == _ROW and cell.value is not None
    ]
    near = [one for one in found if one.share >= NEAR_SHARE]
    return sorted(near, key=lambda one: -one.share)

"""What the kernel alone takes for a delivery, as lines beside what the servers take."""

from __future__ import annotations

from chinwag_bench.judging.matrix import Matrix
from chinwag_bench.render import text
from chinwag_bench.render.plots import Known

NAME = "kernel alone"
NOT_MEASURED = "What the kernel alone takes for a delivery was not measured in this run"


def lines(matrix: Matrix) -> list[Known]:
    """One for each number of frames a write; none where the run has no such measurement."""
    costs = matrix.floor.costs if matrix.floor else []
    return [
        Known(NAME, cost.cpu_us_per_frame, _remark(cost.frames_per_write))
        for cost in sorted(costs, key=lambda cost: cost.frames_per_write)
    ]


def note(matrix: Matrix) -> str:
    """How it was measured and what it may not be taken for, or why it is missing."""
    floor = matrix.floor
    if floor is None:
        return f"{NOT_MEASURED}."
    if not floor.costs:
        return f"{NOT_MEASURED}: {text.first_line(floor.reason)}."
    return (
        f"Lines: the kernel alone, a process that only writes frames of {floor.frame_bytes:,} "
        f"bytes to {floor.connections:,} connections in turn. A server that puts more frames into "
        "one write can stay below a line."
    )


def _remark(frames: int) -> str:
    return "1 frame a write" if frames == 1 else f"{frames} frames a write"

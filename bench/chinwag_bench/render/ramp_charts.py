"""The charts of the ways up to max connections: latency and memory over joined connections."""

from __future__ import annotations

from chinwag_bench.judging.matrix import Matrix, Ramp
from chinwag_bench.judging.row import MEGABYTE
from chinwag_bench.render import text
from chinwag_bench.render.axes import Decades, Linear, Tick
from chinwag_bench.render.plots import CurveChart, Series, drawn

X_TITLE = "connections, each joined to a room of 10"


def charts(matrix: Matrix) -> list[CurveChart]:
    """Both charts, or none where no server climbed."""
    if not matrix.ramps:
        return []
    most = max(step.connections for ramp in matrix.ramps for step in ramp.steps)
    across = Linear.over(most)
    return [_latency(matrix, across), _memory(matrix, across)]


def _latency(matrix: Matrix, across: Linear) -> CurveChart:
    probes = {
        ramp.column: [(s.connections, s.p99_ms) for s in ramp.steps if s.p99_ms is not None]
        for ramp in matrix.ramps
    }
    decades = Decades.around([ms for points in probes.values() for _, ms in points])
    series = [
        Series(
            ramp.column,
            [(across.share(count), decades.top(ms)) for count, ms in probes[ramp.column]],
            _summary(ramp),
        )
        for ramp in matrix.ramps
        if probes[ramp.column]
    ]
    return CurveChart(
        "Adding connections: p99 of each step's probe messages",
        f"Lower is better; the search ends above 1,000 ms. {_ends(matrix)}",
        X_TITLE,
        drawn(matrix, series, dotted=True),
        _x_ticks(across),
        decades.ticks(),
    )


def _memory(matrix: Matrix, across: Linear) -> CurveChart:
    most = max(step.user_bytes for ramp in matrix.ramps for step in ramp.steps) / MEGABYTE
    up = Linear.over(most)
    series = [
        Series(
            ramp.column,
            [
                (across.share(step.connections), 100 - up.share(step.user_bytes / MEGABYTE))
                for step in ramp.steps
            ],
            _summary(ramp),
        )
        for ramp in matrix.ramps
    ]
    return CurveChart(
        "Adding connections: user memory",
        "Lower is better. Memory of all the server's processes, pages that they share counted once "
        "(PSS); the kernel's memory for its sockets comes on top.",
        X_TITLE,
        drawn(matrix, series, dotted=True),
        _x_ticks(across),
        [Tick(100 - up.share(mark), f"{mark:,.4g} MB") for mark in up.marks()],
    )


def _x_ticks(across: Linear) -> list[Tick]:
    return [Tick(across.share(mark), f"{mark:,.0f}") for mark in across.marks()]


def _summary(ramp: Ramp) -> str:
    return f"{ramp.column} up to {max(step.connections for step in ramp.steps):,} connections"


def _ends(matrix: Matrix) -> str:
    """What ended each ramp, servers with the same end together."""
    by_end: dict[str, list[str]] = {}
    for ramp in matrix.ramps:
        by_end.setdefault(text.first_line(ramp.stopped) or "unknown", []).append(ramp.column)
    ends = [f"{', '.join(columns)}: {end}" for end, columns in by_end.items()]
    return f"What ended it: {'; '.join(ends)}."

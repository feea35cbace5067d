"""The charts of faults and upgrades: for each, deliveries before and after it, a small one for
every server.
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from chinwag_bench.judging.matrix import UPGRADE, FaultTimeline, Matrix
from chinwag_bench.numbers import number
from chinwag_bench.render import text
from chinwag_bench.render.axes import Linear, Tick
from chinwag_bench.render.plots import colours
from chinwag_bench.render.templating import ENVIRONMENT, data_file

SHARE_MAX = 2.0
"""Of what is delivered before the fault: a backlog that comes at once is cut off there."""
_KNOWN = {
    "exception": ("A handler throws", "One client's message makes its handler throw."),
    "stuck": (
        "A handler does not end",
        "One client's message keeps its handler busy, for as long as the method says.",
    ),
    "kill_unit": (
        "The smallest unit is killed",
        "SIGKILL, or its like in a virtual machine, of what ends by itself. Servers that have no "
        "smaller unit than their process stand below.",
    ),
    "kill_all": ("All is killed", "SIGKILL of all processes; the same restarter for all."),
    "restarts_allowed": (
        "As many crashes as its supervisor allows",
        "An inner part is killed again and again; the last time is the mark.",
    ),
    "restarts_exceeded": (
        "One crash more than its supervisor allows",
        "The supervisor gives up, and everything below it ends.",
    ),
    UPGRADE: (
        "A new build takes over",
        "Each server by its best way: a new process with the same listening socket or port, "
        "workers one after the other, connections handed over, or code into the running program.",
    ),
}

_OUTAGES = {
    "redis_killed": (
        "Redis is killed",
        "Two nodes, joined by Redis, which is killed and started again after 1 s.",
    ),
    "redis_paused": ("Redis stands still", "Two nodes, joined by Redis, which stops for 5 s."),
    "link_cut": (
        "A link is cut",
        "Two nodes, of which one's link to the other and to Redis is cut for 3 s.",
    ),
    "node_killed": ("A node is killed", "Two nodes, one of which is killed and started again."),
}
_KNOWN |= _OUTAGES

_ENDS = "A chart ends half a second after all hear again."
"""Where not all are as long: nothing is watched beyond."""


@dataclass(frozen=True)
class Small:
    """One server's chart, in a box of 100 x 100; ``fault_at`` is a percentage of its width."""

    column: str
    colour: int
    points: str
    fault_at: float
    said: str


@dataclass(frozen=True)
class FaultChart:
    title: str
    note: str
    smalls: list[Small]
    ticks: list[Tick]


def charts(matrix: Matrix) -> list[FaultChart]:
    """In the order of the faults; none where the run had none."""
    by_fault: dict[str, list[FaultTimeline]] = {name: [] for name in _KNOWN}
    for line in matrix.fault_timelines:
        by_fault.setdefault(line.fault, []).append(line)
    number_of = colours(matrix.columns)
    return [chart(name, lines, number_of) for name, lines in by_fault.items() if lines]


def chart(fault: str, lines: list[FaultTimeline], number_of: dict[str, int]) -> FaultChart:
    """Of one fault; ``number_of`` is each column's colour."""
    begin_ms = lines[0].begin_ms
    end_ms = max(line.begin_ms + line.bin_ms * len(line.shares) for line in lines)
    width = end_ms - begin_ms
    what = UPGRADE if fault == UPGRADE else "outage" if fault in _OUTAGES else "fault"
    counted = "Deliveries from node to node" if fault in _OUTAGES else "Deliveries"
    title, note = _KNOWN.get(fault, (f"The {fault} is killed", "An inner part that others need."))
    ends = f" {_ENDS}" if len({len(line.shares) for line in lines}) > 1 else ""
    marks = [mark for mark in Linear.over(end_ms).marks() if mark <= end_ms]
    return FaultChart(
        title=title,
        note=f"{note} {counted} in bins of {lines[0].bin_ms} ms, the median of the rounds, over "
        f"those before the {what}.{ends}",
        smalls=[
            Small(
                column=line.column,
                colour=number_of[line.column],
                points=_points(line, begin_ms, width),
                fault_at=100 * -begin_ms / width,
                said=_said(line),
            )
            for line in lines
        ],
        ticks=[
            Tick(100 * (mark - begin_ms) / width, f"{mark / 1000:g} s" if mark else what)
            for mark in marks
        ],
    )


def draw(chart: FaultChart) -> Markup:
    """The chart as HTML, to stand in a page that has ``style()``."""
    macros = ENVIRONMENT.get_template("faults.html").module
    return Markup(macros.faults(chart))  # type: ignore[attr-defined]


def style() -> Markup:
    """The charts' style sheet as a <style> element, beside that of ``plots``."""
    return Markup(f"<style>{data_file('faults.css')}</style>")


def _points(line: FaultTimeline, begin_ms: int, width: int) -> str:
    """An area: along the bins, and back along the bottom."""
    points = []
    for index, share in enumerate(line.shares):
        left = 100 * (line.begin_ms + line.bin_ms * index - begin_ms) / width
        right = left + 100 * line.bin_ms / width
        top = 100 * (1 - min(share, SHARE_MAX) / SHARE_MAX)
        points += [f"{left:.2f},{top:.1f}", f"{right:.2f},{top:.1f}"]
    last = points[-1].split(",")[0]
    return " ".join(["0.00,100.0", *points, f"{last},100.0"])


def _said(line: FaultTimeline) -> str:
    if line.lost is not None:
        return _said_of_outage(line, line.lost)
    lost = f"{line.connections_lost:g} connection{'' if line.connections_lost == 1 else 's'} lost"
    if line.way and line.all_hear_ms is not None:
        return (
            f"{text.UPGRADED[line.way]}: {number(line.all_hear_ms)} ms of silence at most; {lost}"
        )
    if line.all_hear_ms is None:
        return f"somebody never hears again; {lost}"
    if line.others_hear_ms is not None:
        others, sender = number(line.others_hear_ms), number(line.all_hear_ms)
        if others != sender:
            return f"others hear again after {others} ms, its sender after {sender}; {lost}"
    return f"all hear again after {number(line.all_hear_ms)} ms; {lost}"


def _said_of_outage(line: FaultTimeline, lost: float) -> str:
    missing = f"{lost:,.0f} deliveries lost"
    if line.all_hear_ms is None:
        return f"somebody never hears the other node again; {missing}"
    return f"all hear all {number(line.all_hear_ms)} ms after its end; {missing}"

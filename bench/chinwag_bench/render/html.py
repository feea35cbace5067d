"""report.html: one file that needs nothing else, made of templates/report.html and the charts."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from chinwag_bench.calibration import describe
from chinwag_bench.judging.matrix import Cell, Matrix
from chinwag_bench.records import Json, Run
from chinwag_bench.render import (
    advice,
    glance,
    headline,
    kernel,
    limits,
    palette,
    plots,
    ramp_charts,
    text,
)
from chinwag_bench.render.numbers import number
from chinwag_bench.render.strips import strips
from chinwag_bench.render.templating import ENVIRONMENT, data_file

CONTENTS = {
    "which": "Which one for me?",
    "glance": "At a glance",
    "charts": "Charts",
    "matrix": "The matrix",
    "figures": "Published figures",
    "claims": "Claims",
    "limits": "Limits",
    "checks": "Checks",
    "conditions": "Machine, versions",
    "method": "Method",
    "repeat": "Repeat it",
}
STYLE_SHEETS = ("charts.css", "report.css", "controls.css", "print.css")
SCRIPTS = ("sort.js", "filter.js", "advice.js", "print.js")


def document(matrix: Matrix) -> str:
    """The whole report. All text of the matrix is escaped."""
    index = text.Index(matrix)
    return ENVIRONMENT.get_template("report.html").render(
        matrix=matrix,
        run=matrix.run,
        index=index,
        headline=headline.headline(matrix),
        tally=headline.tally(matrix),
        tally_sentence=headline.tally_sentence(matrix),
        labels=text.VERDICT_LABELS,
        machine=text.machine(matrix),
        command=repeating(matrix.run),
        coverage=text.coverage(matrix),
        contents=CONTENTS,
        glance=glance.heads(matrix),
        servers=glance.in_order(matrix),
        sentences=[
            one
            for one in (
                headline.promptness(matrix),
                headline.tally_sentence(matrix),
                headline.noise_sentence(matrix),
            )
            if one
        ],
        strips=strips(matrix),
        presets=advice.presets(),
        candidates=advice.candidates(matrix),
        languages=advice.languages(matrix),
        measured_at=advice.measured(matrix),
        charts=[plots.draw(chart) for chart in [*charts(matrix), *ramp_charts.charts(matrix)]],
        limits=limits.limits(index),
        fingerprint=list(flat(matrix.run.machine)),
        plan=list(flat(matrix.run.plan)),
        shown_languages=sorted({column.language for column in matrix.columns}),
        calibration_lines=describe(matrix.calibration) if matrix.calibration else [],
        near_lines=[f"{near.column} ({near.share:.0%})" for near in matrix.near_ceiling],
        ceiling_known=ceiling_is_known(matrix),
        sort_key=sort_key,
        css=Markup(palette.css() + "".join(map(data_file, STYLE_SHEETS))),
        javascript=Markup('"use strict";\n' + "".join(data_file(f"scripts/{s}") for s in SCRIPTS)),
    )


def ceiling_is_known(matrix: Matrix) -> bool:
    """Whether the calibration found what the generator can do under the throughput's load."""
    load = (matrix.run.plan.get("settings", {}).get("throughput") or {}).get("load", "article")
    ceilings = matrix.calibration.ceilings if matrix.calibration else []
    return any(one.load == load and one.deliveries_per_s for one in ceilings)


def repeating(run: Run) -> str:
    """The run's command with its seed, even where that was the default one."""
    return run.command if "--seed" in run.command else f"{run.command} --seed {run.seed}"


def charts(matrix: Matrix) -> list[plots.BarChart | plots.CurveChart]:
    """The report's charts, in order, each with a title that says what is shown."""
    rate = matrix.run.common_rate_deliveries_per_s
    at = f"{number(rate)} deliveries/s for all" if rate else "one rate for all"
    return [
        plots.bars(
            matrix,
            "throughput_deliveries",
            "Deliveries per second, p99 up to 1,000 ms",
            "Longer is better. Light: the true value lies between the two ends. Whiskers: the "
            "range of the rounds. >= means that the load generator or the run's time ended first: "
            "the server can do more.",
        ),
        plots.delay_over_rate(
            matrix,
            "p99 over rate",
            "Further right carries more, lower answers sooner. Each dot is a hold that was "
            "delivered in full, rates within 7 % of each other taken together; both axes are "
            "logarithmic. A line ends at the highest rate that was seen to be kept.",
        ),
        plots.bars(
            matrix,
            "common_cpu_per_delivery",
            f"CPU time per delivery: {at}",
            "Shorter is better. User and system time of all the server's processes. "
            f"{kernel.note(matrix)}",
            known=kernel.lines(matrix),
        ),
        plots.curves(
            matrix,
            "common",
            f"Latency at one rate: {at}",
            "Lower is better. From the planned send time to the read, all rounds added up; both "
            "axes are logarithmic. Dashed: a variant, or the second name of an A/A.",
        ),
        plots.memory_bars(
            matrix,
            "Memory per 10,000 joined connections",
            "Shorter is better. Growth over the empty server; the kernel's part is what the "
            "articles' figures leave out.",
        ),
    ]


def flat(value: Json, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested facts as (dotted name, text), for a table."""
    for key, inner in value.items():
        name = f"{prefix}{key}"
        if isinstance(inner, dict):
            yield from flat(inner, f"{name}.")
        elif isinstance(inner, list):
            yield name, ", ".join(str(item) for item in inner)
        else:
            yield name, "unknown" if inner is None else str(inner)


def sort_key(cell: Cell | None) -> str:
    """What the browser sorts by: the plain number, or nothing, which sorts last."""
    return "" if cell is None or cell.value is None else repr(cell.value)

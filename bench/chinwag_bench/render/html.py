"""report.html: one file that needs nothing else, made of templates/report.html and the charts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from markupsafe import Markup

from chinwag_bench.calibration import describe
from chinwag_bench.judging.matrix import Cell, Matrix, NearCeiling
from chinwag_bench.numbers import number
from chinwag_bench.records import Json, Run
from chinwag_bench.render import (
    advice,
    claims,
    dumbbells,
    fault_charts,
    glance,
    headline,
    kernel,
    languages,
    limits,
    method,
    palette,
    plots,
    ramp_charts,
    text,
)
from chinwag_bench.render.strips import strips
from chinwag_bench.render.templating import ENVIRONMENT, data_file

CONTENTS = {
    "load": "p99 at each rate",
    "words": "Summary",
    "glance": "Result",
    "figures": "The articles",
    "which": "Which one for me?",
    "charts": "Charts",
    "matrix": "Matrix",
    "checks": "Checks",
    "conditions": "Machine, versions",
    "method": "Method",
    "repeat": "Repeat it",
}
STYLE_SHEETS = (
    "charts.css",
    "dumbbells.css",
    "faults.css",
    "report.css",
    "controls.css",
    "print.css",
)
SCRIPTS = ("address.js", "filter.js", "sort.js", "advice.js", "folds.js")


def document(matrix: Matrix) -> str:
    """The whole report. All text of the matrix is escaped."""
    index = text.Index(matrix)
    best = languages.best_by_language(matrix, headline.OWN_SERVER)
    return ENVIRONMENT.get_template("report.html").render(
        matrix=matrix,
        run=matrix.run,
        index=index,
        headline=headline.headline(matrix),
        facts=headline.facts(matrix, counts_follow=True),
        above_plot=headline.ABOVE_PLOT,
        languages=best,
        tuned_means=f" {languages.TUNED}" if any(map(languages.is_tuned, best)) else "",
        level_means=f" {languages.LEVEL}" if any(one.prompt_is_level for one in best) else "",
        tally=claims.tally(matrix),
        labels=claims.LABELS,
        meanings=claims.MEANINGS,
        verdict_kinds={
            *claims.grouped(matrix),
            *(verdict.kind for _, _, verdict in index.figures()),
        },
        statements=claims.grouped(matrix),
        machine=text.machine(matrix),
        network=text.network(matrix),
        command=repeating(matrix.run),
        coverage=text.coverage(matrix),
        contents=CONTENTS,
        glance=glance.page_heads(matrix),
        heat=glance.heat,
        servers=glance.in_order(matrix),
        columns=glance.all_in_order(matrix),
        strips=strips(matrix),
        presets=advice.presets(),
        candidates=advice.candidates(matrix),
        measured_at=advice.measured(matrix),
        charts=[plots.draw(chart) for chart in [*charts(matrix), *ramp_charts.charts(matrix)]],
        dumbbells=dumbbells.chart(matrix),
        fault_charts=fault_charts.charts(matrix),
        limits=limits.limits(index),
        fingerprint=list(flat(matrix.run.machine)),
        plan=list(flat(matrix.run.plan)),
        shown_languages=sorted({column.language for column in matrix.columns}),
        calibration_lines=describe(matrix.calibration) if matrix.calibration else [],
        near_lines=[_near(n) for n in matrix.near_ceiling if n.row.endswith("_deliveries")],
        methods=list(method.paragraphs()),
        ceiling_known=ceiling_is_known(matrix),
        most_carried=_most_carried(matrix),
        sort_key=sort_key,
        common=text.common_rate(matrix),
        near=text.near_ceiling(matrix),
        open_row=text.OPEN_ROW,
        fits=glance.SERVERS_SIDE_BY_SIDE,
        usual=glance.usual_servers(matrix),
        first_rows={row.id for row in matrix.rows if glance.is_first(index, row)},
        never=[row.title for row in matrix.rows if row.id in never(index)],
        css=Markup(palette.css() + "".join(map(data_file, STYLE_SHEETS))),
        javascript=Markup('"use strict";\n' + "".join(data_file(f"scripts/{s}") for s in SCRIPTS)),
    )


def _near(near: NearCeiling) -> str:
    load = f", load {near.load}" if near.load else ""
    return f"{near.column}{load} ({near.share:.0%})"


def _most_carried(matrix: Matrix) -> str:
    """The highest rate of a hold in which the generator kept up; empty without one."""
    rates = [one.carried for one in matrix.rate_points if one.kept and not one.by_generator]
    return number(max(rates)) if rates else ""


def ceiling_is_known(matrix: Matrix) -> bool:
    """Whether the calibration found what the generator can do under the throughput's load."""
    load = (matrix.run.plan.get("settings", {}).get("throughput") or {}).get("load", "article")
    ceilings = matrix.calibration.ceilings if matrix.calibration else []
    return any(
        one.load == load and one.deliveries_per_s and not one.lower_bound for one in ceilings
    )


def repeating(run: Run) -> str:
    """The run's command with its seed, even where that was the default one."""
    return run.command if "--seed" in run.command else f"{run.command} --seed {run.seed}"


def charts(matrix: Matrix) -> list[plots.BarChart | plots.CurveChart]:
    """The report's charts, in order, each with a title that says what is shown: those of rows that
    the run has.
    """
    rate = text.common_rate(matrix)
    at = f"{rate} deliveries/s for all" if rate else "one rate for all"
    made: dict[str, Callable[[], plots.BarChart | plots.CurveChart]] = {
        "rate_p99_100": lambda: plots.delay_over_rate(
            matrix,
            "p99 at each rate",
            "Lower right is better; axes are logarithmic. A dot: a rate held for seconds, all "
            "delivered; a line ends at the median throughput. Dashed, hollow: tuned.",
        ),
        "throughput_deliveries": lambda: plots.bars(
            matrix,
            "throughput_deliveries",
            "Deliveries per second, p99 up to 1,000 ms",
            "Longer is better. Light: the value lies between the two ends. Whiskers: the "
            "range of the rounds. >=: the server may do more, the load generator or the run's time "
            "ended first.",
        ),
        "memory_joined": lambda: plots.memory_bars(
            matrix,
            "Memory per 10,000 connections that joined a room",
            "Shorter is better. Growth over the empty server; the kernel's part is what the "
            "articles' figures leave out.",
        ),
        "common_cpu_per_delivery": lambda: plots.bars(
            matrix,
            "common_cpu_per_delivery",
            f"CPU time per delivery: {at}",
            "Shorter is better. User and system time of all the server's processes. "
            f"{kernel.note(matrix)}",
            known=kernel.lines(matrix),
        ),
        "common_p99": lambda: plots.curves(
            matrix,
            "common",
            f"Latency at one rate: {at}",
            "Lower is better. From the planned send time to the read, all rounds added up; both "
            "axes are logarithmic. Dashed: a variant, or the second measurement of a server.",
        ),
    }
    here = {row.id for row in matrix.rows}
    return [make() for row, make in made.items() if row in here]


def never(index: text.Index) -> set[str]:
    """The rows that no server has a value in, and that stand there for the articles' figures."""
    return {row.id for row in index.matrix.rows if index.why_empty(row.id)}


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

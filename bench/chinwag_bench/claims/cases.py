"""The articles' case studies as scenarios: what they tell of before and after, and what was
measured of both sides.
"""

from __future__ import annotations

from chinwag_bench.claims import expression
from chinwag_bench.claims.catalog import Case, CaseLine
from chinwag_bench.claims.expression import Missing
from chinwag_bench.claims.values import RunValues
from chinwag_bench.claims.verdict import Judge
from chinwag_bench.judging.matrix import CaseSide, CaseStudy, Comparison


def all_cases(judge: Judge, experiments: Judge | None = None) -> list[CaseStudy]:
    """In the articles' order. A line's two sides come from one run: from ``experiments`` where
    ``judge`` has less of them.
    """
    runs = [judge.values, *([] if experiments is None else [experiments.values])]
    return [_study(case, runs) for case in judge.values.catalog.case]


def _study(case: Case, runs: list[RunValues]) -> CaseStudy:
    return CaseStudy(
        id=case.id,
        article=case.id[0],
        lines=case.lines,
        title=case.title,
        before=case.before,
        after=case.after,
        note=case.note,
        comparisons=[_comparison(line, runs) for line in case.line],
    )


def _comparison(line: CaseLine, runs: list[RunValues]) -> Comparison:
    of_runs = [[_side(line, place, values) for place in (0, 1)] for values in runs]
    before, after = max(of_runs, key=lambda sides: sum(one.measured is not None for one in sides))
    return Comparison(what=line.what, unit=line.unit, before=before, after=after)


def _side(line: CaseLine, place: int, values: RunValues) -> CaseSide:
    text = line.measured[place]
    try:
        measured = expression.value(text, values).pair if text else None
    except Missing:
        measured = None
    return CaseSide(told=line.told[place], measured=measured)

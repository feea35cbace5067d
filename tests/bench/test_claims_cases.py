"""The case studies as scenarios: before and after of one run, beside what the article tells."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest
from chinwag_bench.claims.cases import all_cases
from chinwag_bench.claims.catalog import Case, CaseLine, load, read
from chinwag_bench.claims.judged import judge_of
from chinwag_bench.errors import UsageError
from chinwag_bench.judging.matrix import CaseSide, CaseStudy, Cell, Comparison
from chinwag_bench.render import claims
from rich.console import Console

from .result_builder import made_cell

BATCHES = Case(
    id="A47",
    lines=(526, 530),
    title="Batches",
    before="go",
    after="go:batched",
    line=[
        CaseLine(
            what="p99", unit="ms", told=("450", "112"),
            measured=("common_p99[go]", "common_p99[go:batched]"),
        )
    ],
)  # fmt: skip


def only(*cells: Cell, apart: list[Cell] | None = None) -> CaseStudy:
    catalog = msgspec.structs.replace(load(), case=[BATCHES])
    beside = None if apart is None else judge_of(catalog, apart)
    (study,) = all_cases(judge_of(catalog, cells), beside)
    return study


def p99(column: str, value: float) -> Cell:
    return made_cell("common_p99", value, column=column)


def sides(study: CaseStudy) -> list[tuple[float, float | None] | None]:
    (line,) = study.comparisons
    return [line.before.measured, line.after.measured]


def test_both_sides_stand_beside_what_the_article_tells() -> None:
    study = only(p99("go", 40.0), p99("go:batched", 10.0))
    assert sides(study) == [(40.0, 40.0), (10.0, 10.0)]
    assert [study.comparisons[0].before.told, study.comparisons[0].after.told] == ["450", "112"]


def test_the_two_sides_of_a_line_are_of_one_run() -> None:
    """The result has the default alone, the experiments both: no side is taken from the result."""
    study = only(p99("go", 40.0), apart=[p99("go", 80.0), p99("go:batched", 20.0)])
    assert sides(study) == [(80.0, 80.0), (20.0, 20.0)]


def test_a_result_that_has_both_needs_no_experiments() -> None:
    apart = [p99("go", 80.0), p99("go:batched", 20.0)]
    assert sides(only(p99("go", 40.0), p99("go:batched", 10.0), apart=apart))[0] == (40.0, 40.0)


def test_what_no_run_has_is_called_not_measured() -> None:
    study = only(p99("go", 40.0))
    assert sides(study) == [(40.0, 40.0), None]
    assert claims.side(study.comparisons[0].after) == "not measured"


def test_an_open_side_says_so() -> None:
    assert claims.side(CaseSide(told="", measured=(62_700.0, None))) == ">= 62,700"


def test_the_terminal_shows_before_and_after_in_one_line() -> None:
    shown = io.StringIO()
    console = Console(file=shown, width=200)
    claims._print_case(only(p99("go", 40.0), p99("go:batched", 10.0)), console)
    assert "p99, ms: 40 (told: 450) -> 10 (told: 112)" in shown.getvalue()


def test_the_articles_three_cases_are_there_with_both_sides_of_each() -> None:
    cases = load().case
    assert [case.id for case in cases] == ["A46", "A47", "A48"]
    assert all(case.line and all(any(one.measured) for one in case.line) for case in cases)


@pytest.mark.parametrize(
    ("expression", "said"),
    [("common_p99[cobol]", "`columns` has no 'cobol'"), ("common_p99[go] +", "")],
)
def test_a_wrong_expression_is_named_with_its_case(
    tmp_path: Path, expression: str, said: str
) -> None:
    file = tmp_path / "claims.toml"
    file.write_text(
        'columns = ["go"]\nclaim = []\n[articles.A]\ntitle = "A"\nlines = 1\n[facts]\n'
        '[[case]]\nid = "A1"\nlines = [1, 1]\ntitle = "t"\nbefore = "b"\nafter = "a"\n'
        f'[[case.line]]\nwhat = "w"\nmeasured = ["{expression}", ""]\n'
    )
    with pytest.raises(UsageError, match=f"case A1: .*{said}"):
        read(file)


def test_a_comparison_is_a_record() -> None:
    line = Comparison(what="w", unit="", before=CaseSide(told="", measured=None),
                      after=CaseSide(told="", measured=(1.0, None)))  # fmt: skip
    assert msgspec.json.decode(msgspec.json.encode(line), type=Comparison) == line

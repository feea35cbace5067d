"""A run below a result that puts single statements to the test: what is judged by it, and how."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from chinwag_bench.claims.catalog import load
from chinwag_bench.claims.judged import APART, all_claims, judge_of
from chinwag_bench.judging.evidence import EXPERIMENTS
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import Cell, Claim
from chinwag_bench.records import Run

from .result_builder import build


def cell(row: str, column: str, value: float) -> Cell:
    return Cell(row=row, column=column, unit="ms", value=value, low=value, high=value, rounds=3)


def found(main: list[Cell], apart: list[Cell]) -> dict[str, Claim]:
    catalog = load()
    claims = all_claims(judge_of(catalog, main), judge_of(catalog, apart))
    return {claim.id: claim for claim in claims}


MAIN = [cell("common_p99", "go", 4.0), cell("common_max", "go", 20.0)]
TIP = [cell("common_p99", "go", 10.0), cell("common_p99", "go:tip", 6.0)]


def test_a_statement_about_a_column_of_experiments_is_judged_by_them_alone() -> None:
    verdict = found(MAIN, TIP)["A56"].verdict
    assert (verdict.kind, verdict.factor) == ("holds", pytest.approx(1.0))  # 6 / 10, not 6 / 4
    assert verdict.text.endswith(APART)


def test_without_its_base_in_the_same_run_it_stays_untested() -> None:
    verdict = found(MAIN, TIP[1:])["A56"].verdict
    assert verdict.kind == "untested"
    assert APART not in verdict.text


def test_what_the_run_itself_can_judge_is_judged_by_it() -> None:
    other = [cell("common_max", "go", 500.0)]
    verdict = found(MAIN, other)["A52"].verdict
    assert (verdict.kind, verdict.measured) == ("differs", (20.0, 20.0))
    assert found([], other)["A52"].verdict.kind == "holds"


def test_of_what_is_untested_no_sentence_with_a_hole_is_said() -> None:
    for claim in all_claims(judge_of(load())):
        if claim.verdict.kind == "untested":
            assert "(not measured)" not in claim.verdict.text, claim.id


def test_a_result_with_experiments_below_it_names_them(tmp_path: Path) -> None:
    result = build(tmp_path / "run")
    assert judge(result).experiments is None
    for name in ("2026-01-01-000000-a", "2026-01-02-000000-a"):
        build(result / EXPERIMENTS / name)
    newest = result / EXPERIMENTS / "2026-01-02-000000-a" / "run.json"
    matrix = judge(result)
    assert matrix.experiments == msgspec.json.decode(newest.read_bytes(), type=Run).id
    assert {claim.id for claim in matrix.claims} == {claim.id for claim in load().claim}

"""What the committed reference run says of the articles, whatever its figures are."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from chinwag_bench.claims import expression
from chinwag_bench.claims.catalog import Statement, load
from chinwag_bench.claims.judged import judge_of
from chinwag_bench.judging.evidence import experiments_of
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import Claim, Matrix

(COMMITTED,) = (Path(__file__).resolve().parents[2] / "results" / "reference").glob("2*/")
STATEMENTS = {claim.id: claim for claim in load().claim}


@pytest.fixture(scope="module")
def matrix() -> Matrix:
    return judge(COMMITTED)


@pytest.fixture(scope="module")
def apart() -> Matrix:
    folder = experiments_of(COMMITTED)
    assert folder is not None
    return judge(folder)


def ratios(matrix: Matrix) -> list[Claim]:
    """Of two measured values."""
    return [
        claim
        for claim in matrix.claims
        if any(
            sum(use.kind in expression.MEASURED for use in expression.uses(reading)) > 1
            for reading in STATEMENTS[claim.id].readings
        )
    ]


def test_no_relation_holds_with_the_other_sign(matrix: Matrix) -> None:
    assert len(ratios(matrix)) > 15
    for claim in ratios(matrix):
        if claim.verdict.kind == "holds":
            expected, found = STATEMENTS[claim.id].expected, claim.verdict.interval
            assert expected is not None and found is not None and found[1] is not None
            assert (found[0] >= 1) if expected.low > 1 else (found[1] <= 1), claim.id


def test_what_is_reversed_is_so_with_all_noise(matrix: Matrix) -> None:
    for claim in matrix.claims:
        if claim.verdict.kind == "reversed":
            assert not claim.verdict.within_noise, claim.id
            if claim in ratios(matrix):
                found = claim.verdict.interval
                assert found is not None and found[1] is not None
                assert not found[0] <= 1 <= found[1], claim.id


def with_the_second_measurement(claim: Statement) -> Statement:
    return msgspec.structs.replace(
        claim, readings=[text.replace("[go]", "[go (again)]") for text in claim.readings]
    )


def test_an_interval_has_what_the_second_measurement_of_go_gives(
    matrix: Matrix, apart: Matrix
) -> None:
    looked = 0
    for run in (matrix, apart):
        judge_ = judge_of(load(), run.cells, run.rate_points, run.ramps, run.aa)
        for claim in STATEMENTS.values():
            again = with_the_second_measurement(claim)
            if again == claim or claim.expected is None:
                continue
            first, second = (judge_._read(one, one.readings[0]) for one in (claim, again))
            if first.measured is None or second.measured is None:
                continue
            looked += 1
            assert first.interval is not None
            high = first.interval[1] or float("inf")
            assert first.interval[0] <= second.measured[0], claim.id
            assert (second.measured[1] or 0.0) <= high, claim.id
    assert looked > 8


def test_a_change_is_judged_by_the_run_that_makes_it(matrix: Matrix) -> None:
    for claim in matrix.claims:
        if claim.id.startswith(("A47.", "A56", "A57.")) or claim.id == "A8":
            assert claim.verdict.text.endswith("Measured apart, by `chinwag claims --run`."), (
                claim.id
            )
            assert claim.verdict.kind != "holds", claim.id


def test_a_recovery_below_the_instrument_s_resolution_is_a_bound(matrix: Matrix) -> None:
    cells = {cell.column: cell for cell in matrix.cells if cell.row == "exception_others"}
    assert {column for column, cell in cells.items() if cell.low == 0} >= {
        *("chinwagd", "elixir", "elixir:tuned", "go:tuned", "cpp-uws:tuned")
    }
    (elixir,) = (claim for claim in matrix.claims if claim.id == "A10.elixir")
    assert elixir.verdict.kind == "undecided"
    assert {c.tie_with_best for c in matrix.cells if c.row == "kill_unit_all"} == {None}

"""The terminal's table: width, plainness, and what it shows."""

from __future__ import annotations

import io

import pytest
from chinwag_bench.judging.judge import judge
from chinwag_bench.records import Matrix
from chinwag_bench.render.terminal import print_matrix
from rich.console import Console

from .result_builder import build


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    return judge(build(tmp_path_factory.mktemp("terminal") / "run"))


def printed(matrix: Matrix, **options: object) -> str:
    out = io.StringIO()
    print_matrix(matrix, Console(file=out, **options))  # type: ignore[arg-type]
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_it_fits(matrix: Matrix, width: int) -> None:
    lines = printed(matrix, width=width).splitlines()
    tables = [line for line in lines if not line.startswith(("Not measured", "Check failed"))]
    assert max(len(line.rstrip()) for line in tables) <= min(width, 100)


def test_it_is_plain_where_it_is_no_terminal(matrix: Matrix) -> None:
    assert "\x1b" not in printed(matrix, width=100)


def test_no_color_leaves_out_colours(matrix: Matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[32" in printed(matrix, width=100, force_terminal=True) or "\x1b[33" in printed(
        matrix, width=100, force_terminal=True
    )
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in printed(matrix, width=100, force_terminal=True)


def test_it_shows_measured_beside_published(matrix: Matrix) -> None:
    shown = printed(matrix, width=100)
    assert shown.startswith("chinwagd delivers the most: at least 603,000 deliveries/s")
    assert ">= 603,000*" in shown
    assert "A 142,000 ✗" in shown
    assert "A 987 ≠" in shown


def test_it_names_what_is_not_there(matrix: Matrix) -> None:
    shown = printed(matrix, width=100)
    assert "node-ws: failed: 3 of 61 conformance cases failed" in shown
    assert "cpp-beast: missing: Boost 1.81" in shown
    assert "Not measured, see report.html: " in shown
    assert "Fault recovery" in shown


def test_what_stopped_a_bound_stands_below_it(matrix: Matrix) -> None:
    shown = printed(matrix, width=100)
    assert ">= 19,500" in shown
    assert "(open files)" in shown
    assert "Check failed: Conformance before measuring" in shown


def test_text_is_not_taken_for_markup(matrix: Matrix) -> None:
    column = next(c for c in matrix.columns if c.id == "cpp-beast")
    before, column.reason = column.reason, "[bold]not markup[/bold]"
    try:
        assert "[bold]not markup[/bold]" in printed(matrix, width=100)
    finally:
        column.reason = before

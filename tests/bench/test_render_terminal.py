"""The terminal's table: width, plainness, and what it shows."""

from __future__ import annotations

import io
import re

import pytest
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import Matrix
from chinwag_bench.render import headline
from chinwag_bench.render.terminal import print_matrix
from rich.console import Console

from .result_builder import build

ANSI = re.compile(r"\x1b\[[0-9;]*m")


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
    assert max(len(line.rstrip()) for line in lines) <= width
    assert not any("…" in line for line in lines), "nothing is cut"


@pytest.mark.parametrize("width", [200, 80, 60, 40])
def test_a_narrow_terminal_has_blocks_with_every_figure_whole(matrix: Matrix, width: int) -> None:
    shown = printed(matrix, width=width, force_terminal=True, no_color=True, highlight=False)
    table = ANSI.sub("", shown).split("\n* best")[0]
    assert max(map(len, table.splitlines())) <= width
    assert "…" not in table
    wide = printed(matrix, width=200).split("\n* best")[0].splitlines()
    for line in wide[2:7]:
        name, *figures = line.split()
        own = [one.split()[1:] for one in table.splitlines() if one.split()[:1] == [name]]
        assert [figure for part in own for figure in part] == figures


@pytest.mark.parametrize("width", [80, 40, 10])
def test_lines_of_a_file_are_as_long_as_their_figures(matrix: Matrix, width: int) -> None:
    table, wide = (printed(matrix, width=one).splitlines()[:7] for one in (width, 200))
    assert [line.split() for line in table] == [line.split() for line in wide]


def test_it_is_plain_where_it_is_no_terminal(matrix: Matrix) -> None:
    assert "\x1b" not in printed(matrix, width=100)


def test_no_color_leaves_out_colours(matrix: Matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[33" in printed(matrix, width=100, force_terminal=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in printed(matrix, width=100, force_terminal=True)


def test_it_is_one_line_a_server_who_delivers_most_first(matrix: Matrix) -> None:
    lines = printed(matrix, width=100).splitlines()
    servers = [line.split()[0] for line in lines[2:7]]
    assert servers == ["chinwagd", "rust", "go", "elixir", "noise"]
    assert ">=600k*" in lines[2]


def test_the_verdict_is_the_last_thing_on_the_screen(matrix: Matrix) -> None:
    shown = printed(matrix, width=200).splitlines()
    start = shown.index(f"{headline.headline(matrix)}.")
    rest = " ".join(" ".join(shown[start + 1 :]).split())
    assert rest == " ".join(f"{name}: {said}" for name, said in headline.facts(matrix))


def test_heads_say_the_load(matrix: Matrix) -> None:
    first, second, *_ = printed(matrix, width=100).splitlines()
    assert first.split()[:3] == ["deliv./s", "deliv./s", "deliv./s"]
    assert "p99<=1 s" in second and "<=10 ms" in second and "at 20k/s" in second


def test_it_names_what_is_not_there(matrix: Matrix) -> None:
    shown = printed(matrix, width=100)
    assert "node-ws: failed: 3 of 61 conformance cases failed" in shown
    assert "cpp-beast: missing: Boost 1.81" in shown
    assert "Check failed: Conformance before measuring" in shown


def test_a_row_that_ranks_nobody_says_so(matrix: Matrix) -> None:
    before, matrix.aa["unranked"] = matrix.aa["unranked"], ["common_p99"]
    try:
        last = [
            line for line in printed(matrix, width=100).splitlines() if line.startswith("noise")
        ]
        assert "unranked" in last[0]
    finally:
        matrix.aa["unranked"] = before


def test_text_is_not_taken_for_markup(matrix: Matrix) -> None:
    column = next(c for c in matrix.columns if c.id == "cpp-beast")
    before, column.reason = column.reason, "[bold]not markup[/bold]"
    try:
        assert "[bold]not markup[/bold]" in printed(matrix, width=100)
    finally:
        column.reason = before

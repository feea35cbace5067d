"""matrix.json and its schema, matrix.md, and the README's table; what write_all writes."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import jsonschema
import msgspec
import pytest
from chinwag_bench.errors import UsageError
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import Matrix, Note
from chinwag_bench.numbers import number, short
from chinwag_bench.paths import find_workspace
from chinwag_bench.render import (
    absent,
    fairness,
    glance,
    headline,
    html,
    load,
    markdown,
    picture,
    readme,
    servers,
    terminal,
    text,
    write_all,
)
from chinwag_bench.servers.catalog import discover
from rich.console import Console

from .result_builder import build, made_cell, quiet


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = build(tmp_path_factory.mktemp("files") / "run")
    write_all(directory)
    return directory


@pytest.fixture(scope="module")
def matrix(result: Path) -> Matrix:
    return judge(result)


def test_write_all_names_what_it_wrote(result: Path) -> None:
    names = ["matrix.json", "matrix.schema.json", "matrix.md", "cells.csv", "cells.schema.json"]
    assert write_all(result) == [result / name for name in [*names, "report.html"]]
    assert all((result / name).stat().st_size for name in names)


def test_the_matrix_is_valid_by_its_schema_and_reads_back(result: Path, matrix: Matrix) -> None:
    written = json.loads((result / "matrix.json").read_text())
    jsonschema.validate(written, json.loads((result / "matrix.schema.json").read_text()))
    assert load(result / "matrix.json") == matrix
    del written["cells"][0]["row"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(written, msgspec.json.schema(Matrix))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        (0.0, "0"),
        (0.00123456, "0.00123"),
        (0.8049, "0.805"),
        (9.996, "10.00"),
        (13.43, "13.4"),
        (999.6, "1,000"),
        (603374.9, "603,000"),
        (float("inf"), "unbounded"),
    ],
)
def test_numbers_have_three_significant_digits(value: float | None, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (999_999, "1M"),
        (1_598_169, "1.6M"),
        (99_863, "100k"),
        (87_870, "88k"),
        (9_960, "10k"),
        (996, "1k"),
        (382.4, "380"),
        (2.53, "2.5"),
        (0.934, "0.93"),
    ],
)
def test_short_numbers_have_two(value: float, shown: str) -> None:
    assert short(value) == shown


def test_counts_are_exact(matrix: Matrix) -> None:
    cell = next(c for c in matrix.cells if (c.row, c.column) == ("effort_lines_of_code", "go"))
    assert text.measured(cell) == "214"
    assert text.measured(made_cell("r", 2147.0, unit="")) == "2,147"


def tables(document: str) -> list[list[str]]:
    return [block.splitlines() for block in re.findall(r"(?:^\|.*\n?)+", document, re.MULTILINE)]


def test_markdown_tables_are_rectangular(matrix: Matrix) -> None:
    for lines in tables(markdown.document(matrix)):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1


def test_markdown_footnotes_are_all_used_and_all_there(matrix: Matrix) -> None:
    document = markdown.document(matrix)
    defined = re.findall(r"^\[\^(\d+)\]: ", document, re.MULTILINE)
    used = set(re.findall(r"\[\^(\d+)\](?!:)", document))
    assert sorted(defined, key=int) == sorted(used, key=int)
    assert len(defined) == len(set(defined))


def test_markdown_shows_measured_beside_published(matrix: Matrix) -> None:
    lines = markdown.document(matrix).splitlines()
    p99 = next(line for line in lines if line.startswith("| p99 (ms)"))
    assert "A: 987 ≠" in p99
    assert "B: &lt;1 ≠" in p99
    assert any("&gt;= 603,000" in line for line in lines)


def test_markdown_takes_text_literally() -> None:
    assert markdown.escape("a|b\n<c> `d` *e* f_g") == ("a\\|b &lt;c&gt; \\`d\\` \\*e\\* f\\_g")


def test_readme_table_has_each_server_once(matrix: Matrix) -> None:
    table = readme.table(matrix)
    assert len(tables(table)[0]) == 2 + 4 + 1, "head and rule, the measured servers, the noise"
    assert "deliveries/s<br>p99 &lt;= 10 ms" in table
    assert "ms at 20,000/s" in table
    assert "(again)" not in table
    assert "**&gt;= 603,000**" in table
    assert "3 of 61 conformance cases failed" in table


def test_a_value_of_fewer_rounds_says_so_wherever_it_is_short(result: Path) -> None:
    """In README, picture, page, terminal and the figures of fairness, not in matrix.md alone."""
    found = judge(result)
    for cell in found.cells:
        cell.notes = []
    go = next(c for c in found.cells if (c.row, c.column) == (headline.PROMPT_ROW, "go"))
    before = picture.draw(found)
    page = html.document(found)
    go.notes = [Note(code="rounds_not_looked", args={"missing": 2, "used": 3})]
    shown = text.measured(go)
    assert f"{markdown.escape(shown)}<br>1 of 3 rounds |" in readme.table(found)
    assert "<br>1 of 3 rounds" in fairness.figures(found, result)
    assert 'class="few"' in picture.draw(found) and 'class="few"' not in before
    small = '<small class="limit">1 of 3 rounds</small>'
    assert small in html.document(found) and small not in page
    printed = io.StringIO()
    go.low = go.high = go.value = 76_000.0
    terminal.print_matrix(found, Console(width=120, file=printed))
    assert " ~76k" in printed.getvalue()
    go.low, go.high = 51_000.0, 88_000.0
    terminal.print_matrix(found, Console(width=120, file=printed))
    assert "51k~88k" in printed.getvalue()


def test_a_row_of_a_single_round_says_so_in_its_head(matrix: Matrix) -> None:
    heads = {head.row: head.unit for head in glance.heads(matrix)}
    assert heads["memory_with_kernel"].endswith("; one round")
    assert "round" not in heads[headline.LEADING_ROW]
    assert picture.draw(matrix).count(">one round</text>") == 1


def test_readme_replaces_only_what_is_between_the_marks() -> None:
    document = f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n"
    assert readme.replaced(document, "new") == (
        f"before\n{readme.BEGIN}\nnew\n{readme.END}\nafter\n"
    )


@pytest.mark.parametrize("document", ["", readme.BEGIN, f"{readme.END} {readme.BEGIN}"])
def test_readme_without_marks_is_refused(document: str) -> None:
    with pytest.raises(UsageError, match="matrix:begin"):
        readme.replaced(document, "new")


def test_readme_check_and_write(
    result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"{readme.BEGIN}\nold\n{readme.END}\n")
    assert readme.main(["--write", str(path), "--results", str(result)]) == 2
    assert "stayed disturbed" in capsys.readouterr().err
    given = [str(path), "--results", str(quiet(build(tmp_path / "run")))]
    assert readme.main(["--check", *given]) == 1
    assert "--write" in capsys.readouterr().err
    assert path.read_text() == f"{readme.BEGIN}\nold\n{readme.END}\n"
    assert readme.main(["--write", *given]) == 0
    assert readme.main(["--check", *given]) == 0


def test_readme_says_what_is_wrong_with_its_arguments(
    result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "README.md")
    assert readme.main(["--check", missing, "--results", str(result)]) == 2
    assert "README.md" in capsys.readouterr().err


def test_the_figures_of_fairness_are_the_matrix_s_own(matrix: Matrix) -> None:
    shown = fairness.figures(matrix, Path("results/reference/a-run"))
    index = text.Index(matrix)
    assert shown.startswith("From `a-run/matrix.md`")
    lines = shown.splitlines()
    for column in index.measured_columns():
        rows = [line for line in lines if line.startswith(f"| {column.id} |")]
        assert len(rows) == (0 if column.aa_of else 1)
        for line in rows:
            cell = index.cell("common_cpu_per_delivery", column.id)
            assert cell is not None
            assert markdown.escape(text.measured(cell)) in line


def test_columns_that_a_default_run_has_and_this_one_has_not_are_named(matrix: Matrix) -> None:
    gone = matrix.columns.pop(next(n for n, one in enumerate(matrix.columns) if one.id == "rust"))
    named = absent.absent(matrix)
    assert gone.id in named
    assert not {column.id for column in matrix.columns} & set(named)
    for page in (fairness.figures(matrix, Path("a-run")), readme.table(matrix)):
        assert f"older than they are: {', '.join(named)}." in page


def test_the_list_of_servers_has_each_folder_and_variant() -> None:
    folder = find_workspace().root / "reference-impls"
    tables = servers.tables(discover(find_workspace()), folder)
    listed = set(re.findall(r"^\| \[[\w-]+\]\(([\w-]+)\)", tables, re.MULTILINE))
    assert listed == {path.parent.name for path in folder.glob("*/server.toml")}
    assert "tuned, coalesced, pg, cluster, bandit (peer)" in tables


def test_the_fairness_page_goes_stale_and_is_written_with_the_readme(tmp_path: Path) -> None:
    run = quiet(build(tmp_path / "run"))
    document, page = tmp_path / "README.md", tmp_path / readme.FAIRNESS
    document.write_text(f"{readme.BEGIN}\n{readme.END}\n")
    page.parent.mkdir()
    page.write_text(f"before\n{fairness.BEGIN}\n{fairness.END}\nafter\n")
    asked = [str(document), "--results", str(run)]
    assert readme.main(["--check", *asked]) == 1
    assert readme.main(["--write", *asked]) == 0
    assert readme.main(["--check", *asked]) == 0
    written = page.read_text()
    assert written.startswith("before\n")
    assert "chinwagd" in written
    page.write_text(written.replace("| chinwagd |", "| chinwagd | 9"))
    assert readme.main(["--check", *asked]) == 1

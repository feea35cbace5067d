"""claims.toml: every line of both articles, every name known, nothing said by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from chinwag_bench.claims import coverage, judged
from chinwag_bench.claims.catalog import CLAIMS_TOML, Catalog, check_rows, load, read
from chinwag_bench.claims.expression import ExpressionError, uses
from chinwag_bench.errors import HostError, UsageError
from chinwag_bench.judging.rows import KNOWN
from chinwag_bench.paths import Workspace
from chinwag_bench.servers.catalog import discover

ROWS = KNOWN
ROOT = Path(__file__).resolve().parents[2]

BEFORE = """
columns = ["go"]
claim = [{id = "A1", lines = [[1, 2]], says = "x", kind = "figure", untested = "later"}]
articles.A = {title = "A", lines = 3, shared = []}
[facts]
bits = {value = 8, says = "bits of a byte"}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "claims.toml"
    path.write_text(text, encoding="utf-8")
    return path


def with_claim(folder: Path, claim: str) -> Catalog:
    start = BEFORE.replace('kind = "figure", untested = "later"', claim)
    return read(written(folder, start))


def test_the_statements_cover_both_articles_without_a_hole() -> None:
    catalog = load()
    assert {name: article.lines for name, article in catalog.articles.items()} == {
        "A": 614,
        "B": 317,
    }
    assert coverage.problems(catalog) == []


def test_a_hole_an_overlap_and_a_line_too_many_are_found(tmp_path: Path) -> None:
    catalog = with_claim(tmp_path, 'kind = "opinion"')
    assert coverage.problems(catalog) == ["A: no statement covers line 3"]
    second = BEFORE.replace(
        "claim = [", 'claim = [{id = "A2", lines = [[2, 4]], says = "y", kind = "opinion"}, '
    )
    found = coverage.problems(read(written(tmp_path, second)))
    assert found == ["A: A2 has lines 2-4", "A: line 2 is of A2, A1"]
    shared = second.replace("[[2, 4]]", "[[2, 3]]").replace("shared = []", "shared = [1, 2]")
    found = coverage.problems(read(written(tmp_path, shared)))
    assert found == ["A: line 1 is of one statement, not shared"]


def test_every_item_of_both_articles_is_there() -> None:
    items = {claim.item for claim in load().claim}
    assert items == {f"A{n}" for n in range(69)} | {f"B{n}" for n in range(52)}


def test_every_name_is_a_row_and_every_column_a_server_s() -> None:
    check_rows(load(), ROWS)
    catalog = discover(Workspace(ROOT))
    for column in load().columns:
        assert catalog.target(column).id == column


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ('kind = "figure", untested = "l", test = "memory_joined[rust] < 1"', "has no 'rust'"),
        ('kind = "figure", untested = "l", test = "fact.byte < 1"', "no fact 'byte'"),
        ('kind = "figure", untested = "l", test = "said[A2] < 1"', "no statement 'A2'"),
        ('kind = "figure", untested = "l", test = "said[A1] < 1"', "no statement 'A1'"),
        ('kind = "figure", untested = "l", test = "fact.bits"', "are comparisons"),
        ('kind = "figure", untested = "l", test = "eval(1) < 1"', "may not contain"),
        ('kind = "figure", sum = "memory_joined[go] < 1"', "articles' own numbers"),
        ('kind = "figure", untested = "l", readings = ["fact.bits"]', "need a `published`"),
        ('kind = "figure", published = "x", untested = "l", readings = ["fact.bits"]', "no number"),
        ('kind = "figure", published = 1, readings = ["fact.bits"]', "say in `untested`"),
        ('kind = "figure"', "nothing answers it"),
        ('kind = "opinion", because = "{memory_joined[x]}"', "has no 'x'"),
        ('kind = "opinion", remark = "x"', "no remark 'x'"),
        ('kind = "rumour"', "rumour"),
        ('kind = "opinion", verdict = "holds"', "verdict"),
    ],
)
def test_what_can_t_be_judged_is_an_error_when_the_file_is_read(
    tmp_path: Path, claim: str, said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        with_claim(tmp_path, claim)
    assert said in caught.value.text()
    assert "claims.toml" in caught.value.text()


def test_an_unknown_row_is_an_error(tmp_path: Path) -> None:
    catalog = with_claim(tmp_path, 'kind = "figure", untested = "l", test = "memroy[go] < 1"')
    with pytest.raises(ExpressionError) as caught:
        check_rows(catalog, ROWS)
    assert "no row 'memroy'" in caught.value.text()
    assert "memory_joined" in caught.value.text()


def test_two_statements_of_one_id_are_an_error(tmp_path: Path) -> None:
    twice = BEFORE.replace(
        "claim = [", 'claim = [{id = "A1", lines = [[3, 3]], says = "y", kind = "opinion"}, '
    )
    with pytest.raises(UsageError, match="another statement has this id"):
        read(written(tmp_path, twice))


def test_a_missing_file_says_where_it_comes_from(tmp_path: Path) -> None:
    with pytest.raises(HostError) as caught:
        read(tmp_path / "claims.toml")
    assert "check out the project" in caught.value.text()


def test_a_figure_stands_once_where_it_stands() -> None:
    """Beside a cell of the row and column that its reading names, and of no other server."""
    for (row, column), found in judged.placed(load()).items():
        assert row in ROWS
        for claim, reading in found:
            (use,) = uses(reading)
            assert (use.name, use.column) == (row, column)
            assert claim.published is not None


def test_the_articles_texts_are_not_in_the_file() -> None:
    """Statements are short, and in sentences of this project's: a figure is quoted, not a text."""
    for claim in load().claim:
        assert len(claim.says) <= 130, claim.id
    assert "```" not in CLAIMS_TOML.read_text(encoding="utf-8")


def test_published_rows_of_the_articles_give_way_to_what_is_measured() -> None:
    from chinwag_bench.claims import rows

    all_of_them = {spec.row.id for spec in rows.rows(())}
    assert "hot_upgrade" in all_of_them
    assert {spec.row.id for spec in rows.rows({"hot_upgrade"})} == all_of_them - {"hot_upgrade"}

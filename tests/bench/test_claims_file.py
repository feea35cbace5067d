"""claims.toml: every line of both articles, every name known, nothing said by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tomllib
from chinwag_bench.claims import coverage, judged
from chinwag_bench.claims.catalog import (
    CLAIMS_TOML,
    Catalog,
    Statement,
    check_rows,
    load,
    read,
)
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


def sentences(claim: Statement) -> list[str]:
    return [claim.because, claim.kinder, claim.inverse]


def test_a_rate_in_messages_is_compared_as_deliveries_and_told_as_both() -> None:
    """More than 100,000 messages/s were never offered, so by article A's sums no other reading is
    left.
    """
    fact = load().fact
    assert fact("connections") * fact("messages_per_connection") == 100_000
    stated = [
        one
        for one in load().claim
        if re.search(r"messages?/s", one.says) and (one.readings or one.test)
    ]
    assert {one.item for one in stated} == {"A31", "A44", "A58"}
    for claim in stated:
        assert claim.measured_unit == "deliveries/s", claim.id
        judged_by = " ".join([*claim.readings, claim.test])
        assert "throughput_messages" not in judged_by, claim.id
        assert "messages" in " ".join(sentences(claim)), claim.id


def test_no_comparison_has_two_units_of_rate() -> None:
    rates = {"throughput_deliveries", "throughput_messages"}
    for claim in load().claim:
        for text in claim.expressions:
            assert not rates <= {use.name for use in uses(text)}, claim.id


def test_a_statement_about_a_change_is_judged_by_that_change_alone() -> None:
    """What a tuned variant does, many changes do."""
    for claim in load().claim:
        if claim.kind in ("tip", "case") or claim.id in ("A8", "A64"):
            used = {use.column for text in claim.expressions for use in uses(text)}
            assert not any(column.endswith(":tuned") for column in used), claim.id


def test_whoever_speaks_of_the_common_rate_names_it() -> None:
    catalog = load()
    remarks = [("", text) for text in catalog.remarks.values()]
    said = [(one.id, text) for one in catalog.claim for text in sentences(one)]
    for id_, text in remarks + said:
        assert text.count("the common rate") == text.count("the common rate of {common_rate["), id_
    for claim in catalog.claim:
        rows = {use.name for text in (*claim.readings, claim.test) if text for use in uses(text)}
        if any(row.startswith("common_") for row in rows):
            text = " ".join([*sentences(claim), catalog.remarks.get(claim.remark, "")])
            assert "{common_rate[" in text, claim.id


def test_a_broadcast_s_rate_is_what_the_profiles_have() -> None:
    found = set()
    for path in (CLAIMS_TOML.parents[1] / "run_profiles").glob("*.toml"):
        profile = tomllib.loads(path.read_text(encoding="utf-8"))
        found.add(profile.get("broadcast", {}).get("messages_per_s"))
    found.discard(None)
    assert (min(found), max(found)) == (10, 20)
    assert "at 10 to 20 messages/s" in load().remarks["large-room"]


def test_article_a_s_memory_is_read_after_a_load_and_b_s_as_connections_join() -> None:
    rows = set(load().other_rows)
    assert rows == {"memory_joined", "memory_after_rest"}
    for claim in load().claim:
        used = {use.name for text in (*claim.readings, claim.test) if text for use in uses(text)}
        if used & rows:
            wanted = "memory_after_rest" if claim.article == "A" else "memory_joined"
            assert used & rows == {wanted}, claim.id


def test_code_that_does_not_work_is_told_from_numbers_that_contradict_each_other() -> None:
    """A listing's own constants may contradict a figure, too: that one is a sum."""
    works = {one.id for one in load().claim if one.works}
    assert {one.id for one in load().claim if one.kind == "listing" and one.sum} == {"A29.memory"}
    assert {"A2", "A28.room", "A29.limit", "A30.broadcast", "A53", "A55", "A59", "B47"} <= works


def test_what_stands_beside_a_published_unit_is_of_that_unit() -> None:
    by_id = {one.id: one for one in load().claim}
    assert by_id["B31.elixir"].measured_unit == "KB per connection"
    # MB of 10,000 connections / 10 = KB of one; 2 KB x 0.01 = 20 MB of 10,000
    assert (by_id["B31.elixir"].per, by_id["B31.elixir"].measured_per) == (0.01, 10)
    saving, fact = by_id["A46.saving"], load().fact
    nodes = fact("case_nodes_before") - fact("case_nodes_after")
    assert saving.published == fact("case_saving_usd") / nodes
    assert saving.unit == saving.measured_unit
    # 40 % more in all for 22 % more of them is what each of them takes
    assert by_id["A61"].published == pytest.approx(1.40 / 1.22, rel=1e-3)

"""What a reader is told first: the headline, the sentences below it, places in a row, and which
rows and servers the page opens with.
"""

from __future__ import annotations

import copy
import math
import re

import msgspec
import pytest
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import Cell, Claim, Matrix, NearCeiling, Verdict
from chinwag_bench.render import (
    claims,
    dumbbells,
    glance,
    headline,
    html,
    languages,
    loads,
    markdown,
    readme,
    text,
)

from .result_builder import build, made_cell

ROW = headline.LEADING_ROW


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    return judge(build(tmp_path_factory.mktemp("headline") / "run"))


@pytest.fixture
def matrix(judged: Matrix) -> Matrix:
    """A copy of one's own, to change."""
    return copy.deepcopy(judged)


def test_the_headline_tells_leads_and_ties(matrix: Matrix) -> None:
    cells = {c.column: c for c in matrix.cells if c.row == headline.LEADING_ROW}
    found = headline.headline(matrix)
    lead = "On one core chinwagd (this kit's own, in C++) delivers the most: "
    assert found.startswith(f"{lead}a median of at least 603,000")
    # The rounds that lie nearest to each other, as the tables have them.
    rust, nearest = cells["rust"], [cells[name].interval for name in ("chinwagd", "rust")]
    (worst, _), (_, best) = (ends or (0.0, None) for ends in nearest)
    factor = worst / (best or 1.0)
    assert found.endswith(f"; its worst round is {math.floor(factor * 10) / 10} times rust's best")
    leader = cells["chinwagd"].low or 0.0
    medians = math.floor(leader / (rust.high or 1.0) * 10) / 10
    assert f", {medians} times rust; " in found
    rust.behind = None
    assert headline.headline(matrix).endswith("rust is next, and how far behind is open")
    cells["chinwagd"].tie_with_best = False
    cells["rust"].tie_with_best = cells["go"].tie_with_best = True
    tied = headline.headline(matrix)
    assert tied.endswith("deliver the most and are not told apart")
    assert all(f"{name} (" in tied for name in ("rust", "go")), "each with its own rate"
    matrix.aa["unranked"] = [headline.LEADING_ROW]
    assert headline.headline(matrix).startswith("Nobody is ranked by throughput")


def test_the_first_sentences_name_the_articles_and_the_noise(matrix: Matrix) -> None:
    assert '"Elixir vs Node.js for real-time chat services"' in headline.tally_sentence(matrix)
    noise = headline.noise_sentence(matrix)
    assert noise.startswith("Noise: go, measured twice: throughput 0.9")
    assert all(f"{name} " in noise for name in ("throughput", "CPU", "p99"))
    assert noise.endswith("times its own.")
    matrix.aa["unranked"] = ["common_p99"]
    assert headline.noise_sentence(matrix).endswith("p99 can't be ranked in this run.")


def two_variants(matrix: Matrix, default: Cell, tuned: Cell) -> Matrix:
    """One server's only two columns, with these rates."""
    plain = next(column for column in matrix.columns if column.id == "go")
    matrix.columns = [plain, msgspec.structs.replace(plain, id="go:tuned", variant="tuned")]
    matrix.cells = [default, tuned]
    return matrix


@pytest.mark.parametrize(
    ("default", "tuned", "said"),
    [
        (made_cell(ROW, 100.0), made_cell(ROW, 1_200.0, column="go:tuned"), "12x its default"),
        (
            made_cell(ROW, 100.0),
            made_cell(ROW, (900.0, 1_200.0), column="go:tuned"),
            "9.0 to 12x its default",
        ),
        (
            made_cell(ROW, 100.0),
            made_cell(ROW, (1_200.0, None), column="go:tuned"),
            ">= 12x its default",
        ),
        (
            made_cell(ROW, (100.0, None)),
            made_cell(ROW, 1_200.0, column="go:tuned"),
            "<= 12x its default",
        ),
    ],
)
def test_what_tuning_brings_is_told_between_the_sides(
    matrix: Matrix, default: Cell, tuned: Cell, said: str
) -> None:
    assert languages.over_default(two_variants(matrix, default, tuned), tuned) == said


def test_without_a_tuned_variant_nothing_is_said_of_tuning(matrix: Matrix) -> None:
    default = made_cell(ROW, 100.0)
    matrix = two_variants(matrix, default, made_cell(ROW, 1_200.0, column="other"))
    assert languages.over_default(matrix, default) == ""


def test_versions_other_than_the_articles_are_told(matrix: Matrix) -> None:
    matrix = two_variants(matrix, made_cell(ROW, 100.0), made_cell(ROW, 1.0, column="go:tuned"))
    for column in matrix.columns:
        column.published = "go"
        column.versions = {"go": "go1.26.8"}
    assert headline.versions(matrix) == " Measured in Go 1.26.8, not 1.24."
    matrix.columns[0].versions = {"go": "go1.24.3"}
    assert headline.versions(matrix) == ""


def test_how_sure_it_is_tells_rounds_noise_and_failed_checks(matrix: Matrix) -> None:
    rounds = max(cell.rounds for cell in matrix.cells)
    sure = headline.sureness(matrix)
    assert sure.startswith(f"{rounds} rounds. Rounds of one server are apart by up to ")
    assert "by up to 1.0x (elixir), within 10 ms by up to 1.2x (go). " in sure
    assert 'Failed: the check "Conformance before measuring".' in sure
    assert ("chinwagd is this kit's own server." in sure) == (
        "(this kit's own, in C++)" not in headline.headline(matrix)
    )
    matrix.checks = [check for check in matrix.checks if check["ok"]]
    assert f"All {len(matrix.checks)} checks passed." in headline.sureness(matrix)
    matrix.aa = {"pairs": [], "range": {}, "spread": {}, "unranked": []}
    assert "No server was measured twice, so the noise is not known" in headline.sureness(matrix)


def test_the_load_is_told_from_the_run_s_own_plan(matrix: Matrix) -> None:
    settings = {"throughput": {"load": "chat", "connections": 2_000}}
    mix = {"room": 0.25, "direct": 0.75}
    chat = {"connections": 9, "mix": mix, "room_size": 40, "content_bytes": 512}
    here = (
        " A rate counts while 99 of 100 deliveries arrive within 1,000 ms (p99). Server and load "
        "generator share one machine, over loopback: no network card is in the way."
    )
    matrix.run.plan = {"settings": settings, "loads": {"chat": chat}}
    assert loads.leading(matrix) == (
        "2,000 connections; of the messages 25% to rooms of 40 and 75% to one user, 512 bytes each."
        " One message to a room of 40 is 40 deliveries: 93% of all are to rooms." + here
    )
    chat["mix"] = {"room": 0.0, "direct": 1.0}
    assert loads.leading(matrix) == (
        "2,000 connections; of the messages 100% to one user, 512 bytes each." + here
    )
    matrix.run.plan = {}
    assert loads.leading(matrix) == ""


def test_rows_about_a_load_of_their_own_have_it_in_their_heading(matrix: Matrix) -> None:
    few = {"connections": 1_000, "fewer_connections": {"many": 250}}
    profile = {"connections": 9, "description": "Everyone in 20 rooms of 50"}
    matrix.run.plan["settings"] |= {"load_throughput": few}
    matrix.run.plan["loads"] = {"many": profile, "other": profile}
    matrix.rows[0].group = "Load many"
    assert loads.of_group(matrix, "Load other").startswith("1,000 connections; Everyone")
    said = "250 connections; Everyone in 20 rooms of 50"
    assert loads.of_group(matrix, "Load many") == said
    assert said in html.document(matrix)
    assert f"## Load many\n\n{said}.\n" in markdown.document(matrix)
    assert loads.of_group(matrix, "Effort") == ""


def test_the_headline_s_factor_is_that_of_the_table(matrix: Matrix) -> None:
    index = text.Index(matrix)
    second = index.cell(headline.LEADING_ROW, "rust")
    assert second is not None and second.behind is not None
    assert index.place(second) == ">= 2.4x"
    assert headline.headline(matrix).endswith("; its worst round is 2.4 times rust's best")
    leader = index.cell(headline.LEADING_ROW, "chinwagd")
    assert leader is not None and leader.interval is not None and second.interval is not None
    assert second.interval[1] is not None
    assert second.behind.factor == pytest.approx(leader.interval[0] / second.interval[1])


def test_each_language_has_its_best_server_with_rate_and_memory(matrix: Matrix) -> None:
    best = {one.column: one for one in languages.best_by_language(matrix, "chinwagd")}
    index = text.Index(matrix)
    for column in ("chinwagd", "elixir", "go", "rust"):
        cell, memory = (
            index.cell(row, column) for row in (languages.RATE_ROW, languages.MEMORY_ROW)
        )
        assert cell is not None and memory is not None
        assert best[column].memory_mb == text.measured(memory)
    assert best["chinwagd"].language == "chinwagd" and best["chinwagd"].remark == "C++"
    assert best["go"].language == "Go" and best["go"].remark == ""
    page = html.document(matrix)
    assert f"{best['rust'].deliveries_per_s}/s" in page and languages.TUNED not in page


def test_rates_that_the_generator_may_have_held_back_are_marked_where_they_stand(
    matrix: Matrix,
) -> None:
    assert text.NEAR_CEILING not in readme.table(matrix) + markdown.document(matrix)
    near = NearCeiling(column="rust", row=headline.LEADING_ROW, share=2.64)
    matrix.near_ceiling = [near]
    assert "(rust 264%)" in headline.sureness(matrix)
    for shown in (readme.table(matrix), markdown.document(matrix), html.document(matrix)):
        assert f"{text.NEAR_CEILING} near what the load generator showed" in shown
        assert shown.count(text.NEAR_CEILING) >= 3


def test_each_row_says_its_rounds_and_above_what_servers_are_told_apart(matrix: Matrix) -> None:
    document = markdown.document(matrix)
    for row in matrix.rows:
        cells = [c for c in matrix.cells if c.row == row.id and c.rounds > 1]
        if cells:
            most = max(cells, key=lambda cell: cell.rounds)
            assert text.rounds(matrix, row.id).startswith(f"{most.rounds} rounds, ")
            assert f"<br>{text.rounds(matrix, row.id)}" in document
    limit = text.apart(matrix, headline.LEADING_ROW)
    assert f"told apart above {limit}" in document
    assert f"<br>*noise: one server twice* | {limit}<br>" in readme.table(matrix)


def test_the_common_rate_is_one_figure_wherever_it_stands(matrix: Matrix) -> None:
    shown = text.common_rate(matrix)
    index = text.Index(matrix)
    reached = [index.cell("common_rate", column.id) for column in index.measured_columns()]
    assert shown in {text.measured(cell) for cell in reached if cell is not None}
    assert all(f"at {shown}/s" in h.unit for h in glance.heads(matrix) if h.row[:6] == "common")


def test_a_place_is_told_in_words_or_times(matrix: Matrix) -> None:
    row = [c for c in matrix.cells if c.row == headline.LEADING_ROW and c.value is not None]
    index = text.Index(matrix)
    assert {cell.column: index.place(cell) for cell in row}["chinwagd"] == "best"
    next(cell for cell in row if cell.column == "rust").tie_with_best = True
    assert text.Index(matrix).place(row[0]) == "tied"
    for cell in row:
        cell.tie_with_best = True
    assert text.Index(matrix).place(row[0]) == "all tied"
    row[0].tie_with_best = None
    assert text.Index(matrix).place(row[0]) == "ended by the load generator"
    row[0].high = row[0].low
    index = text.Index(matrix)
    assert index.place(row[0]) == text.NOT_TOLD_APART
    for cell in row[2:]:
        cell.tie_with_best = False
    assert text.Index(matrix).place(row[1]) == "showed most"
    for cell in row:
        cell.tie_with_best = None
    assert text.Index(matrix).place(row[0]) == ""


def test_the_page_opens_with_rows_that_rank_somebody_and_split_nothing(matrix: Matrix) -> None:
    index = text.Index(matrix)
    first = {row.id for row in matrix.rows if glance.is_first(index, row)}
    assert {"throughput_deliveries", "common_p99", "memory_with_kernel", "start_health"} <= first
    assert not first & {"memory_kernel", "effort_lines_of_code", "hot_upgrade"}
    assert all(row.better != "none" for row in matrix.rows if row.id in first)


def test_optional_peers_stay_hidden_only_where_there_is_no_room(matrix: Matrix) -> None:
    everyone = {column.id for column in matrix.columns}
    assert glance.usual_servers(matrix) == everyone - {"go (again)"}
    for number in range(glance.SERVERS_SIDE_BY_SIDE):
        name = f"peer {number}"
        peer = msgspec.structs.replace(matrix.columns[0], id=name, server=name, peer=True)
        matrix.columns.append(peer)
    assert glance.usual_servers(matrix) == everyone - {"go (again)"}
    for column in matrix.columns:
        column.peer = True
    assert len(glance.usual_servers(matrix)) == len(matrix.columns) - 1


def test_where_not_all_have_room_each_server_is_shown_in_its_fastest_variant(
    matrix: Matrix,
) -> None:
    go, rust = (next(one for one in matrix.columns if one.id == name) for name in ("go", "rust"))
    faster = {cell.row: cell for cell in matrix.cells if cell.column == "go"}
    for number in range(glance.SERVERS_SIDE_BY_SIDE):
        name = f"go:{number}"
        matrix.columns.append(msgspec.structs.replace(go, id=name, variant=str(number)))
        rate = faster[headline.LEADING_ROW]
        value = (rate.value or 0.0) * (1 + number / 100)
        matrix.cells.append(msgspec.structs.replace(rate, column=name, value=value))
    usual = glance.usual_servers(matrix)
    assert f"go:{glance.SERVERS_SIDE_BY_SIDE - 1}" in usual
    assert rust.id in usual
    assert len(usual) == len({column.server for column in matrix.columns})


def test_of_a_server_s_variants_the_best_one_competes_in_the_headline(matrix: Matrix) -> None:
    slower = next(one for one in matrix.columns if one.id == "chinwagd")
    matrix.columns.append(msgspec.structs.replace(slower, id="chinwagd:slow", variant="slow"))
    (best,) = (
        cell
        for cell in matrix.cells
        if (cell.row, cell.column) == (headline.LEADING_ROW, "chinwagd")
    )
    before = headline.headline(matrix)
    slow = msgspec.structs.replace(best, column="chinwagd:slow", value=1.0, low=1.0)
    matrix.cells.append(slow)
    assert headline.headline(matrix) == before


def test_who_answers_at_once_is_said(matrix: Matrix) -> None:
    cells = {c.column: c for c in matrix.cells if c.row == headline.PROMPT_ROW}
    assert any(cell.tie_with_best for cell in cells.values())
    for count in (1, 2, 3):
        for place, cell in enumerate(cells.values()):
            cell.value, cell.tie_with_best = 100.0, place < count
        best = [name for name, cell in cells.items() if cell.tie_with_best]
        assert all(f"{name} " in headline.promptness(matrix) for name in best)
    for cell in cells.values():
        cell.value = cell.low = cell.high = 100.0
        cell.tie_with_best = True
    servers = [name for name in cells if not name.endswith("(again)")]
    said = headline.promptness(matrix)
    assert "are not told apart: " in said
    assert all(name in said for name in servers)
    for cell in cells.values():
        cell.value = None
    assert headline.promptness(matrix) == ""


def test_the_articles_are_named_and_their_statements_counted(matrix: Matrix) -> None:
    said = headline.tally_sentence(matrix)
    counted = claims.tally(matrix)
    assert said.startswith(f"Of {sum(counted.values())} statements in ")
    assert "Elixir 1.17 vs Go 1.24" in said and "Elixir vs Node.js" in said
    assert f"{counted['impossible']} impossible as stated" in said
    assert f"{counted['faulty']} do not work as printed" in said
    for cell in matrix.cells:
        cell.published = []
    assert "No published figure" in headline.tally_sentence(matrix)


def test_the_statements_that_are_reversed_most_are_named_once_a_ratio(matrix: Matrix) -> None:
    def claim(statement: str, published: float, measured: float) -> Claim:
        verdict = Verdict(
            kind="reversed",
            text="",
            factor=measured / published,
            measured=(measured, measured),
            interval=(measured / 1.25, measured * 1.25),
        )
        place = {"id": statement, "article": "A", "item": statement, "lines": [(1, 1)]}
        return Claim(
            **place,
            statement=statement,
            kind="relation",
            published=published,
            unit="times",
            verdict=verdict,
        )

    matrix.claims = [
        claim("little", 0.9, 1.5),
        claim("far", 0.1, 8.0),
        claim("the same the other way round", 9.0, 0.125),
    ]
    assert headline.reversed_sentence(matrix) == (
        'Beyond noise, the furthest first: "far" (A), published 0.1 times, measured 8 '
        "times; "
        '"little" (A), published 0.9 times, measured 1.50 times.'
    )
    matrix.claims.append(claim("in words", 1.0, 2.0))
    matrix.claims[-1].published = None
    assert headline.reversed_sentence(matrix).endswith('And without a figure: "in words" (A).')
    matrix.claims.pop()
    assert claims.counts(matrix) == "3 reversed"
    matrix.claims = []
    assert headline.reversed_sentence(matrix) == ""


@pytest.mark.parametrize("row", [headline.LEADING_ROW, headline.PROMPT_ROW])
def test_where_a_search_was_cut_short_nobody_leads(matrix: Matrix, row: str) -> None:
    again = {column.id for column in matrix.columns if column.aa_of}
    cells = [c for c in matrix.cells if c.row == row and c.value and c.column not in again]
    first, second = cells[:2]
    for cell in cells:
        cell.tie_with_best = False
    first.tie_with_best = second.tie_with_best = None
    second.high = None
    says = headline.headline if row == headline.LEADING_ROW else headline.promptness
    assert " showed the most, " in says(matrix) and " can do more is open" in says(matrix)
    assert first.column in says(matrix) and second.column in says(matrix)
    first.high = first.low
    assert f"whether {second.column} (" in says(matrix)
    assert "its search was cut short" in says(matrix)
    third = cells[2]
    third.tie_with_best, third.high = None, third.low
    assert says(matrix).rstrip(".").endswith("cut short; 1 other is not told apart from it")
    first.tie_with_best = second.tie_with_best = True
    assert "are not told apart" in says(matrix)


@pytest.mark.parametrize("row", [headline.LEADING_ROW, headline.PROMPT_ROW])
def test_who_is_not_told_apart_from_the_first_stands_beside_it(
    matrix: Matrix, row: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = {column.id for column in matrix.columns if column.aa_of}
    cells = [c for c in matrix.cells if c.row == row and c.value and c.column not in again]
    for cell in cells:
        cell.tie_with_best = False
    first, second, third = cells[:3]
    first.tie_with_best, first.high = True, None
    says = headline.headline if row == headline.LEADING_ROW else headline.promptness
    assert "told apart" not in says(matrix)
    second.tie_with_best = third.tie_with_best = None
    second.high, third.high = second.low, third.low
    said = says(matrix)
    before, _, after = said.partition(" are not told apart; ")
    assert all(cell.column in before for cell in (first, second, third))
    assert re.match(rf"{first.column} showed the most: (a median of )?at least ", after)
    assert f" {second.column}" not in after and f" {third.column}" not in after
    table = readme.table(matrix)
    assert table.count(f"<br>{text.NOT_TOLD_APART}") == 2
    monkeypatch.setattr(headline, "TOLD_APART_MAX", 2)
    assert "3 servers are not told apart; " in says(matrix)


def test_a_row_of_open_cells_has_no_order(matrix: Matrix) -> None:
    before = [column.id for column in glance.in_order(matrix)]
    row = [c for c in matrix.cells if c.row == headline.LEADING_ROW and c.value is not None]
    for cell in row:
        cell.tie_with_best, cell.behind, cell.high = None, None, None
        cell.limited_by = "time"
    index = text.Index(matrix)
    assert index.is_open(headline.LEADING_ROW)
    assert {index.place(cell) for cell in row} == {"ended by the run's time"}
    assert {html.sort_key(cell) for cell in row} == {repr(cell.value) for cell in row}
    assert text.OPEN_ROW in html.document(matrix) and text.OPEN_ROW in markdown.document(matrix)
    found = [column.id for column in glance.in_order(matrix)]
    assert found == before
    assert glance.is_first(index, index.row(headline.LEADING_ROW))
    said = headline.headline(matrix)
    assert "whether 3 others can do more is open: the searches of 4 of them were cut short" in said


def test_a_leader_that_was_cut_short_is_not_doubted_by_those_that_were_not(matrix: Matrix) -> None:
    row = [c for c in matrix.cells if c.row == headline.LEADING_ROW and c.value is not None]
    first, second, *others = sorted(row, key=lambda cell: -(cell.value or 0.0))
    first.tie_with_best, first.behind, first.high, first.limited_by = None, None, None, "time"
    second.tie_with_best, second.behind, second.high = None, None, second.value
    for cell in others:
        cell.tie_with_best = False
    said = headline.headline(matrix)
    assert "where its search was cut short; " in said
    assert said.endswith(" is not told apart from that")
    assert "can do more" not in said


def test_variants_of_one_server_that_lead_together_are_called_the_best(matrix: Matrix) -> None:
    go = next(one for one in matrix.columns if one.id == "go")
    matrix.columns.append(msgspec.structs.replace(go, id="go:tuned", variant="tuned"))
    row = [c for c in matrix.cells if c.row == headline.LEADING_ROW and c.value is not None]
    for cell in row:
        cell.tie_with_best = cell.column == "go"
    twin = next(cell for cell in row if cell.column == "go")
    matrix.cells.append(msgspec.structs.replace(twin, column="go:tuned"))
    assert text.Index(matrix).place(twin) == "best"


def test_ratios_of_servers_stand_before_absolute_figures_and_name_their_columns(
    matrix: Matrix,
) -> None:
    chart = dumbbells.chart(matrix)
    assert chart is not None
    lines = [*chart.first, *chart.rest]
    kinds = [one.claim.kind == "relation" for one in lines]
    assert kinds == sorted(kinds, reverse=True)
    assert any(kinds)
    assert all(one.columns for one in lines if one.claim.kind == "relation")
    unlike = [
        (one.columns, round(abs(math.log10(one.claim.verdict.factor or 1)), 1))
        for one in chart.first
    ]
    assert len(set(unlike)) == len(unlike), "a ratio and its inverse"


def test_what_stands_for_the_articles_says_that_it_is_a_default(matrix: Matrix) -> None:
    claim = next(one for one in matrix.claims if one.id == "A9.go-to-elixir")
    assert claims.set_against(matrix, claim) == "go and elixir"
    for name in ("go", "elixir"):
        column = next(one for one in matrix.columns if one.id == name)
        tuned = msgspec.structs.replace(column, id=f"{name}:tuned", variant="tuned")
        matrix.columns.append(tuned)
    assert claims.set_against(matrix, claim) == "go and elixir, defaults"


def test_a_figure_s_factor_reaches_from_one_side_to_the_other(matrix: Matrix) -> None:
    claim = next(one for one in matrix.claims if one.id == "A33.rust-to-elixir")
    claim.verdict = Verdict(
        kind="differs", text="", factor=0.9 / 11.1, measured=(0.73, 0.9), interval=(0.6, 1.2)
    )
    matrix.claims = [claim]
    chart = dumbbells.chart(matrix)
    assert chart is not None
    (line,) = chart.first
    assert line.times == "1/15 to 1/12"
    assert line.whisker is not None and line.whisker[0] < line.at < line.whisker[1] < chart.one_at
    assert not claims.is_order_open(claim)
    claim.verdict.within_noise = True
    assert claims.is_order_open(claim)
    claim.verdict.measured = (20.0, None)
    chart = dumbbells.chart(matrix)
    assert chart is not None and chart.first[0].times == ">= 1.8x"


def test_what_an_article_contradicts_by_itself_is_named_with_its_sum(matrix: Matrix) -> None:
    said = headline.impossible_sentence(matrix)
    assert said.startswith('"10,000 connections send 10 messages/s of 1,024 B each, ')
    assert " = 41.4 Gbit/s over 1 Gbit/s. Does not work as printed: " in said
    matrix.claims = []
    assert headline.impossible_sentence(matrix) == ""


def test_a_published_range_is_a_band_around_what_the_factor_is_of(matrix: Matrix) -> None:
    chart = dumbbells.chart(matrix)
    assert chart is not None
    for one in [*chart.first, *chart.rest]:
        is_range = any(sign in str(one.claim.published) for sign in "-<+")
        assert (one.band is not None) == is_range, one.claim.published
        if one.band is not None:
            assert one.band[0] <= chart.one_at <= one.band[1]

"""The decision aid answers as `chinwag decide` does, from the same cells."""

from __future__ import annotations

import math
import re
from pathlib import Path

import msgspec
import pytest
from chinwag_bench.deciding.decision import decide
from chinwag_bench.deciding.facts import all_facts
from chinwag_bench.deciding.memory import memory_mb
from chinwag_bench.deciding.needs import Needs, presets
from chinwag_bench.judging.advice import advise, known_within
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import Matrix, RatePoint
from chinwag_bench.numbers import number
from chinwag_bench.render import html
from playwright.sync_api import Browser, Locator, Page, expect


def ask(page: Page, **fields: float) -> None:
    for name, value in fields.items():
        page.locator(f"#which [name={name}]").fill(str(value))


def answer(page: Page, column: str) -> Locator:
    return page.locator(f"#which tr[data-name='{column}']")


ROOT = Path(__file__).resolve().parents[2]
PLENTY = {"connections": 1, "memory": 1_000_000}


def holds(matrix: Matrix, column: str) -> list[RatePoint]:
    return [one for one in matrix.rate_points if one.column == column]


def typed(page: Page, needs: Needs) -> None:
    """The needs, into the form."""
    ask(
        page,
        connections=needs.connections,
        deliveries=needs.deliveries_per_s,
        p99=needs.p99_ms,
        cores=needs.cores,
        memory=1_000_000 if needs.memory_mb is None else needs.memory_mb,
    )
    page.locator("#which [name=recovery]").fill(
        "" if needs.recovery_ms is None else str(needs.recovery_ms)
    )
    page.locator("#which [name=upgrades]").set_checked(needs.upgrades)
    page.locator("#which [name=nodes]").set_checked(needs.nodes > 1)


ASKED = [
    *(
        Needs(connections=1_000, deliveries_per_s=rate, p99_ms=p99_ms, cores=cores)
        for rate in (1_000, 50_000, 170_000, 1_000_000)
        for p99_ms in (0.0001, 2, 10, 100, 1000)
        for cores in (1, 2, 40)
    ),
    *(
        Needs(connections=connections, deliveries_per_s=10_000, memory_mb=memory_mb)
        for connections in (1, 10_000, 50_000, 1_000_000)
        for memory_mb in (1, 300, 1_500, 100_000)
    ),
    Needs(deliveries_per_s=10_000, recovery_ms=100),
    Needs(deliveries_per_s=10_000, upgrades=True),
    Needs(deliveries_per_s=10_000, nodes=2),
    Needs(deliveries_per_s=10_000, nodes=2, upgrades=True, recovery_ms=0),
]


def test_the_page_answers_as_decide_does(page: Page, matrix: Matrix) -> None:
    for needs in ASKED:
        typed(page, needs)
        wanted = {one.column: one for one in decide(matrix, needs).choices}
        for column, choice in wanted.items():
            shown = answer(page, column)
            assert shown.get_attribute("class") == choice.kind, (needs, column)
            place = "\u2013" if choice.place is None else str(choice.place)
            assert shown.locator(".rank").inner_text() == place + "=" * choice.tied, (needs, column)


def test_places_are_numbered_once_through_all_kinds(matrix: Matrix) -> None:
    for needs in ASKED:
        kind_of: dict[int, str] = {}
        for choice in decide(matrix, needs).choices:
            if choice.place is not None:
                assert kind_of.setdefault(choice.place, choice.kind) == choice.kind, needs


def test_its_rows_stand_in_the_order_of_the_answer(page: Page, matrix: Matrix) -> None:
    needs = Needs(connections=1_000, deliveries_per_s=50_000)
    typed(page, needs)
    rows = page.locator("#which tbody tr").evaluate_all("rows => rows.map(r => r.dataset.name)")
    first = [one.column for one in decide(matrix, needs).first]
    assert sorted(rows[: len(first)]) == sorted(first)
    expect(page.locator("#which .answer")).to_contain_text(rows[0])


def test_the_first_places_are_shown_and_the_rest_is_unfolded_on_request(
    browser: Browser, result: Path, tmp_path: Path
) -> None:
    matrix = judge(result)
    (go,) = (one for one in matrix.columns if one.id == "go")
    for place in range(8):  # few enough to be shown all, too many to be read all
        name = f"go-{place}"
        matrix.columns.append(msgspec.structs.replace(go, id=name, server=name, title=name))
        matrix.cells += [
            msgspec.structs.replace(cell, column=name)
            for cell in matrix.cells
            if cell.column == "go"
        ]
    file = tmp_path / "report.html"
    file.write_text(html.document(matrix), encoding="utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())
    rows = page.locator("#which tbody tr:not(.off)")
    more = page.locator("#which .more button")
    assert [row.is_visible() for row in rows.all()] == [True] * 4 + [False] * (rows.count() - 4)
    expect(more).to_have_text(f"{rows.count() - 4} more, and what memory is made of")
    assert page.locator("#which .parts:visible").count() == 0
    more.click()
    assert all(row.is_visible() for row in rows.all())
    assert page.locator("#which .parts:visible").count() > 0
    page.locator("#which [name=deliveries]").fill("20000")
    assert all(row.is_visible() for row in rows.all()), "another question folds nothing again"
    more.click()
    page.emulate_media(media="print")
    assert all(row.is_visible() for row in rows.all()), "on paper nobody clicks"
    page.close()


def test_few_servers_need_no_fold(page: Page) -> None:
    assert all(row.is_visible() for row in page.locator("#which tbody tr:not(.off)").all())
    assert not page.locator("#which .more").is_visible()


def test_cores_are_those_of_the_judge(page: Page, matrix: Matrix) -> None:
    for rate in (1_000, 170_000, 1_000_000):
        ask(page, deliveries=rate, p99=100, cores=40, **PLENTY)
        for column in ("chinwagd", "elixir", "go", "rust"):
            alone = column == "chinwagd"
            wanted = advise(holds(matrix, column), rate, 100, cores=40, one_thread=alone)
            needed = "\u2013" if wanted.cores is None else f"{wanted.cores:,}"
            expect(answer(page, column).locator(".cores")).to_have_text(needed)


def test_what_was_seen_stands_beside_the_answer(page: Page, matrix: Matrix) -> None:
    ask(page, deliveries=1000, p99=1000, cores=1, **PLENTY)
    found = advise(holds(matrix, "rust"), 1000, 1000, cores=1)
    assert found.known.carried is not None
    text = answer(page, "rust").locator(".why").inner_text()
    assert re.match(r"carried [\d,]+, did not keep [\d,]+", text)


def test_a_load_beyond_any_card_is_told_of_a_network(browser: Browser) -> None:
    """Loopback carries it: the articles' own load takes 46 Gbit/s."""
    reference = next((ROOT / "results" / "reference").glob("2*"))
    page = browser.new_page()
    page.goto((reference / "report.html").as_uri())
    said = page.locator("#which .network")
    assert not said.is_visible()
    page.get_by_role("button", name="The articles' load").click()
    expect(said).to_have_text(
        re.compile(r"on a network this load takes 46\.2 Gbit/s in frames of 1143 bytes, 3\.69")
    )
    page.get_by_role("button", name="A team's chat").click()
    assert not said.is_visible()
    page.close()


def test_where_nothing_was_measured_the_answer_is_that_it_is_not_known(
    page: Page, matrix: Matrix
) -> None:
    known = known_within(holds(matrix, "rust"), 1000)
    assert known.carried is not None and known.refused is not None
    ask(page, deliveries=(known.carried + known.refused) / 2, p99=1000, cores=1, **PLENTY)
    verdict = answer(page, "rust").locator(".verdict")
    expect(verdict).to_contain_text("not known")
    expect(verdict).to_contain_text("not known between")


def test_a_server_of_one_thread_does_not_scale(page: Page, matrix: Matrix) -> None:
    top = max(one.deliveries_per_s for one in holds(matrix, "chinwagd"))
    ask(page, deliveries=10 * top, p99=1000, cores=1000, **PLENTY)
    expect(answer(page, "chinwagd").locator(".verdict")).not_to_contain_text("scales")
    expect(answer(page, "go").locator(".verdict")).to_contain_text("enough, if it scales")


def test_memory_that_straddles_the_limit_is_not_known(page: Page, matrix: Matrix) -> None:
    rust = next(one for one in all_facts(matrix) if one.column.id == "rust")
    takes = memory_mb(rust, 50_000)
    assert takes is not None
    ask(page, connections=50_000, deliveries=1_000, cores=1, p99=1000)
    verdict = answer(page, "rust").locator(".verdict")
    ask(page, memory=math.ceil(takes.high))
    expect(answer(page, "rust").locator(".memory")).to_contain_text(f"{number(takes.high)} MB")
    expect(answer(page, "rust").locator(".memory")).to_contain_text("projection")
    expect(verdict).not_to_contain_text("MB")
    ask(page, memory=(takes.low + takes.high) / 2)
    expect(verdict).to_contain_text("not known")
    ask(page, memory=math.floor(takes.low))
    expect(verdict).to_contain_text("not enough")


def test_servers_that_are_hidden_take_no_part(page: Page) -> None:
    ask(page, deliveries=1000, p99=1000, cores=1, **PLENTY)
    expect(page.locator("#which .answer")).to_contain_text("chinwagd")
    page.locator("form.shown summary").click()
    page.locator("form.shown").get_by_label("C++", exact=True).uncheck()
    expect(answer(page, "chinwagd")).to_be_hidden()
    expect(page.locator("#which .answer")).not_to_contain_text("chinwagd")
    expect(page.locator("#which .answer")).to_contain_text("rust")


def test_what_was_not_measured_is_no_candidate(page: Page) -> None:
    names = page.locator("#which tbody tr").evaluate_all("rows => rows.map(r => r.dataset.name)")
    assert sorted(names) == ["chinwagd", "elixir", "go", "rust"]


@pytest.mark.parametrize("field", ["connections", "deliveries", "memory", "cores", "p99"])
def test_an_empty_field_is_asked_for(page: Page, field: str) -> None:
    page.locator(f"#which [name={field}]").fill("")
    expect(page.locator("#which .answer")).to_contain_text(": ")
    expect(page.locator("#which table")).to_have_class("advice stale")


def test_presets_fill_the_form_in(page: Page) -> None:
    page.get_by_role("button", name="The articles' load").click()
    expect(page.locator("#which [name=connections]")).to_have_value("10000")
    expect(page.locator("#which [name=deliveries]")).to_have_value("5050000")
    preset = presets()["start-up"]
    page.get_by_role("button", name=preset.title).click()
    expect(page.locator("#which [name=connections]")).to_have_value("500000")
    expect(page.locator("#which [name=upgrades]")).to_be_checked()
    expect(page.locator("#which [name=recovery]")).to_have_value("1000")
    page.get_by_role("button", name="Busy rooms").click()
    expect(page.locator("#which [name=upgrades]")).not_to_be_checked()
    expect(page.locator("#which [name=recovery]")).to_have_value("")


def test_a_preset_of_a_team_asks_for_its_language(page: Page) -> None:
    page.get_by_role("button", name=presets()["product"].title).click()
    expect(page.locator("#which [name=language]")).to_have_value("Go")
    shown = page.locator("#which tbody tr:not([hidden]):not(.off)")
    languages = shown.evaluate_all("rows => [...new Set(rows.map(row => row.dataset.language))]")
    assert languages == ["Go"]
    assert "elixir" not in page.locator("#which .answer").inner_text()
    page.get_by_role("button", name="Busy rooms").click()
    expect(page.locator("#which [name=language]")).to_have_value("")
    assert shown.evaluate_all("rows => new Set(rows.map(row => row.dataset.language)).size") > 1

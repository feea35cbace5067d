"""The decision aid answers with the sums that its own text describes, from measured cells."""

from __future__ import annotations

import math
import re

import pytest
from chinwag_bench.judging.advice import advise, known_within
from chinwag_bench.judging.matrix import Cell, Matrix, RatePoint
from playwright.sync_api import Locator, Page, expect


def cell(matrix: Matrix, row: str, column: str) -> Cell:
    return next(c for c in matrix.cells if (c.row, c.column) == (row, column))


def high(matrix: Matrix, row: str, column: str) -> float:
    found = cell(matrix, row, column)
    assert found.value is not None
    top = found.interval[1] if found.interval else None
    return found.value if top is None else top


def ask(page: Page, **fields: float) -> None:
    for name, value in fields.items():
        page.locator(f"#which [name={name}]").fill(str(value))


def answer(page: Page, column: str) -> Locator:
    return page.locator(f"#which tr[data-name='{column}']")


LABELS = {
    "enough": "enough",
    "if_it_scales": "enough, if it scales",
    "not_enough": "not enough",
    "unknown": "not known",
}
PLENTY = {"connections": 1, "memory": 1_000_000}


def holds(matrix: Matrix, column: str) -> list[RatePoint]:
    return [one for one in matrix.rate_points if one.column == column]


@pytest.mark.parametrize("cores", [1, 2, 40])
@pytest.mark.parametrize("p99_ms", [0.0001, 2, 10, 100, 1000])
@pytest.mark.parametrize("rate", [1000, 50_000, 170_000, 1_000_000])
def test_the_page_answers_as_the_judge_does(
    page: Page, matrix: Matrix, rate: float, p99_ms: float, cores: int
) -> None:
    ask(page, deliveries=rate, p99=p99_ms, cores=cores, **PLENTY)
    for column in ("chinwagd", "elixir", "go", "rust"):
        alone = column == "chinwagd"
        wanted = advise(holds(matrix, column), rate, p99_ms, cores=cores, one_thread=alone)
        shown = answer(page, column)
        expect(shown.locator(".verdict")).to_contain_text(re.compile(f"^{LABELS[wanted.kind]}"))
        needed = "\u2013" if wanted.cores is None else f"{wanted.cores:,}"
        expect(shown.locator(".cores")).to_have_text(needed)


def test_what_was_seen_stands_beside_the_answer(page: Page, matrix: Matrix) -> None:
    ask(page, deliveries=1000, p99=1000, cores=1, **PLENTY)
    found = advise(holds(matrix, "rust"), 1000, 1000, cores=1)
    assert found.known.carried is not None
    text = answer(page, "rust").locator(".why").inner_text()
    assert re.match(r"carried [\d,]+ deliveries/s within this p99, did not keep [\d,]+", text)


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


def test_memory_is_the_empty_server_and_its_growth(page: Page, matrix: Matrix) -> None:
    grown = max(high(matrix, f"memory_{point}", "rust") for point in ("joined", "after_rest"))
    kernel = high(matrix, "memory_kernel", "rust")
    total = high(matrix, "memory_empty", "rust") + 5 * (grown + kernel)
    ask(page, connections=50_000, memory=math.ceil(total), cores=1000, p99=1000)
    expect(answer(page, "rust").locator(".memory")).to_contain_text(f"{total:.0f} MB")
    expect(answer(page, "rust").locator(".memory")).to_contain_text("projection")
    expect(answer(page, "rust").locator(".verdict")).not_to_contain_text("not enough")
    ask(page, memory=math.floor(total))
    expect(answer(page, "rust").locator(".verdict")).to_contain_text("not enough")


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

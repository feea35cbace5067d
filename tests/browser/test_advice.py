"""The decision aid answers with the sums that its own text describes, from measured cells."""

from __future__ import annotations

import math

import pytest
from chinwag_bench.records import Cell, Matrix
from playwright.sync_api import Locator, Page, expect


def cell(matrix: Matrix, row: str, column: str) -> Cell:
    return next(c for c in matrix.cells if (c.row, c.column) == (row, column))


def high(matrix: Matrix, row: str, column: str) -> float:
    found = cell(matrix, row, column)
    assert found.value is not None
    return found.interval[1] if found.interval else found.value


def ask(page: Page, **fields: float) -> None:
    for name, value in fields.items():
        page.locator(f"#which [name={name}]").fill(str(value))


def answer(page: Page, column: str) -> Locator:
    return page.locator(f"#which tr[data-name='{column}']")


def test_cores_are_the_load_over_the_highest_rate_with_that_p99(page: Page, matrix: Matrix) -> None:
    half = cell(matrix, "half_rate", "go").value
    assert half is not None
    ask(page, deliveries=1_000_000, p99=high(matrix, "half_p99", "go") * 1.01, cores=1000)
    expect(answer(page, "go").locator(".cores")).to_have_text(str(math.ceil(1_000_000 / half)))
    expect(answer(page, "go").locator(".verdict")).to_contain_text("enough, if it scales")


def test_a_second_of_p99_allows_the_sustained_rate(page: Page, matrix: Matrix) -> None:
    top = cell(matrix, "throughput_deliveries", "rust")
    assert top.interval is not None
    ask(page, deliveries=top.interval[0] * 0.99, p99=1000)
    expect(answer(page, "rust").locator(".cores")).to_have_text("1")
    expect(answer(page, "rust").locator(".verdict")).to_have_text("enough")
    ask(page, deliveries=top.interval[0] * 1.01)
    expect(answer(page, "rust").locator(".cores")).to_have_text("2")


def test_a_p99_that_nothing_was_seen_to_keep_is_not_known(page: Page) -> None:
    ask(page, p99=0.0001)
    for row in page.locator("#which tbody tr").all():
        expect(row.locator(".verdict")).to_contain_text("not known")
    expect(page.locator("#which .answer")).to_contain_text("No server")


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


def test_languages_that_the_team_does_not_know_come_last(page: Page) -> None:
    page.locator("#which").get_by_label("C++", exact=True).uncheck()
    expect(answer(page, "chinwagd").locator(".verdict")).to_contain_text("written in C++")
    assert page.locator("#which tbody tr").last.get_attribute("data-name") == "chinwagd"
    expect(page.locator("#which .answer")).not_to_contain_text("chinwagd")


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

"""What a reader chose is in the page's address: a link shows another one the same page."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from .test_filters import rows, server, shown, unfold


def visible(page: Page) -> str:
    """All that can be read, with what the fields hold."""
    unfold(page)
    values = page.evaluate(
        "[...document.querySelectorAll('input, select')]"
        ".map((field) => field.type === 'checkbox' ? field.checked : field.value)"
    )
    return f"{page.locator('body').inner_text()}\n{values}"


def hide_elixir(page: Page) -> None:
    unfold(page)
    server(page, "elixir")


def hide_everybody(page: Page) -> None:
    unfold(page)
    for language in page.locator("form.shown [name=language]").all():
        language.uncheck()


def sort_by_memory(page: Page) -> None:
    page.locator("#glance thead button").last.click()
    page.locator("#glance thead button").last.click()


def quickest_start_first(page: Page) -> None:
    page.locator("#matrix tr[data-row=start_health] button").click()


def all_rows_in_full(page: Page) -> None:
    page.get_by_label("also rows that rank nobody").check()
    page.get_by_label("details in cells").check()


def only_memory(page: Page) -> None:
    page.get_by_label("Rows about").select_option("Memory")


def words(page: Page) -> None:
    page.get_by_label("with the words").fill("p99, rate & more")


def only_impossible(page: Page) -> None:
    unfold(page)
    page.get_by_label("Verdicts").select_option("impossible as stated")


def another_load(page: Page) -> None:
    page.get_by_role("button", name="The articles' load").click()
    page.locator("#which [name=p99]").fill("20")


CHOICES = [
    *(hide_elixir, hide_everybody, sort_by_memory, quickest_start_first, all_rows_in_full),
    *(only_memory, words, only_impossible, another_load),
]


@pytest.mark.parametrize("choose", CHOICES)
def test_the_address_shows_another_reader_the_same(
    page: Page, browser: Browser, choose: Callable[[Page], None]
) -> None:
    before = visible(page)
    choose(page)
    chosen = visible(page)
    assert chosen != before
    other = browser.new_page(viewport={"width": 1280, "height": 900})
    other.goto(page.url)
    assert visible(other) == chosen
    other.close()


@pytest.mark.parametrize(
    "choose", [hide_elixir, quickest_start_first, only_memory, only_impossible]
)
def test_the_back_button_takes_a_choice_back(page: Page, choose: Callable[[Page], None]) -> None:
    before = visible(page)
    choose(page)
    chosen = visible(page)
    page.go_back()
    assert visible(page) == before
    page.go_forward()
    assert visible(page) == chosen


def test_what_was_typed_is_one_step_back_at_most(page: Page) -> None:
    unfold(page)
    only_memory(page)
    page.get_by_label("with the words").press_sequentially("kernel")
    page.go_back()
    assert page.get_by_label("with the words").input_value() == ""


def test_the_choice_of_before_leaves_no_trace(page: Page, address: str) -> None:
    hide_elixir(page)
    server(page, "elixir")
    assert page.url.removesuffix("#") == address


def test_a_link_within_the_page_keeps_the_choice(page: Page) -> None:
    hide_elixir(page)
    page.get_by_role("navigation").get_by_role("link", name="Matrix").click()
    assert re.search(r"#matrix\?servers=[^&]+$", page.url)
    assert "elixir" not in shown(page, "#matrix")
    expect(page.locator("#matrix h2")).to_be_in_viewport()


@pytest.mark.parametrize("fold", ["limits", "claims", "versions", "definitions"])
def test_an_address_opens_the_fold_that_it_names(page: Page, address: str, fold: str) -> None:
    page.goto("about:blank")
    page.goto(f"{address}#{fold}?servers=go,rust")
    expect(page.locator(f"#{fold}")).to_have_attribute("open", "")
    expect(page.locator(f"#{fold} > summary")).to_be_in_viewport()
    assert shown(page, "#glance") == {"go", "rust"}


@pytest.mark.parametrize("part", ["charts", "matrix", "checks", "conditions", "method", "repeat"])
def test_an_address_opens_the_part_that_it_names(page: Page, address: str, part: str) -> None:
    page.goto("about:blank")
    page.goto(f"{address}#{part}")
    expect(page.locator(f"#{part} > details.part")).to_have_attribute("open", "")
    expect(page.locator(f"#{part} h2")).to_be_in_viewport()


@pytest.mark.parametrize(
    "query",
    [
        "servers=nobody",
        "sort=nothing:up",
        "by=x",
        "rows=1",
        "group=x",
        "verdict=x",
        "ask=1,2",
        "x=y",
    ],
)
def test_an_address_with_unknown_words_shows_the_page_as_it_opens(
    page: Page, address: str, query: str
) -> None:
    before = visible(page)
    page.goto("about:blank")
    page.goto(f"{address}#?{query}")
    assert visible(page) == before
    assert rows(page)

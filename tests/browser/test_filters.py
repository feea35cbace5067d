"""The report's filters: servers everywhere, rows and details in the matrix, figures by verdict."""

from __future__ import annotations

import pytest
from chinwag_bench.judging.matrix import Matrix
from chinwag_bench.render import glance, text
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.usefixtures("unfolded")

SECTIONS = ["#glance", "#charts", "#which", "#matrix", "#figures", "#limits", "#versions"]


def shown(page: Page, where: str) -> set[str]:
    """The columns of which something can be seen there."""
    elements = page.locator(f"{where} [data-column]").all()
    return {str(e.get_attribute("data-column")) for e in elements if e.is_visible()}


def rows(page: Page) -> list[str]:
    visible = page.locator("#matrix tr[data-words] th button").all()
    return [button.inner_text() for button in visible if button.is_visible()]


def unfold(page: Page) -> None:
    """Opens every fold, as a reader would who looks for a server everywhere."""
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")


def server(page: Page, name: str) -> None:
    page.locator("form.shown").get_by_label(name, exact=True).click()


@pytest.mark.parametrize("section", SECTIONS)
def test_a_server_disappears_from_every_section(page: Page, section: str) -> None:
    unfold(page)
    assert "elixir" in shown(page, section)
    server(page, "elixir")
    assert "elixir" not in shown(page, section)
    assert "rust" in shown(page, section)


def test_every_section_says_how_many_servers_it_shows_and_which_it_hides(page: Page) -> None:
    unfold(page)
    server(page, "elixir")
    said = page.locator("output.servers").all_inner_texts()
    assert len(said) >= 3
    assert set(said) == {"5 of 7 shown, without elixir, go (again)"}


def test_the_second_measurement_of_a_server_is_shown_when_asked_for(page: Page) -> None:
    unfold(page)
    assert "go (again)" not in shown(page, "main")
    page.get_by_role("button", name="Show all", exact=True).click()
    assert "go (again)" in shown(page, "#matrix") & shown(page, "#charts")
    page.get_by_role("button", name="Show the usual ones").click()
    assert "go (again)" not in shown(page, "main")


def test_a_language_takes_all_its_servers_along(page: Page) -> None:
    unfold(page)
    server(page, "Go")
    assert not {"go", "go (again)"} & shown(page, "main")
    server(page, "Go")
    assert "go" in shown(page, "#matrix")


def test_who_hides_everybody_sees_nobody(page: Page) -> None:
    unfold(page)
    for language in page.locator("form.shown [name=language]").all():
        language.uncheck()
    assert shown(page, "main") == set()
    expect(page.locator("form.shown output")).to_have_text("0 of 7 shown")


def test_the_matrix_opens_with_the_rows_that_rank_and_has_the_others(
    page: Page, matrix: Matrix
) -> None:
    index = text.Index(matrix)
    first = [row.title for row in matrix.rows if glance.is_first(index, row)]
    assert rows(page) == first != [row.title for row in matrix.rows]
    page.get_by_label("also rows that rank nobody").check()
    assert rows(page) == [row.title for row in matrix.rows]


def test_details_in_cells_are_shown_when_asked_for(page: Page) -> None:
    quotes = page.locator("#matrix .quote:visible")
    assert quotes.count() == 0
    page.get_by_label("details in cells").check()
    assert quotes.count() > 0


def test_rows_by_group(page: Page, matrix: Matrix) -> None:
    page.get_by_label("Rows about").select_option("Memory")
    assert rows(page) == [row.title for row in matrix.rows if row.group == "Memory"]
    assert page.locator("#matrix tbody:visible").count() == 1


def test_rows_by_words_of_name_or_definition(page: Page, matrix: Matrix) -> None:
    page.get_by_label("with the words").fill("KERNEL growth")
    assert rows(page) == ["Kernel memory per 10k, joined"]
    page.get_by_label("with the words").fill("no such row")
    assert rows(page) == []
    page.get_by_role("button", name="Reset", exact=True).click()
    index = text.Index(matrix)
    assert rows(page) == [row.title for row in matrix.rows if glance.is_first(index, row)]


def test_figures_by_verdict(page: Page, matrix: Matrix) -> None:
    unfold(page)
    kinds = [figure.verdict.kind for c in matrix.cells for figure in c.published if figure.verdict]
    page.get_by_label("Verdicts").select_option("impossible as stated")
    assert page.locator("#all-figures tbody tr:visible").count() == kinds.count("impossible") > 0
    server(page, "Rust")
    assert page.locator("#all-figures tbody tr:visible").count() < kinds.count("impossible")


def test_a_chosen_verdict_shows_its_statements_and_counts_them(page: Page, matrix: Matrix) -> None:
    """The table is folded as the page opens: a choice that changed nothing to be seen would be
    taken for broken.
    """
    chosen = sum(claim.verdict.kind == "opinion" for claim in matrix.claims)
    assert not page.locator("#claims").evaluate("(one) => one.open")
    page.get_by_label("Verdicts").select_option("opinion")
    assert page.locator("#claims").evaluate("(one) => one.open")
    assert page.locator("#claims tbody tr:visible").count() == chosen > 0
    said = page.locator("form.verdicts output")
    assert said.inner_text() == f"{chosen} statements"
    page.get_by_label("Verdicts").select_option("all of them")
    assert said.inner_text() == ""

"""The report's filters: servers everywhere, rows in the matrix."""

from __future__ import annotations

from chinwag_bench.judging.matrix import Matrix
from playwright.sync_api import Page, expect


def shown(page: Page, where: str) -> set[str]:
    """The columns of which something can be seen there."""
    elements = page.locator(f"{where} [data-column]").all()
    return {str(e.get_attribute("data-column")) for e in elements if e.is_visible()}


def rows(page: Page) -> list[str]:
    visible = page.locator("#matrix tr[data-words] th button").all()
    return [button.inner_text() for button in visible if button.is_visible()]


def test_a_server_disappears_from_tables_and_charts(page: Page, matrix: Matrix) -> None:
    everything = {column.id for column in matrix.columns}
    page.locator("form.shown").get_by_label("elixir", exact=True).uncheck()
    assert shown(page, "#glance tbody") == everything - {"elixir", "go (again)"}
    assert shown(page, "#matrix") == everything - {"elixir"}
    assert "elixir" not in shown(page, "#charts") | shown(page, "#figures") | shown(page, "#limits")
    for form in ("shown", "rows"):
        expect(page.locator(f"form.{form} output.servers")).to_have_text("6 of 7 servers shown")


def test_a_language_takes_all_its_servers_along(page: Page) -> None:
    page.locator("form.shown").get_by_label("Go", exact=True).uncheck()
    assert not {"go", "go (again)"} & shown(page, "main")
    page.get_by_role("button", name="Show all servers").click()
    expect(page.locator("form.shown output")).to_have_text("")
    assert {"go", "go (again)"} <= shown(page, "#matrix")


def test_rows_by_group(page: Page, matrix: Matrix) -> None:
    page.get_by_label("Rows about").select_option("Memory")
    assert rows(page) == [row.title for row in matrix.rows if row.group == "Memory"]
    assert page.locator("#matrix tbody:visible").count() == 1


def test_rows_by_words_of_name_or_definition(page: Page, matrix: Matrix) -> None:
    page.get_by_label("with the words").fill("KERNEL growth")
    assert rows(page) == ["Kernel memory per 10k, joined"]
    page.get_by_label("with the words").fill("no such row")
    assert rows(page) == []
    page.get_by_role("button", name="Show all rows").click()
    expect(page.locator("form.rows output").first).to_have_text("")
    assert len(rows(page)) == len(matrix.rows)


def test_figures_by_verdict(page: Page, matrix: Matrix) -> None:
    kinds = [figure.verdict.kind for c in matrix.cells for figure in c.published if figure.verdict]
    page.get_by_label("Figures that are").select_option("impossible as stated")
    assert page.locator("#figures tbody tr:visible").count() == kinds.count("impossible") > 0
    page.locator("form.shown").get_by_label("Rust", exact=True).uncheck()
    assert page.locator("#figures tbody tr:visible").count() < kinds.count("impossible")

"""Sorting the report's tables by mouse and keyboard."""

from __future__ import annotations

import pytest
from chinwag_bench.judging.matrix import Matrix
from chinwag_bench.render import glance
from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.usefixtures("unfolded")

NOTHING = "\N{EN DASH}"


def values(page: Page, column: int) -> list[str]:
    cells = page.locator(f"#glance tbody tr > :nth-child({column})")
    return [str(text).strip() for text in cells.all_text_contents()]


def first_numbers(page: Page, column: int) -> list[float]:
    """What the cells are sorted by, of those with a value."""
    cells = page.locator(f"#glance tbody tr > :nth-child({column})").all()
    keys = [cell.get_attribute("data-sort") for cell in cells]
    return [float(key) for key in keys if key]


def test_the_table_opens_with_who_delivers_most(page: Page) -> None:
    head = page.locator("#glance thead th").nth(1)
    assert head.get_attribute("aria-sort") == "descending"
    assert first_numbers(page, 2) == sorted(first_numbers(page, 2), reverse=True)


def test_a_heading_sorts_the_best_first_and_then_last(page: Page) -> None:
    delay = page.locator("#glance thead th").nth(4)
    delay.locator("button").click()
    assert delay.get_attribute("aria-sort") == "ascending"
    best_first = values(page, 5)
    assert first_numbers(page, 5) == sorted(first_numbers(page, 5))
    delay.locator("button").click()
    assert delay.get_attribute("aria-sort") == "descending"
    assert first_numbers(page, 5) == sorted(first_numbers(page, 5), reverse=True)
    assert page.locator("#glance [aria-sort]").count() == 1
    assert best_first[-2:] == values(page, 5)[-2:] == [NOTHING, NOTHING]


def test_sorting_by_name_with_the_keyboard(page: Page) -> None:
    page.locator("#glance thead button").first.focus()
    page.keyboard.press("Enter")
    names = page.locator("#glance tbody th .title").all_text_contents()
    assert names == sorted(names, key=str.lower)


def row(page: Page, title: str) -> Locator:
    """The first row of the matrix with this name."""
    name = page.get_by_role("button", name=title, exact=True).first
    return page.locator("#matrix tr").filter(has=name).first


def columns(page: Page) -> list[str]:
    heads = page.locator("#matrix thead th[data-column]").all()
    return [head.get_attribute("data-column") or "" for head in heads]


def best_first(matrix: Matrix, row_id: str, reverse: bool) -> list[str]:
    """What the page should show: valued cells in order, then those without a value."""
    order = [column.id for column in glance.all_in_order(matrix)]
    cells = sorted(
        (cell for cell in matrix.cells if cell.row == row_id),
        key=lambda cell: order.index(cell.column),
    )
    valued = [cell for cell in cells if cell.value is not None]
    ordered = sorted(valued, key=lambda cell: cell.value or 0.0, reverse=reverse)
    return [cell.column for cell in ordered + [cell for cell in cells if cell.value is None]]


def test_a_row_s_name_puts_the_best_server_first(page: Page, matrix: Matrix) -> None:
    row(page, "Start to /health").get_by_role("button").click()
    assert columns(page) == best_first(matrix, "start_health", reverse=False)
    row(page, "Throughput, deliveries").get_by_role("button").click()
    assert columns(page) == best_first(matrix, "throughput_deliveries", reverse=True)
    assert page.locator("#matrix [aria-sort]").count() == 1


def test_cells_move_with_their_heading(page: Page) -> None:
    row(page, "Start to /health").get_by_role("button").click()
    for line in page.locator("#matrix tr[data-words]").all():
        cells = line.locator("td").all()
        assert [cell.get_attribute("data-column") for cell in cells] == columns(page)


def test_selecting_a_row_twice_gives_back_the_order(page: Page, matrix: Matrix) -> None:
    before = columns(page)
    name = row(page, "Start to /health").get_by_role("button")
    name.focus()
    page.keyboard.press("Enter")
    assert columns(page) != before
    page.keyboard.press("Space")
    assert columns(page) == before == [column.id for column in glance.all_in_order(matrix)]

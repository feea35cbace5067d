"""report.html in a real browser: no console errors, no overflow, sorting, dark mode, printing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from chinwag_bench.render import write_all
from playwright.sync_api import Browser, Page, sync_playwright

from ..bench.result_builder import build

CHROMIUM = Path("/usr/bin/chromium")
NOTHING = "\N{EN DASH}"

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="chromium is not installed: run `make setup`"
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    result = build(tmp_path_factory.mktemp("report") / "run")
    write_all(result)
    return (result / "report.html").as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The report, opened; the test fails if the page complains or asks for anything."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: _note_request(request.url, address, complaints))
    opened.goto(address)
    yield opened
    opened.close()
    assert complaints == []


def _note_request(url: str, address: str, complaints: list[str]) -> None:
    if url != address and not url.startswith("data:"):
        complaints.append(f"asked for {url}")


def values(page: Page, column: int) -> list[str]:
    cells = page.locator(f"#glance tbody tr > :nth-child({column})")
    return [str(text).strip() for text in cells.all_text_contents()]


def numbers(texts: list[str]) -> list[float]:
    return [float(re.sub(r"[^0-9.]", "", text)) for text in texts if re.search(r"\d", text)]


@pytest.mark.parametrize("width", [400, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_does_not_overflow(page: Page, width: int, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_sorting_by_a_number_and_back(page: Page) -> None:
    head = page.locator("#glance thead th").nth(1)
    head.locator("button").click()
    ascending = values(page, 2)
    assert head.get_attribute("aria-sort") == "ascending"
    assert numbers(ascending) == sorted(numbers(ascending))
    head.locator("button").click()
    descending = values(page, 2)
    assert head.get_attribute("aria-sort") == "descending"
    assert numbers(descending) == sorted(numbers(ascending), reverse=True)
    assert ascending[-2:] == descending[-2:] == [NOTHING, NOTHING]


def test_sorting_by_name_with_the_keyboard(page: Page) -> None:
    page.locator("#glance thead button").first.focus()
    page.keyboard.press("Enter")
    names = page.locator("#glance tbody th .title").all_text_contents()
    assert names == sorted(names, key=str.lower)


def test_text_in_charts_follows_the_colour_scheme(page: Page) -> None:
    colour = "getComputedStyle(document.querySelector('.plot .labels span')).color"
    page.emulate_media(color_scheme="light")
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(colour) != light


def test_bars_and_curves_are_drawn(page: Page) -> None:
    bar = page.locator(".bar rect").first.bounding_box()
    curve = page.locator(".plot polyline").first.bounding_box()
    assert bar is not None and bar["width"] > 100
    assert curve is not None and curve["width"] > 500


def test_labels_of_curves_do_not_overlap(page: Page) -> None:
    for plot in page.locator(".plot .labels").all():
        boxes = [label.bounding_box() for label in plot.locator("span").all()]
        tops = sorted((box["y"], box["height"]) for box in boxes if box is not None)
        for (upper, height), (lower, _) in pairwise(tops):
            assert upper + height <= lower + 1


def test_it_prints_on_white(page: Page) -> None:
    page.emulate_media(media="print", color_scheme="dark")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"
    assert page.pdf().startswith(b"%PDF")

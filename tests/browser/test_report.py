"""report.html in a real browser: no overflow, charts, colours, paper. The page fixture fails on
console messages and on requests."""

from __future__ import annotations

from itertools import pairwise

import pytest
from playwright.sync_api import Page


@pytest.mark.parametrize("width", [400, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_does_not_overflow(page: Page, width: int, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_text_in_charts_follows_the_colour_scheme(page: Page) -> None:
    colour = "getComputedStyle(document.querySelector('.plot .labels span')).color"
    page.emulate_media(color_scheme="light")
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(colour) != light


def test_the_page_is_dark_where_the_reader_s_is(page: Page) -> None:
    ground = "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)"
    page.emulate_media(color_scheme="light")
    assert page.evaluate(ground) == [255, 255, 255]
    page.emulate_media(color_scheme="dark")
    assert max(page.evaluate(ground)) < 60


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


def test_paper_is_wide_enough_and_nothing_stays_folded(page: Page) -> None:
    page.set_viewport_size({"width": 1032, "height": 703})
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1032
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


def test_it_prints_on_white(page: Page) -> None:
    page.emulate_media(media="print", color_scheme="dark")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"
    assert page.pdf().startswith(b"%PDF")

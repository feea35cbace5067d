"""report.html in a real browser: no overflow, charts, colours, paper. The page fixture fails on
console messages and on requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from chinwag_bench.judging.judge import judge
from chinwag_bench.render import dumbbells, glance, headline, html
from playwright.sync_api import Browser, Page, expect

from .conftest import unfold_parts

RESULTS = Path(__file__).parents[2] / "results/reference"


@pytest.mark.parametrize("width", [400, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_does_not_overflow(page: Page, width: int, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.fixture(scope="module")
def reference_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the committed run, with all servers of a usual run."""
    (folder,) = [path.parent for path in RESULTS.glob("*/matrix.json")]
    file = tmp_path_factory.mktemp("reference") / "report.html"
    file.write_text(html.document(judge(folder)), encoding="utf-8")
    return file


@pytest.fixture
def reference(browser: Browser, reference_file: Path) -> Iterator[Page]:
    """That page, opened anew: what one test unfolds is folded for the next."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(reference_file.as_uri())
    yield page
    page.close()


def test_the_reference_page_is_short_enough_to_be_read(reference: Page) -> None:
    assert reference.evaluate("document.documentElement.scrollHeight") <= 9_300


def test_as_many_servers_as_fit_stand_beside_each_other(reference: Page) -> None:
    fits = int(reference.locator("#matrix table").get_attribute("data-fits") or 0)
    assert fits >= 7
    unfold_parts(reference)
    for box in reference.locator("#servers input[name=column]").all()[fits:]:
        box.evaluate("(one) => { if (one.checked) one.click(); }")  # it may lie in a fold
    width = "document.querySelector('#matrix .scroll').scrollWidth"
    assert reference.evaluate(width) <= reference.evaluate(width.replace("scrollW", "clientW"))


def test_the_first_screen_says_who_won_at_what_load_by_how_much_and_how_sure(
    reference: Page,
) -> None:
    (folder,) = [path.parent for path in RESULTS.glob("*/matrix.json")]
    matrix = judge(folder)
    expect(reference.locator("h1")).to_have_text(headline.headline(matrix))
    facts = headline.facts(matrix, counts_follow=True)
    assert [name for name, _ in facts] == [
        "Load",
        "Fast answers",
        "Other loads",
        "How sure",
        "Articles",
        "Reversed",
        "Impossible",
    ]
    expect(reference.get_by_text(facts[0][1])).to_be_in_viewport()
    for language in reference.locator(".languages li").all():
        expect(language).to_be_in_viewport()
    expect(reference.locator("#load .plot svg").first).to_be_in_viewport(ratio=1)
    top, bottom = (
        reference.locator(place).evaluate("(one) => one.getBoundingClientRect().top")
        for place in ("#words", "#servers")
    )
    assert bottom - top < 450
    for _, sentence in facts[1:]:
        expect(reference.locator("#words").get_by_text(sentence)).to_be_visible()
    first = reference.locator("#glance tbody tr").first
    assert first.get_attribute("data-column") == glance.in_order(matrix)[0].id


def test_heads_stay_in_sight(reference: Page) -> None:
    """More servers than fit scroll in a window of their own, which is lower than the screen."""
    unfold_parts(reference)
    reference.locator("form.shown [name=all]").evaluate("(button) => button.click()")
    window = reference.locator("#matrix .scroll")
    window.evaluate("(one) => { one.scrollIntoView(); one.scrollTo(9e9, 9e9); }")
    expect(reference.locator("#matrix thead th").first).to_be_in_viewport()
    expect(reference.locator("#matrix thead th:not(.off)").last).to_be_in_viewport()
    last = reference.locator("#matrix tr[data-first]:visible").last
    expect(last.locator("th")).to_be_in_viewport()


def test_the_page_has_no_table_head_without_a_scope_and_no_chart_without_words(page: Page) -> None:
    assert page.locator("th:not([scope])").count() == 0
    for drawing in page.locator("figure svg:not([aria-hidden=true])").all():
        assert drawing.get_attribute("role") == "img"
        assert re.search(r"\d", drawing.get_attribute("aria-label") or "")
    for field in page.locator("input, select").all():
        assert field.evaluate("(field) => field.labels.length") == 1


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
    unfold_parts(page)
    bar = page.locator(".bar rect").first.bounding_box()
    curve = page.locator(".plot polyline").first.bounding_box()
    assert bar is not None and bar["width"] > 100
    assert curve is not None and curve["width"] > 500


def test_labels_of_curves_do_not_overlap(page: Page) -> None:
    unfold_parts(page)
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
    folded = page.locator("#matrix :is(tr[data-words], .quote):not(:visible)")
    assert folded.count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert folded.count() > 0
    assert page.locator("details[open]").count() == 0


VISIBLE_WORDS = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let count = 0;
  while (walker.nextNode()) {
    const { parentElement: at, data } = walker.currentNode;
    if (at.checkVisibility() && !at.closest("script, style")) {
      count += data.split(/\\s+/).filter(Boolean).length;
    }
  }
  return count;
}"""


def test_words_on_the_page_as_opened_are_few(reference: Page) -> None:
    """What a reader sees first; the rest is folded. Sentences are as long as the data make them."""
    assert reference.evaluate(VISIBLE_WORDS) <= 1_520


def test_figures_stand_on_one_axis_on_the_side_where_they_belong(reference: Page) -> None:
    lines = reference.locator("#figures .dumbbell:visible")
    assert lines.count() == dumbbells.SHOWN
    for line in lines.all():
        said = line.locator("b").inner_text()
        ends = line.locator("circle").evaluate_all("all => all.map((one) => one.cx.baseVal.value)")
        # Both round to two digits, so equal ones may be either side.
        assert (ends[1] >= ends[0]) if said.endswith("x") else (ends[1] <= ends[0])


def test_it_prints_on_white(page: Page) -> None:
    page.emulate_media(media="print", color_scheme="dark")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"
    assert page.pdf().startswith(b"%PDF")

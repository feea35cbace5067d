"""The README's picture in a real browser: its fonts decide how long a label is."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import msgspec
import pytest
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import Matrix
from chinwag_bench.render import picture
from playwright.sync_api import Browser

RESULTS = Path(__file__).resolve().parents[2] / "results" / "reference"
# What may lie below anything: the paper and the gridlines; a dot lies on its own line.
BOXES = """() => [...document.querySelectorAll('text, circle, .range, .arrow')].map((one) => {
  const { left, right, top, bottom } = one.getBoundingClientRect();
  return { text: one.textContent, left, right, top, bottom };
})"""


class Box(msgspec.Struct):
    text: str
    left: float
    right: float
    top: float
    bottom: float

    def meets(self, other: Box) -> bool:
        is_beside = self.right <= other.left or other.right <= self.left
        return not (is_beside or self.bottom <= other.top or other.bottom <= self.top)


@pytest.fixture(params=["made up", "committed"])
def drawing(request: pytest.FixtureRequest, matrix: Matrix) -> str:
    if request.param == "made up":
        return picture.draw(matrix)
    (run,) = RESULTS.glob("*/run.json")
    return picture.draw(judge(run.parent))


def test_no_label_lies_over_anything_or_beyond_the_edge(
    browser: Browser, drawing: str, tmp_path: Path
) -> None:
    file = tmp_path / "matrix.svg"
    file.write_text(drawing, encoding="utf-8")
    page = browser.new_page(viewport={"width": 1600, "height": 1200})
    try:
        page.goto(file.as_uri())
        boxes = msgspec.convert(page.evaluate(BOXES), list[Box])
    finally:
        page.close()
    pairs = [(a, b) for a, b in combinations(boxes, 2) if (a.text or b.text) and a.meets(b)]
    assert [(a.text, b.text) for a, b in pairs] == []
    found = re.search(r'width="(\d+)"', drawing)
    assert found is not None
    assert max(box.right for box in boxes) <= int(found[1])
    assert sum(bool(box.text) for box in boxes) > 10

"""The report of made-up records, in a real browser that may not ask for anything else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import Matrix
from chinwag_bench.render import write_all
from playwright.sync_api import Browser, Page, sync_playwright

from ..bench.result_builder import build

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = build(tmp_path_factory.mktemp("report") / "run")
    write_all(directory)
    return directory


@pytest.fixture(scope="session")
def address(result: Path) -> str:
    return (result / "report.html").as_uri()


@pytest.fixture(scope="session")
def matrix(result: Path) -> Matrix:
    return judge(result)


@pytest.fixture(scope="module")  # its event loop would be in the way of other tests' own
def browser() -> Iterator[Browser]:
    chromium = next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None:
        pytest.skip("chromium is not installed: run `make setup`")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
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


@pytest.fixture
def unfolded(page: Page) -> None:
    """With the parts open that the page folds."""
    unfold_parts(page)


def unfold_parts(page: Page) -> None:
    """Opens them."""
    page.evaluate(
        "document.querySelectorAll('details.part').forEach((one) => { one.open = true; })"
    )


def _note_request(url: str, address: str, complaints: list[str]) -> None:
    if url != address and not url.startswith("data:"):
        complaints.append(f"asked for {url}")

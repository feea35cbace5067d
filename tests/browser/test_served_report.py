"""The page as `chinwag report --serve` serves it: its Content-Security-Policy lets it work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from chinwag_bench.report_server import ReportServer
from playwright.sync_api import Page, expect


@pytest.fixture
def address(result: Path) -> Iterator[str]:
    """What `page` opens: the server's address in place of the file's."""
    with ReportServer(result) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.url
        server.shutdown()
        thread.join()


def test_its_styles_and_scripts_work(page: Page) -> None:
    """A refusal by the policy is a complaint on the console, which fails the `page` fixture."""
    assert page.locator("[style]").count() > 0
    series = "getComputedStyle(document.querySelector('[style*=\"--series\"]'))"
    assert page.evaluate(f"{series}.getPropertyValue('--series')")
    page.locator("#servers input[name=column]").first.evaluate("(one) => one.click()")
    assert "servers=" in page.url
    page.reload()
    expect(page.locator("#glance")).to_be_visible()
    assert "servers=" in page.url

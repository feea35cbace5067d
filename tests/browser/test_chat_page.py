"""examples/chat.html: two people talk to each other in a real browser."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

ROOT = Path(__file__).resolve().parents[2]
CHINWAGD = ROOT / "build/release/core/chinwagd"
PAGE = ROOT / "examples/chat.html"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    if not CHINWAGD.is_file():
        pytest.skip("chinwagd is not built")
    command = [CHINWAGD, "--port", "0", "--allowed-origins", "null"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        line = running.stderr.readline()
        yield f"ws://{line.rsplit(' ', 1)[1].strip()}/ws"
        running.terminate()


def test_two_people_chat(browser: Browser, server: str) -> None:
    complaints: list[str] = []
    pages = []
    for user in ("ann", "bob <b>"):
        page = browser.new_page(viewport={"width": 400, "height": 700})
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{PAGE.as_uri()}?server={server}&user={user}")
        expect(page.locator("#log")).to_contain_text(f"{user} is here")
        pages.append(page)
    ann, bob = pages
    bob.fill("#text", "<i>hello</i>")
    bob.press("#text", "Enter")
    for page in pages:
        expect(page.locator("#log")).to_contain_text("bob <b>: <i>hello</i>")
    bob.close()
    expect(ann.locator("#log")).to_contain_text("bob <b> has left")
    assert complaints == []


def test_a_server_that_is_not_there_is_told_of(browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{PAGE.as_uri()}?server=ws://127.0.0.1:9/ws")
    expect(page.locator("#log")).to_contain_text("does the server run?")

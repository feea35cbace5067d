"""The examples, run as their first lines say and spoken to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import chinwag
import pytest
from chinwag_bench.servers.ports import pick_port

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "build/release/bindings/python")}

PYTHON = [sys.executable]
NODE = [shutil.which("node") or "node"]
needs_node = pytest.mark.skipif(
    not (ROOT / "build/release/bindings/node/chinwag.node").is_file(),
    reason="the Node.js addon is not built",
)

SERVERS = [
    pytest.param([*PYTHON, EXAMPLES / "python/chat_server.py"], id="python"),
    pytest.param([*NODE, EXAMPLES / "node/chat_server.mjs"], id="node", marks=needs_node),
]
FILTERS = [
    pytest.param([*PYTHON, EXAMPLES / "python/moderation.py"], id="python"),
    pytest.param([*NODE, EXAMPLES / "node/moderation.mjs"], id="node", marks=needs_node),
]
BOTS = [
    pytest.param([*PYTHON, EXAMPLES / "python/bot.py"], id="python"),
    pytest.param([*NODE, EXAMPLES / "node/bot.mjs"], id="node", marks=needs_node),
]


@contextlib.contextmanager
def running(*command: str | Path, **environment: str) -> Iterator[None]:
    """Until the end of the block, which a SIGTERM must bring about cleanly."""
    program = subprocess.Popen(
        [str(part) for part in command],
        env={**ENVIRONMENT, **environment},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield
        assert program.poll() is None, program.communicate()[1]
        program.send_signal(signal.SIGTERM)
        _, errors = program.communicate(timeout=20)
        assert "Error" not in errors
    finally:
        program.kill()
        program.wait()


async def connected(url: str, user: str) -> chinwag.Client:
    for _ in range(200):
        with contextlib.suppress(chinwag.ChinwagError):
            return await chinwag.Client(url, user).connect()
        await asyncio.sleep(0.05)
    raise AssertionError(f"nobody serves {url}")


async def next_of(client: chinwag.Client, *kinds: str) -> chinwag.Received:
    while True:
        message = await asyncio.wait_for(client.receive(), 10)
        assert message is not None
        if message.type in kinds:
            return message


@pytest.mark.parametrize("command", SERVERS)
def test_the_chat_server_greets_and_serves(command: list[str | Path]) -> None:
    port = pick_port()

    async def scenario() -> None:
        ann = await connected(f"ws://127.0.0.1:{port}/ws", "ann")
        async with ann:
            assert (await next_of(ann, "direct")).content == "Hello ann"
            await ann.join("tea")
            await ann.send("tea", "hello")
            assert (await next_of(ann, "message")).content == "hello"

    with running(*command, str(port)):
        asyncio.run(scenario())


@pytest.mark.parametrize("command", SERVERS)
def test_a_chat_server_in_fifteen_lines(command: list[str | Path]) -> None:
    lines = Path(command[1]).read_text().splitlines()
    code = [line for line in lines if line.strip() and not line.startswith(('"""', "//"))]
    assert len(code) <= 15


@pytest.mark.parametrize("command", FILTERS)
def test_the_filter_refuses_links_lowers_shouting_and_answers(command: list[str | Path]) -> None:
    port = pick_port()

    async def scenario() -> None:
        ann = await connected(f"ws://127.0.0.1:{port}/ws", "ann")
        async with ann:
            await ann.join("tea")
            for content in ("see http://spam", "/who", "HELLO"):
                await ann.send("tea", content)
            assert (await next_of(ann, "error")).content == "no links here"
            assert (await next_of(ann, "direct", "message")).content == "ann"
            assert (await next_of(ann, "message")).content == "hello"

    with running(*command, str(port)):
        asyncio.run(scenario())


@pytest.mark.parametrize("command", BOTS)
def test_the_bot_counts(command: list[str | Path]) -> None:
    async def scenario() -> None:
        async with chinwag.Server() as server, chinwag.Client(server.url, "ann") as ann:
            await ann.join("tea")
            with running(*command, server.url, "tea"):
                while (await next_of(ann, "user_joined")).user != "counter":
                    pass
                await ann.send("tea", "one")
                await ann.send("tea", "!count")
                while (message := await next_of(ann, "message")).user != "counter":
                    pass
                assert message.content == "ann: 2"

    asyncio.run(asyncio.wait_for(scenario(), 60))


def fetch_once(url: str, method: str) -> object:
    request = urllib.request.Request(url, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def fetch(url: str, method: str = "GET") -> object:
    for _ in range(200):
        try:
            return fetch_once(url, method)
        except urllib.error.URLError:
            time.sleep(0.05)
    raise AssertionError(f"nobody serves {url}")


def announce(web: int, port: int) -> None:
    """What both web apps do: tell of rooms, and announce in one."""

    async def scenario() -> None:
        ann = await connected(f"ws://127.0.0.1:{port}/ws", "ann")
        async with ann:
            await ann.join("tea")
            assert await asyncio.to_thread(fetch, f"http://127.0.0.1:{web}/rooms") == {"tea": 1}
            url = f"http://127.0.0.1:{web}/rooms/tea/announce?text=dinner"
            assert await asyncio.to_thread(fetch, url, "POST") == {"sent_to": "tea"}
            message = await next_of(ann, "message")
            assert (message.user, message.content) == ("announcer", "dinner")

    asyncio.run(asyncio.wait_for(scenario(), 60))


def test_a_fastapi_app_with_chat_beside_it() -> None:
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    web, port = pick_port(), pick_port()
    command = [
        *PYTHON,
        "-m",
        "uvicorn",
        "--app-dir",
        EXAMPLES / "python",
        "fastapi_app:app",
        "--port",
        str(web),
        "--log-level",
        "warning",
    ]
    with running(*command, CHAT_PORT=str(port)):
        announce(web, port)


@pytest.mark.parametrize("arguments", [["bot.py"], ["bot.py", "x"], ["chat_server.py", "tea"]])
def test_an_example_that_is_called_wrongly_says_how(arguments: list[str]) -> None:
    program, *given = arguments
    command = [*PYTHON, str(EXAMPLES / "python" / program), *given]
    done = subprocess.run(
        command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert f"Usage: {program}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bot_that_can_not_connect_says_why() -> None:
    command = [*PYTHON, str(EXAMPLES / "python/bot.py"), "ws://127.0.0.1:9/ws", "tea"]
    done = subprocess.run(
        command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "does the server run?" in done.stderr


def test_a_fastapi_app_says_what_is_wrong_with_a_room() -> None:
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    web, port = pick_port(), pick_port()
    app = ["--app-dir", EXAMPLES / "python", "fastapi_app:app", "--log-level", "warning"]
    with running(*PYTHON, "-m", "uvicorn", *app, "--port", str(web), CHAT_PORT=str(port)):
        assert fetch(f"http://127.0.0.1:{web}/rooms") == {}
        for query in ("r" * 65 + "/announce?text=dinner", "tea/announce?text=" + "x" * 65_537):
            with pytest.raises(urllib.error.HTTPError) as raised:
                fetch_once(f"http://127.0.0.1:{web}/rooms/{query}", "POST")
            assert raised.value.code == 422
            assert "give" in json.load(raised.value)["detail"]


@needs_node
@pytest.mark.skipif(not (ROOT / "node_modules/express").is_dir(), reason="express is missing")
def test_an_express_app_with_chat_on_the_same_process() -> None:
    web, port = pick_port(), pick_port()
    with running(*NODE, EXAMPLES / "node/express_app.mjs", str(web), str(port)):
        announce(web, port)

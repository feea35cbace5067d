"""A small checkout of its own for each test: toy servers, a fake generator, a conformance suite of
two cases.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chinwag_bench.cli import main
from chinwag_bench.machine.cpu_plan import plan_cpus
from chinwag_bench.machine.open_files import raise_limit
from chinwag_bench.metrics.cell import Site
from chinwag_bench.paths import Workspace
from chinwag_bench.servers.build import build
from chinwag_bench.servers.catalog import Server, Target, discover
from chinwag_bench.servers.process import Launch, ServerProcess, start_server

# Started in a shell's background, SIGINT would be ignored by all that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

FIXTURES = Path(__file__).parent / "fixtures"
PACKAGE = Path(__file__).resolve().parents[2] / "bench"

_PROFILE = {
    "connections": 10,
    "room_size": 10,
    "mix": {"room": 0.5, "direct": 0.5},
    "content_bytes": 100,
    "messages_per_second_per_connection": 1.0,
}
_CONFORMANCE = """
import pytest
def pytest_addoption(parser):
    parser.addoption("--server")
def pytest_configure(config):
    config.addinivalue_line("markers", "smoke: the short subset")
"""
_CASES = """
import pytest
@pytest.mark.smoke
def test_name(pytestconfig):
    assert pytestconfig.getoption("--server") != "wrong", "it is the wrong server"
def test_long(pytestconfig):
    assert pytestconfig.getoption("--server").startswith("toy")
@pytest.mark.skip(reason="not served here")
def test_left_out():
    raise AssertionError
"""

LOAD_PROFILES = (
    *("article", "broadcast", "direct", "echo", "faults", "idle", "many-rooms", "poisson"),
    "silent",
)


class Checkout:
    """A workspace in a temporary folder, filled by what a test needs."""

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace(root)
        self.root = root
        self._write("protocol/chat-1.md", "# chat/1\n")
        self._write("tests/conformance/conftest.py", _CONFORMANCE)
        self._write("tests/conformance/test_toy.py", _CASES)
        for name in LOAD_PROFILES:
            self._write(f"bench/load/profiles/{name}.json", json.dumps(_PROFILE | {"name": name}))
        self.generator = self._write(
            "fake-load", f'#!/bin/sh\nexec {sys.executable} {FIXTURES / "fake_load.py"} "$@"\n'
        )
        self.generator.chmod(0o755)

    def add_server(self, name: str = "toy", *, replace: tuple[str, str] | None = None) -> Server:
        """A toy server under a name. ``replace`` changes one piece of its manifest."""
        folder = self.root / "reference-impls" / name
        folder.mkdir(parents=True)
        shutil.copy(FIXTURES / "toy_server.py", folder)
        manifest = (FIXTURES / "toy.toml").read_text().replace('name = "toy"', f'name = "{name}"')
        if replace:
            assert replace[0] in manifest
            manifest = manifest.replace(*replace)
        (folder / "server.toml").write_text(manifest)
        return discover(self.workspace).servers[name]

    def add_broken(self, name: str, manifest: str) -> Path:
        return self._write(f"reference-impls/{name}/server.toml", manifest)

    def chinwag(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Runs the command line in this checkout."""
        return subprocess.run(
            self.command(*arguments),
            env=self.env(**env),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def only_result(self) -> Path:
        """The result directory, where one run was made."""
        (folder,) = (self.root / "results").iterdir()
        return folder

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "chinwag_bench", *arguments]

    def env(self, **more: str) -> dict[str, str]:
        own = {
            "CHINWAG_ROOT": str(self.root),
            "CHINWAG_LOAD": str(self.generator),
            "PYTHONPATH": str(PACKAGE),
            "NO_COLOR": "1",
            "COLUMNS": "200",
        }
        return os.environ | own | more

    def _write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture(autouse=True)
def _plain_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suites of these checkouts need no plugins, whose import takes most of their time."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture
def toy(checkout: Checkout) -> Target:
    """A built toy server, default variant."""
    server = checkout.add_server()
    build(server)
    return Target(server)


Main = Callable[..., tuple[int, str, str]]


@pytest.fixture
def main_here(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Main]:
    """Runs the command line in this process, beside a toy server: (exit code, standard output,
    standard error).
    """
    checkout.add_server()
    for name, value in checkout.env().items():
        monkeypatch.setenv(name, value)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def run_main(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["chinwag", *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        return int(caught.value.code or 0), *capsys.readouterr()

    yield run_main
    for number, handler in before.items():
        signal.signal(number, handler)


Starter = Callable[..., ServerProcess]


@pytest.fixture
def start(toy: Target, tmp_path: Path) -> Iterator[Starter]:
    """Starts the toy with settings in its environment; it is gone after the test."""
    started: list[ServerProcess] = []

    def start_toy(**env: str) -> ServerProcess:
        server = start_server(Launch(target=toy, log=tmp_path / "toy.log", env=env))
        started.append(server)
        return server

    yield start_toy
    for server in started:
        server.end_tree()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Where cells are measured with the real load generator."""
    return Site(
        folder=tmp_path / "results",
        generator=Workspace(PACKAGE.parent).generator(),
        cpus=plan_cpus(),
        seed=1,
        open_files=raise_limit(),
    )

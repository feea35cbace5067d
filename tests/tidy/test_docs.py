"""Documentation that matches the tree: its commands exist, its links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from chinwag_bench.cli import app
from tree import ROOT, name, tracked
from typer.main import get_command

DOCS = [path for path in tracked() if path.suffix == ".md" and "results" not in path.parts]
LINK = re.compile(r"\[[^\]]*\]\((?!https?://|mailto:|#)([^)#\s]+)[^)]*\)")


def code_of(path: Path) -> str:
    """What a reader would copy: fenced blocks and `code`."""
    text = path.read_text(encoding="utf-8")
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))


def test_the_readme_begins_with_what_a_bare_machine_needs() -> None:
    commands = [
        line.split("#")[0].strip()
        for line in re.search(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
        .group(1)  # type: ignore[union-attr]
        .splitlines()
    ]
    assert commands == [
        "apt-get install -y git make",
        "git clone URL-OF-THIS-REPOSITORY chinwag && cd chinwag",
        "make matrix",
        "make test",
    ]


def test_the_readme_s_table_is_made_from_the_reference_run() -> None:
    runs = sorted(path.parent for path in (ROOT / "results/reference").glob("*/matrix.json"))
    assert len(runs) == 1, "one reference run at a time"
    command = [sys.executable, "-m", "chinwag_bench.render.readme"]
    asked = [*command, "--check", str(ROOT / "README.md"), "--results", str(runs[0])]
    checked = subprocess.run(asked, cwd=ROOT / "bench", check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("path", DOCS, ids=name)
def test_links_lead_somewhere(path: Path) -> None:
    targets = LINK.findall(path.read_text(encoding="utf-8"))
    assert not [target for target in targets if not (path.parent / target).exists()]


@pytest.mark.parametrize("path", DOCS, ids=name)
def test_make_targets_in_docs_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)\b", code_of(path))) <= targets


@pytest.mark.parametrize("path", DOCS, ids=name)
def test_chinwag_commands_in_docs_exist(path: Path) -> None:
    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    assert set(re.findall(r"(?:^|`|/)chinwag ([a-z]+)\b", code_of(path), re.MULTILINE)) <= known


@pytest.mark.parametrize(("tool", "shell"), [("Go", "GO_MINIMUM"), ("Node.js", "NODE_MINIMUM")])
def test_manifests_and_setup_ask_for_the_same_versions(tool: str, shell: str) -> None:
    """What a manifest calls enough is what `make setup` installs for, so that neither contradicts
    the other.
    """
    setup = (ROOT / "scripts/setup/toolchains.sh").read_text(encoding="utf-8")
    minimum = re.search(rf"\b{shell}=([\d.]+)", setup)
    assert minimum
    asked = {
        name(path): re.findall(r"(\d+\.\d+) or newer", line)
        for path in tracked()
        if path.name == "server.toml"
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("missing") and f"{tool} is not installed" in line
    }
    assert asked
    assert {version for versions in asked.values() for version in versions} == {minimum[1]}, asked


def test_every_make_target_says_what_it_is_for() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z]+):(.*)$", text, re.MULTILINE)
    assert len(targets) > 8
    assert not [target for target, rest in targets if "##" not in rest]

"""Adding a server is one folder: a copy of this checkout gets one, and nothing else of it changes.

With the real conformance suite and the real load generator.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from chinwag_bench.paths import Workspace

ROOT = Path(__file__).resolve().parents[2]
ADDED = Path(__file__).parent / "fixtures" / "python-websockets"
NAME = ADDED.name
# What is no source: made by builds, runs and installations.
MADE = (
    "build",
    "results",
    ".git",
    ".venv",
    ".toolchain",
    "node_modules",
    "__pycache__",
    ".*cache",
    "kernel-ipc-*",
)
# Conformance and a smoke matrix take about a minute alone, and more on a busy machine.
TIMEOUT_S = 900


def digests(root):
    """Every source file of the checkout, with a digest of its content."""
    found = {}
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in MADE]
        for name in files:
            path = Path(folder, name)
            found[str(path.relative_to(root))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The checkout's sources, all of its servers among them, none of it built."""
    root = tmp_path_factory.mktemp("checkout") / "chinwag"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*MADE))
    return root


@pytest.fixture(scope="module")
def chinwag(copy):
    def run(*arguments):
        own = {
            "CHINWAG_ROOT": str(copy),
            "CHINWAG_LOAD": str(Workspace(ROOT).generator()),
            "PYTHONPATH": str(copy / "bench"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return subprocess.run(
            [sys.executable, "-m", "chinwag_bench", *arguments],
            env=os.environ | own,
            cwd=copy,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def added(copy, chinwag):
    """The digests of before; the folder is all that is added."""
    unknown = chinwag("verify", NAME)
    assert unknown.returncode == 2
    assert f"there is no server '{NAME}'" in unknown.stderr
    before = digests(copy)
    shutil.copytree(ADDED, copy / "reference-impls" / NAME)
    return before


@pytest.mark.timeout(TIMEOUT_S)
def test_a_folder_is_found_verified_measured_and_judged(copy, chinwag, added):
    listed = [json.loads(line) for line in chinwag("list", "--json").stdout.splitlines()]
    assert NAME in {fact["name"] for fact in listed}

    verified = chinwag("verify", NAME, "--smoke", "--json")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    outcome = json.loads(verified.stdout.splitlines()[-1])
    assert outcome["passed"] > 20
    assert outcome["failed"] == 0

    done = chinwag("matrix", "--profile", "smoke", "--servers", NAME)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = (copy / "results").glob("20*")
    check_matrix(json.loads((folder / "matrix.json").read_text()))
    for name in ("matrix.md", "report.html"):
        assert "Python · websockets" in (folder / name).read_text()

    here = Path("reference-impls", NAME)
    after = digests(copy)
    assert {name for name in after if name not in added} == {
        str(here / path.name) for path in ADDED.iterdir()
    }
    assert {name: after.get(name) for name in added} == added, "something else was changed"


def check_matrix(matrix):
    columns = {column["id"]: column for column in matrix["columns"]}
    assert list(columns) == [NAME, f"{NAME} (again)"]
    pinned = re.search(r"^websockets==(.*)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert columns[NAME]["versions"]["websockets"] == pinned[1]
    assert {column["status"] for column in columns.values()} == {"ok"}
    cells = {cell["row"]: cell for cell in matrix["cells"] if cell["column"] == NAME}
    assert cells["start_health"]["value"] > 0
    assert cells["memory_joined"]["value"] is not None
    # How much it sustains depends on the day; that it was measured does not.
    assert all(cell["value"] is not None or cell["reason"] for cell in cells.values())
    sent = next(one for one in matrix["checks"] if one["name"] == "Delivered at most what was sent")
    assert sent["ok"], sent["text"]

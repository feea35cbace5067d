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
def test_a_folder_is_found_verified_measured_and_judged(copy, chinwag, added, tmp_path):
    listed = [json.loads(line) for line in chinwag("list", "--json").stdout.splitlines()]
    assert NAME in {fact["name"] for fact in listed}

    verified = chinwag("verify", NAME, "--smoke", "--json")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    outcome = json.loads(verified.stdout.splitlines()[-1])
    assert outcome["passed"] > 20
    assert outcome["failed"] == 0

    folder = measure(chinwag, tmp_path)
    for name in ("matrix.md", "report.html"):
        assert "Python · websockets" in (folder / name).read_text()

    here = Path("reference-impls", NAME)
    after = digests(copy)
    assert {name for name in after if name not in added} == {
        str(here / path.name) for path in ADDED.iterdir()
    }
    assert {name: after.get(name) for name in added} == added, "something else was changed"


# Holds long enough, from rates low enough, for a server in Python on a busy machine.
GENTLER = """
extends = "smoke"
name = "gentler"

[throughput]
start_deliveries_per_s = 1_000
seconds = 12.0
ascend = { hold_s = 0.8 }
confirm = { warmup_s = 0.2, hold_s = 1.0 }

[latency]
common_deliveries_per_s_min = 500

[load_throughput]
start_deliveries_per_s = { direct = 1_000 }

[load_latency]
common_deliveries_per_s_min = 500
"""
ATTEMPTS = 3
MEASURED = (
    "throughput_deliveries",
    "throughput_messages",
    "cpu_per_delivery",
    "common_rate",
    "common_max",
    "memory_idle",
    "memory_joined",
    "cpu_at_n",
    "max_connections",
    "start_health",
    "start_first_message",
)
MAY_BE_ZERO = {"cpu_at_n"}
"""Its hold is shorter than what the kernel's ticks resolve."""


def measure(chinwag, tmp_path):
    """A whole matrix, in which every cell of MEASURED has a value; another one only where the kit
    says itself that the machine was disturbed while it measured what is empty. Its folder.
    """
    profile = tmp_path / "gentler.toml"
    profile.write_text(GENTLER)
    seen = []
    for attempt in range(ATTEMPTS):
        results = tmp_path / f"results-{attempt}"
        asked = ["--profile", str(profile), "--servers", NAME, "--results", str(results)]
        done = chinwag("matrix", *asked)
        assert done.returncode == 0, done.stdout + done.stderr
        (folder,) = results.iterdir()
        empty = check_matrix(json.loads((folder / "matrix.json").read_text()))
        if not empty:
            return folder
        lines = (line for path in (folder / "raw").glob("*.ndjson") for line in path.open())
        assert any(json.loads(line)["disturbance"]["disturbed"] for line in lines), empty
        seen.append(empty)
    raise AssertionError(f"no run of {ATTEMPTS} measured everything: {seen}")


def find_empty(cells):
    """Which cells have no value, and why not. How large a value is depends on the day."""
    assert set(MEASURED) <= cells.keys()
    for row in MEASURED:
        value = cells[row]["value"]
        assert value is None or value > 0 or row in MAY_BE_ZERO, row
    p50, longest = cells["common_p50"]["value"], cells["common_max"]["value"]
    assert None in (p50, longest) or p50 <= longest
    few = cells["broadcast_p99"]["reason"]
    assert few["code"] == "too_few_messages" and 0 < few["args"]["sent"] < 1000
    return {row: cells[row]["reason"] for row in MEASURED if cells[row]["value"] is None}


def check_matrix(matrix):
    """What has to be so whatever the day; returns the empty cells."""
    columns = {column["id"]: column for column in matrix["columns"]}
    assert list(columns) == [NAME, f"{NAME} (again)"]
    pinned = re.search(r"^websockets==(.*)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert columns[NAME]["versions"]["websockets"] == pinned[1]
    assert {column["status"] for column in columns.values()} == {"ok"}
    cells = {cell["row"]: cell for cell in matrix["cells"] if cell["column"] == NAME}
    assert cells["start_health"]["value"] > 0
    assert cells["memory_joined"]["value"] is not None
    sent = next(one for one in matrix["checks"] if one["name"] == "Delivered at most what was sent")
    assert sent["ok"], sent["text"]
    return find_empty(cells)

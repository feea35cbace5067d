"""Whatever kills the kit, nothing of it stays: no process, no port, no half-written result."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from chinwag_bench.judging import evidence
from chinwag_bench.judging.matrix import Matrix
from chinwag_bench.records import Run
from chinwag_bench.runs.store import RunStore
from chinwag_bench.servers.ports import is_free
from chinwag_bench.validation import validate

from .conftest import Checkout
from .marked_processes import Mark

TINY = str(Path(__file__).parent / "fixtures" / "tiny.toml")
MATRIX = ["matrix", "--profile", TINY, "--quiet"]
SIGNALS = [signal.SIGKILL, signal.SIGINT, signal.SIGTERM]
KILLS = 5  # of each of the four runs: twenty in all
# A run reports some twenty events; so most runs are killed early, late and in between.
EVENTS_MAX = 9
DELAY_MAX_S = 0.4
# Each is killed once and completed; CHINWAG_KILLED_RUNS=20 makes them twenty.
KILLED_RUNS = int(os.environ.get("CHINWAG_KILLED_RUNS", "2"))


def start_kit(checkout, mark, *arguments, **env):
    return subprocess.Popen(
        checkout.command(*arguments),
        env=checkout.env(**mark.env, **env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_somewhen(kit, mark, rng):
    """Sends a signal after a random number of events and a random time. Returns the ports that
    servers had then, and what the kit said.
    """
    for _ in range(rng.randrange(EVENTS_MAX)):
        kit.stdout.readline()
    time.sleep(rng.random() * DELAY_MAX_S)
    ports = mark.ports()
    kit.send_signal(rng.choice(SIGNALS))
    kit.communicate(timeout=60)
    return ports


def newest(checkout):
    folders = sorted((checkout.root / "results").glob("*"))
    return folders[-1] if folders else None


def can_go_on(folder):
    """Whether the run had begun to measure; one that had not is simply started again."""
    path = folder and folder / "run.json"
    return bool(
        path and path.is_file() and msgspec.json.decode(path.read_bytes(), type=Run).columns
    )


def lines(folder):
    """Every record as it stands on disk, by file; each must be whole."""
    found = {}
    for path in sorted((folder / "raw").glob("*.ndjson")):
        content = path.read_text()
        is_whole = not content or content.endswith("\n")  # a file begins empty
        assert is_whole, f"{path.name} ends within a record"
        found[path.name] = content.splitlines()
    return found


def check_nothing_is_half_done(checkout, mark, ports):
    mark.wait_until_gone()
    assert all(map(is_free, ports))
    folder = newest(checkout)
    if not can_go_on(folder):
        assert folder is None or not (folder / "raw").exists()
        return {}
    assert evidence.load(folder).notes == []
    if (folder / "matrix.json").exists():
        msgspec.json.decode((folder / "matrix.json").read_bytes(), type=Matrix)
    if (folder / "report.html").exists():
        assert (folder / "report.html").read_text().endswith("</html>")
    return lines(folder)


def check_complete(folder, before):
    """Every cell is there once, after what had been measured before."""
    for name, kept in before.items():
        assert lines(folder)[name][: len(kept)] == kept
    records = [msgspec.to_builtins(record) for record in RunStore.reopen(folder).records()]
    cells = Counter(
        (r["metric"], r["column"], r["round"], r.get("point"), r["load"]) for r in records
    )
    assert set(cells.values()) == {1}
    assert {cell[1] for cell in cells} == {"toy", "toy (again)"}
    assert {cell[3] for cell in cells if cell[0] == "latency"} == {"common"}
    assert {record["status"] for record in records} == {"ok"}
    assert len(records) == 2 * len({(cell[0], cell[3], cell[4]) for cell in cells})
    assert RunStore.reopen(folder).run.finished_at
    assert not [*folder.rglob("*.new"), *folder.rglob("cell.json")]


@pytest.mark.parametrize("seed", range(20 // KILLS))
def test_a_run_killed_at_any_moment_leaves_nothing_behind_and_goes_on(checkout, toy, seed):
    rng = random.Random(seed)
    before = {}
    for _ in range(KILLS):
        folder = newest(checkout)
        words = ["--resume", str(folder)] if can_go_on(folder) else [TINY]
        mark = Mark()
        kit = start_kit(checkout, mark, "run", *words, "--json", FAKE_HOLD_S="0.05")
        ports = kill_somewhen(kit, mark, rng)
        after = check_nothing_is_half_done(checkout, mark, ports)
        assert all(after[name][: len(kept)] == kept for name, kept in before.items())
        before = after
    folder = newest(checkout)
    words = ["--resume", str(folder)] if can_go_on(folder) else [TINY]
    done = checkout.chinwag("run", *words)
    assert done.returncode == 0, done.stderr
    check_complete(newest(checkout), before)


@pytest.fixture(scope="module")
def whole_run_s(tmp_path_factory):
    """How long a whole matrix of the toy takes here, in seconds."""
    checkout = Checkout(tmp_path_factory.mktemp("undisturbed"))
    checkout.add_server()
    began = time.monotonic()
    assert checkout.chinwag(*MATRIX, FAKE_HOLD_S="0.05").returncode == 0
    return time.monotonic() - began


@pytest.mark.parametrize("seed", range(KILLED_RUNS))
def test_each_run_killed_anywhere_from_build_to_report_is_completed(checkout, whole_run_s, seed):
    """The moment is drawn from the whole time that a matrix takes."""
    rng = random.Random(1000 + seed)
    checkout.add_server()
    mark = Mark()
    kit = start_kit(checkout, mark, *MATRIX, FAKE_HOLD_S="0.05")
    time.sleep(rng.random() * whole_run_s)
    ports = mark.ports()
    kit.send_signal(rng.choice(SIGNALS))
    kit.communicate(timeout=60)
    before = check_nothing_is_half_done(checkout, mark, ports)
    folder = newest(checkout)
    words = ["run", "--resume", str(folder)] if can_go_on(folder) else MATRIX
    done = checkout.chinwag(*words)
    assert done.returncode == 0, done.stderr
    check_complete(newest(checkout), before)
    assert checkout.chinwag("report", str(newest(checkout))).returncode == 0
    # The fake generator's histograms are empty.
    problems = [p for p in validate(newest(checkout)).problems if not p.file.endswith(".hlog")]
    assert problems == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("command", ["build", "verify"])
def test_what_builds_or_verifies_a_server_ends_with_the_kit(checkout, command, number):
    """Both start programs that start others, which nobody but the kit would end."""
    if command == "build":
        checkout.add_server(replace=("echo building", "setsid sleep 654 & sleep 655"))
    else:
        checkout.add_server()
        suite = checkout.root / "tests/conformance/test_toy.py"
        suite.write_text(
            "import os\ndef test_it():\n    os.system('setsid sleep 654 & sleep 655')\n"
        )
    mark = Mark()
    kit = start_kit(checkout, mark, command, "toy", "--quiet")
    mark.wait_for("sleep 654")
    mark.wait_for("sleep 655")
    kit.send_signal(number)
    kit.communicate(timeout=60)
    mark.wait_until_gone()


def test_a_generator_in_the_middle_of_a_hold_ends_with_the_kit(checkout, start, tmp_path):
    settings = {
        "binary": checkout.generator,
        "profile": tmp_path / "profile.json",
        "port": start().port,
        "connections": 1,
        "seed": 1,
        "log": tmp_path / "generator.log",
    }
    request = {"rate": 1, "warmup_s": 0, "hold_s": 600, "drain_s": 0, "label": "long"}
    program = f"""
from pathlib import PosixPath
from chinwag_bench.generator import Generator, GeneratorSettings, HoldRequest
with Generator(GeneratorSettings(**{settings!r})) as generator:
    generator.connect(1, join=True)
    generator.hold(HoldRequest(**{request!r}), lambda: print("holding", flush=True))
"""
    mark = Mark()
    kit = subprocess.Popen(
        [sys.executable, "-c", program],
        env=checkout.env(**mark.env, FAKE_HOLD_S="600"),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert kit.stdout.readline() == "holding\n"
    kit.kill()
    kit.communicate(timeout=60)
    mark.wait_until_gone()


def test_the_records_of_a_cell_are_completed_when_only_some_were_written(checkout, toy):
    """As after a kill between the memory of a set-up and the storm on it."""
    assert checkout.chinwag("run", TINY).returncode == 0
    folder = newest(checkout)
    whole = lines(folder)
    of_cell = [whole[f"{name}.ndjson"][-1] for name in ("memory", "cpu_at_n", "connections")]
    *kept, storm = whole["storm.ndjson"]
    assert {json.loads(line)["column"] for line in (*of_cell, storm)} == {
        json.loads(storm)["column"]
    }
    (folder / "raw" / "storm.ndjson").write_text("".join(f"{line}\n" for line in kept))
    (folder / "raw" / "cell.json").write_text(f"[{','.join([*of_cell, storm])}]")
    assert checkout.chinwag("run", "--resume", str(folder)).returncode == 0
    assert lines(folder) == whole
    check_complete(folder, {})

"""What the kernel alone takes for a delivery: the program, its record, a run without it."""

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from chinwag_bench.judging import evidence
from chinwag_bench.judging.judge import judge
from chinwag_bench.records import Floor
from chinwag_bench.render import markdown
from chinwag_bench.runs.store import RunStore
from chinwag_bench.validation import validate

from .marked_processes import Mark

ROOT = Path(__file__).resolve().parents[2]
FLOOR = Path(os.environ.get("CHINWAG_FLOOR", ROOT / "build/release/bench/floor/chinwag-floor"))
TINY = Path(__file__).parent / "fixtures" / "tiny.toml"
TABLE = """
[floor]
load = "article"
connections = 10
seconds = 0.05
frames_per_write = [1, 16]
"""


def run_floor(*arguments):
    return subprocess.run(
        [FLOOR, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def profile(tmp_path):
    path = tmp_path / "with-floor.toml"
    path.write_text(TINY.read_text() + TABLE)
    return str(path)


def newest(checkout):
    return sorted((checkout.root / "results").glob("*"))[-1]


@pytest.mark.parametrize("stdout", [">/dev/full", ">&-"])
def test_an_output_that_takes_nothing_is_an_error(stdout):
    command = f"exec {shlex.quote(str(FLOOR))} --seconds 0.05 --connections 10 {stdout}"
    done = subprocess.run(
        ["sh", "-c", command], stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )
    assert done.returncode == 3
    assert "chinwag-floor: standard output can't be written: " in done.stderr


@pytest.mark.parametrize(
    ("program", "option"),
    [
        ("chinwag-floor", "--seconds"),
        ("chinwag-fan-out", "--wait-ms"),
        ("chinwag-fan-out", "--ping-s"),
    ],
)
def test_a_length_of_time_that_is_none_is_refused(program, option):
    for text in ("nan", "inf", "-1", "1e999"):
        done = subprocess.run(
            [FLOOR.with_name(program), option, text],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 2, text
        assert f"{option}: {text} is no number from 0" in done.stderr


@pytest.mark.parametrize("frames_per_write", [1, 16])
def test_every_frame_sent_is_counted_and_every_connection_has_its_turn(frames_per_write):
    done = run_floor(
        "--connections", "30", "--seconds", "0.05", "--frames-per-write", str(frames_per_write)
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["frames"] > 0
    assert found["frames"] % (30 * frames_per_write) == 0
    assert found["cpu_us_per_frame"] == pytest.approx(found["cpu_s"] * 1e6 / found["frames"])
    assert 0 < found["cpu_s"] <= found["seconds"]


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (["--frame-bytes", "0"], 2, "--frame-bytes"),
        (["--frames-per-write", "x"], 2, "--frames-per-write"),
        (["--seconds", "0"], 2, "--seconds"),
        (["--connections", "10", "--sender-cores", "1000"], 3, "run on the given cores"),
        (["--connections", "10", "--reader-cores", "1000"], 3, "run on the given cores"),
        (["--connections", "100000"], 3, "Too many open files"),
    ],
)
def test_what_can_t_be_measured_is_said(arguments, code, named):
    limited = ["sh", "-c", 'ulimit -n 500; exec "$@"', "limited", FLOOR, *arguments]
    done = subprocess.run(limited, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code
    assert named in done.stderr
    assert not done.stdout


def test_a_run_measures_it_once_and_its_report_shows_it(checkout, toy, profile):
    env = {"CHINWAG_FLOOR": str(FLOOR)}
    done = checkout.chinwag("run", profile, **env)
    assert done.returncode == 0, done.stderr
    assert "the kernel alone, by frames a write" in done.stderr
    folder = newest(checkout)
    before = (folder / "raw" / "floor.ndjson").read_bytes()
    assert checkout.chinwag("run", "--resume", str(folder), **env).returncode == 0
    assert (folder / "raw" / "floor.ndjson").read_bytes() == before
    matrix = judge(folder)
    assert matrix.floor is not None
    assert [cost.frames_per_write for cost in matrix.floor.costs] == [1, 16]
    assert "kernel alone takes for a delivery" in markdown.document(matrix)
    assert checkout.chinwag("report", str(folder)).returncode == 0
    assert [problem for problem in validate(folder).problems if "floor" in problem.text()] == []


def test_a_run_goes_on_where_it_was_not_built(checkout, toy, profile):
    done = checkout.chinwag("run", profile, CHINWAG_FLOOR="/nonexistent/chinwag-floor")
    assert done.returncode == 0, done.stderr
    assert "chinwag-floor is missing" in done.stderr
    floor = evidence.load(newest(checkout)).floor
    assert floor is not None
    assert (floor.status, floor.costs) == ("missing", [])


def test_a_program_that_fails_or_babbles_is_the_record_s_reason(checkout, toy, profile, tmp_path):
    for body, reason in {"echo no luck >&2; exit 3": "no luck", "echo {}": "did not say"}.items():
        program = tmp_path / "odd-floor"
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
        assert checkout.chinwag("run", profile, CHINWAG_FLOOR=str(program)).returncode == 0
        floor = evidence.load(newest(checkout)).floor
        assert floor is not None
        assert floor.status == "failed"
        assert reason in (floor.reason or "")


def test_the_latest_undisturbed_record_counts(checkout, toy):
    assert checkout.chinwag("run", str(TINY)).returncode == 0
    folder = newest(checkout)
    store = RunStore.reopen(folder)
    for connections, reasons in ((1, ["steal"]), (2, []), (3, ["steal"])):
        store.append(
            Floor(
                started_at=0.0,
                status="ok",
                frame_bytes=1,
                connections=connections,
                disturbance={"reasons": reasons},
            )
        )
    floor = evidence.load(folder).floor
    assert floor is not None
    assert floor.connections == 2


def test_validate_finds_a_quotient_that_is_none(checkout, toy, profile):
    assert checkout.chinwag("run", profile, CHINWAG_FLOOR=str(FLOOR)).returncode == 0
    path = newest(checkout) / "raw" / "floor.ndjson"
    record = msgspec.json.decode(path.read_bytes().splitlines()[-1], type=Floor)
    record.costs[1].cpu_us_per_frame *= 2
    path.write_bytes(msgspec.json.encode(record) + b"\n")
    found = [problem.text() for problem in validate(newest(checkout)).problems]
    assert any("raw/floor.ndjson:1: costs[1]" in text for text in found)
    path.unlink()
    found = [problem.text() for problem in validate(newest(checkout)).problems]
    assert any("the floor that the profile promises was not measured" in text for text in found)


def test_both_of_its_processes_end_with_the_kit(checkout):
    program = f"""
import subprocess
from chinwag_bench.servers.parent_death import ending_with_parent
words = [{str(FLOOR)!r}, "--connections", "10", "--seconds", "600"]
subprocess.run(words, preexec_fn=ending_with_parent())
"""
    mark = Mark()
    kit = subprocess.Popen([sys.executable, "-c", program], env=checkout.env(**mark.env))
    mark.wait_for("chinwag-floor")
    while len(mark.processes()) < 3:  # the kit, the sender, the reader
        assert kit.poll() is None
    kit.send_signal(signal.SIGKILL)
    kit.wait()
    mark.wait_until_gone()

"""The command line from outside: output, errors, exit codes, whole runs."""

import contextlib
import json
import os
import pty
import subprocess
from pathlib import Path

import pytest
from chinwag_bench.errors import EXIT_CODES
from chinwag_bench.metrics.registry import KINDS
from chinwag_bench.runs.rawlog import metric_of
from chinwag_bench.runs.store import RunStore
from chinwag_bench.version import KIT_VERSION

from .result_builder import build as build_result
from .result_builder import rewrite

TINY = str(Path(__file__).parent / "fixtures" / "tiny.toml")
NOT_IN_TINY = {"start", "fault_recovery", "hot_upgrade", "cluster", "robustness", "cores"}


def faster_rust(record):
    if record.column == "rust":
        record.best.hold.deliveries_per_s *= 1.5
    return record


def test_no_arguments_mean_the_last_result_and_help(checkout):
    done = checkout.chinwag()
    assert done.returncode == 0
    assert "There is no result yet" in done.stdout
    assert "Make one: chinwag matrix" in done.stdout
    assert "Commands" in done.stdout
    reference = checkout.root / "results" / "reference" / "one"
    build_result(reference)
    assert f"Last result: {reference}" in checkout.chinwag().stdout
    own = checkout.root / "results" / "mine"
    build_result(own)
    said = checkout.chinwag().stdout
    assert f"Last result: {own}, without a matrix: chinwag report {own}" in said
    assert checkout.chinwag("report", str(own)).returncode == 0
    said = checkout.chinwag().stdout
    assert f"Last result: {own}, profile quick" in said
    assert "chinwagd (this kit's own, in C++) delivers the most" in said
    assert "How sure: 3 rounds." in said
    assert said.splitlines()[-1].strip() == f"The whole page: {own}/report.html"


def test_the_last_result_is_not_broken_within_words_on_a_terminal(checkout):
    build_result(checkout.root / "results" / "mine")
    checkout.chinwag("report", str(checkout.root / "results" / "mine"))
    try:
        ours, theirs = pty.openpty()
    except OSError:
        pytest.skip("no terminal can be made here")
    with subprocess.Popen(
        checkout.command(), env=checkout.env(COLUMNS="60"), stdout=theirs, stdin=theirs
    ) as started:
        os.close(theirs)
        shown = said_on(ours)
    assert started.returncode == 0
    result = shown[next(n for n, line in enumerate(shown) if line.startswith("Last result")) :]
    assert all(len(line) <= 60 for line in result if " " in line.strip())
    assert "3 rounds." in " ".join(" ".join(result).split())


def said_on(terminal: int) -> list[str]:
    """The lines that are written to it until its last writer is gone."""
    said = b""
    # Linux answers EIO where a pipe would be at its end.
    with os.fdopen(terminal, "rb", buffering=0) as lines, contextlib.suppress(OSError):
        while part := lines.read(65_536):
            said += part
    return said.decode().splitlines()


def test_the_version_is_said(checkout):
    done = checkout.chinwag("--version")
    assert (done.stdout, done.returncode) == (f"chinwag {KIT_VERSION}\n", 0)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["frobnicate"], 2, "No such command"),
        (["serve", "toi"], 2, "did you mean toy?"),
        (["serve", "toy:fast"], 2, "toy has no variant 'fast'"),
        (["run", "slow"], 2, "there is no run profile 'slow'"),
        (["run", "--servers", "tui"], 2, "there is no server 'tui'"),
        (["run", "--servers", ""], 2, "--servers '' names no server"),
        (["matrix", "--servers", " ,"], 2, "--servers ' ,' names no server"),
        (["list[/x]"], 2, "No such command 'list[/x]'"),
        (["report", "nowhere"], 2, "is not a result directory"),
        (["validate", "nowhere"], 2, "nowhere is not a directory"),
        (["compare", "nowhere", "nowhere"], 2, "nowhere has no run.json"),
        (["doctor", "--fix", "--undo"], 2, "contradict each other"),
        (["doctor", "--undo"], 2, "there is nothing to undo"),
        (["run", "--resume", "nowhere"], 2, "is not a result directory"),
        (["matrix", "--server-cores", "99"], 2, "99 server cores do not work here"),
        (["run", "--seed", "-1"], 2, "Invalid value for '--seed'"),
        (["matrix", "--seed", str(2**64)], 2, "Invalid value for '--seed'"),
        (["run", "--results", "/tmp/q\udcff"], 2, r"the argument /tmp/q\xff is not UTF-8"),
        (["report", "q\udcff"], 2, r"the argument q\xff is not UTF-8"),
    ],
)
def test_wrong_usage_is_one_clear_message(main_here, arguments, code, said):
    exit_code, out, err = main_here(*arguments)
    assert (exit_code, out) == (code, "")
    assert said in err
    assert "Traceback" not in err


def test_help_and_the_readme_say_what_every_exit_code_means(checkout):
    shown = " ".join(checkout.chinwag("--help", COLUMNS="400").stdout.split())
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    for code, text in EXIT_CODES.items():
        assert f"{code} {text}" in shown
        assert f"| {code} | {text} |" in readme


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("chinwag val", {"validate"}),
        ("chinwag verify to", {"toy"}),
        ("chinwag verify toy:t", {"toy:tuned"}),
        ("chinwag run --servers toy,oth", {"toy,other"}),
        ("chinwag run sm", {"smoke"}),
        ("chinwag matrix --profile qu", {"quick"}),
    ],
)
def test_the_shell_completes_commands_servers_and_profiles(checkout, typed, offered):
    checkout.add_server()
    checkout.add_server("other")
    done = checkout.chinwag(
        _CHINWAG_COMPLETE="complete_bash",
        COMP_WORDS=typed,
        COMP_CWORD=str(len(typed.split()) - 1),
    )
    assert set(done.stdout.split()) == offered, done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_chinwag_s(checkout, shell):
    done = checkout.chinwag(_CHINWAG_COMPLETE=f"source_{shell}")
    assert "_CHINWAG_COMPLETE" in done.stdout


def test_quiet_leaves_only_warnings_and_results(checkout):
    checkout.add_server()
    assert "toy" in checkout.chinwag("build").stderr
    quiet = checkout.chinwag("build", "--quiet")
    assert (quiet.stdout, quiet.stderr, quiet.returncode) == ("", "", 0)


@pytest.mark.parametrize("command", ["build", "verify", "run", "matrix", "doctor", "validate"])
def test_every_command_with_progress_can_be_quiet(main_here, command):
    code, out, _ = main_here(command, "--help")
    assert code == 0
    assert "--quiet" in out


def test_compare_and_validate_answer_by_their_codes(checkout, tmp_path):
    first, second = build_result(tmp_path / "a"), build_result(tmp_path / "b", seed=8)
    rewrite(second, "throughput", faster_rust)
    assert checkout.chinwag("compare", str(first), str(second)).returncode == 0
    asked = ["compare", str(first), str(second), "--json", "--fail-on-change"]
    done = checkout.chinwag(*asked)
    events = [json.loads(one) for one in done.stdout.splitlines()]
    assert (done.returncode, events[-1]["significant"]) == (1, 1)
    (second / "run.json").write_text("{}")
    done = checkout.chinwag("validate", str(second))
    assert done.returncode == 1
    assert f"{second}/run.json: Object missing required field" in done.stdout


def test_an_output_without_all_characters_is_no_error(checkout, toy):
    done = checkout.chinwag("list", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    done = checkout.chinwag("--help", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_results_folder_below_one_that_is_no_utf8_is_refused(checkout, toy, tmp_path):
    odd = os.fsencode(tmp_path) + b"/q\xff"
    os.mkdir(odd)
    done = subprocess.run(
        checkout.command("run", TINY, "--results", "."),
        cwd=odd,
        env=checkout.env(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list(Path(os.fsdecode(odd)).glob("*/run.json"))


def test_the_page_of_a_run_says_that_it_is_finished(checkout, toy):
    done = checkout.chinwag("run", TINY)
    assert done.returncode == 0, done.stderr
    folder = checkout.only_result()
    matrix = json.loads((folder / "matrix.json").read_text())
    assert matrix["run"]["finished_at"]
    assert "not finished" not in (folder / "report.html").read_text()
    said = checkout.chinwag("validate", str(folder)).stdout
    # Of the modelled generator's histograms nothing is expected.
    assert not [line for line in said.splitlines() if "/raw/hdr/" not in line][:-1], said


def test_a_broken_line_is_named_where_a_run_goes_on(checkout, toy):
    assert checkout.chinwag("run", TINY).returncode == 0
    folder = checkout.only_result()
    with (folder / "raw" / "start.ndjson").open("a") as file:
        file.write("{]\n")
    done = checkout.chinwag("run", "--resume", str(folder))
    assert done.returncode == 2
    assert "start.ndjson:3: " in done.stderr
    assert "Traceback" not in done.stderr


def test_run_measures_only_what_is_built(checkout, toy):
    checkout.add_server("unbuilt")
    done = checkout.chinwag("run", TINY, "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1] == {"event": "finished", "results": str(checkout.only_result())}
    run = RunStore.reopen(checkout.only_result()).run
    columns = {column.id: column.status for column in run.columns}
    assert columns == {"toy": "ok", "unbuilt": "missing", "toy (again)": "ok"}
    said = [event["text"] for event in events if event["event"] == "warning"]
    assert any(text.startswith("unbuilt is not measured: not built") for text in said), said
    assert done.returncode == 0


def test_a_whole_matrix(checkout):
    """A good server, its variant, and one that does not conform."""
    checkout.add_server("toy")
    checkout.add_server("wrong")
    done = checkout.chinwag("matrix", "--profile", TINY, "--servers", "toy,wrong,toy:tuned")
    folder = checkout.only_result()
    store = RunStore.reopen(folder)
    run, records = store.run, store.records()
    assert {column.id: column.status for column in run.columns} == {
        "toy": "ok",
        "wrong": "failed",
        "toy:tuned": "ok",
        "toy (again)": "ok",
    }
    assert "it is the wrong server" in run.columns[1].reason
    assert {record.column for record in records} == {"toy", "toy:tuned", "toy (again)"}
    assert len(records) == 3 * (1 + 1 + 4 + 1 + 2 * 2 + 1)
    assert all(record.status == "ok" for record in records)
    assert all("disturbed" in record.disturbance for record in records)
    assert run.common_rate_deliveries_per_s == pytest.approx(2650, rel=0.2)
    assert run.finished_at
    assert run.effort["toy"].lines_of_code > 40
    assert run.plan["headroom"]["ok"] is True
    for name in ("matrix.json", "matrix.md", "cells.csv", "report.html", "verify.json"):
        assert (folder / name).is_file(), done.stderr
    for name in ("matrix.schema.json", "cells.schema.json"):
        assert (folder / name).is_file(), done.stderr
    assert done.returncode == 1


def test_a_server_that_dies_fails_its_cells_and_the_run_goes_on(checkout, toy):
    done = checkout.chinwag("run", TINY, FAKE_FAULT="reap", TOY_FAULT="die-later")
    records = RunStore.reopen(checkout.only_result()).records()
    failed = [record for record in records if record.status == "failed"]
    assert {metric_of(record) for record in failed} == KINDS.keys() - NOT_IN_TINY
    assert "ended by itself (code 3)" in failed[0].reason
    assert "the reaper was called" in failed[0].reason
    assert done.returncode == 1


def test_a_run_ends_where_a_measurement_can_t_be_written_and_goes_on_with_that_cell(checkout, toy):
    done = checkout.chinwag("run", TINY, FAKE_FAULT="full")
    folder = checkout.only_result()
    assert done.returncode == 3
    assert "the histogram log can't be written" in done.stderr
    assert f"chinwag run --resume {folder}" in done.stderr
    assert all(record.status == "ok" for record in RunStore.reopen(folder).records())
    assert checkout.chinwag("run", "--resume", str(folder)).returncode in (0, 1)
    records = RunStore.reopen(folder).records()
    assert records
    assert all(record.status == "ok" for record in records)


def test_the_only_run_inside_is_meant(checkout, tmp_path):
    reference = tmp_path / "reference"
    run = build_result(reference / "one")
    same = checkout.chinwag("compare", str(reference), str(run), "--json", "--fail-on-change")
    assert same.returncode == 0, same.stderr
    assert str(run) in checkout.chinwag("validate", str(reference)).stdout
    build_result(reference / "two", seed=8)
    several = checkout.chinwag("validate", str(reference))
    assert several.returncode == 2
    assert f"name one of: {run}, {reference / 'two'}" in several.stderr


def test_a_run_says_how_it_is_judged(checkout, toy):
    done = checkout.chinwag("run", TINY)
    assert f"chinwag report {checkout.only_result()}" in done.stdout

"""The command line from outside: output, errors, exit codes, whole runs."""

import json
from pathlib import Path

import pytest
from chinwag_bench.errors import EXIT_CODES
from chinwag_bench.records import KINDS
from chinwag_bench.runs.rawlog import metric_of
from chinwag_bench.runs.store import RunStore
from chinwag_bench.version import KIT_VERSION

from .result_builder import build as build_result
from .result_builder import rewrite

TINY = str(Path(__file__).parent / "fixtures" / "tiny.toml")


def faster_rust(record):
    if record.column == "rust":
        record.best.hold.deliveries_per_s *= 1.5
    return record


def test_no_arguments_mean_the_last_result_and_help(checkout):
    done = checkout.chinwag()
    assert done.returncode == 0
    assert "There is no result yet" in done.stdout
    assert "matrix" in done.stdout
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
    assert "chinwagd delivers the most" in said
    assert f"The whole page: {own}/report.html" in said


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


def test_run_measures_only_what_is_built(checkout, toy):
    checkout.add_server("unbuilt")
    done = checkout.chinwag("run", TINY, "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1] == {"event": "finished", "results": str(checkout.only_result())}
    run = RunStore.reopen(checkout.only_result()).run
    columns = {column.id: column.status for column in run.columns}
    assert columns == {"toy": "ok", "unbuilt": "missing", "toy (again)": "ok"}
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
    assert len(records) == 3 * (1 + 2 + 4 + 1 + 1)
    assert all(record.status == "ok" for record in records)
    assert all("disturbed" in record.disturbance for record in records)
    assert run.common_rate_deliveries_per_s == pytest.approx(2650, rel=0.2)
    assert run.finished_at
    assert run.effort["toy"].lines_of_code > 40
    assert run.plan["headroom"]["ok"] is True
    for name in ("matrix.json", "matrix.schema.json", "matrix.md", "report.html", "verify.json"):
        assert (folder / name).is_file(), done.stderr
    assert done.returncode == 1


def test_a_server_that_dies_fails_its_cells_and_the_run_goes_on(checkout, toy):
    done = checkout.chinwag("run", TINY, FAKE_FAULT="reap", TOY_FAULT="die-later")
    records = RunStore.reopen(checkout.only_result()).records()
    failed = [record for record in records if record.status == "failed"]
    assert {metric_of(record) for record in failed} == KINDS.keys() - {"start"}
    assert "ended by itself (code 3)" in failed[0].reason
    assert "the reaper was called" in failed[0].reason
    assert done.returncode == 1


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

"""The command line from outside: output, errors, exit codes, whole runs."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from chinwag_bench.cli import main
from chinwag_bench.errors import EXIT_CODES
from chinwag_bench.records import KINDS, Run
from chinwag_bench.runs.rawlog import metric_of
from chinwag_bench.runs.store import RunStore
from chinwag_bench.servers.ports import pick_port

from .result_builder import build as build_result
from .result_builder import rewrite

TINY = str(Path(__file__).parent / "fixtures" / "tiny.toml")


def faster_rust(record):
    if record.column == "rust":
        record.best.hold.deliveries_per_s *= 1.5
    return record


def only_result(checkout):
    (folder,) = (checkout.root / "results").iterdir()
    return folder


@pytest.fixture
def main_here(checkout, monkeypatch, capsys):
    """Runs the command line in this process: (exit code, standard output, standard error)."""
    checkout.add_server()
    for name, value in checkout.env().items():
        monkeypatch.setenv(name, value)
    before = signal.getsignal(signal.SIGTERM)

    def run_main(*arguments):
        monkeypatch.setattr(sys, "argv", ["chinwag", *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        return caught.value.code, *capsys.readouterr()

    yield run_main
    signal.signal(signal.SIGTERM, before)


def test_no_arguments_mean_help(checkout):
    assert "matrix" in checkout.chinwag().stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["frobnicate"], 2, "No such command"),
        (["serve", "toi"], 2, "did you mean toy?"),
        (["serve", "toy:fast"], 2, "toy has no variant 'fast'"),
        (["run", "slow"], 2, "there is no run profile 'slow'"),
        (["run", "--servers", "tui"], 2, "there is no server 'tui'"),
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


def test_the_list_shows_servers_and_a_broken_manifest(checkout):
    checkout.add_server()
    checkout.add_broken("bad", "name = 3")
    done = checkout.chinwag("list")
    assert done.returncode == 2
    assert "toy" in done.stdout
    assert "default, tuned" in done.stdout
    assert "bad/server.toml: `name`: Expected `str`" in done.stderr


def test_the_list_as_json(checkout):
    checkout.add_server()
    facts = json.loads(checkout.chinwag("list", "--json").stdout)
    assert (facts["name"], facts["missing"], facts["built"]) == ("toy", None, False)


def test_peers_are_listed_on_demand_and_can_always_be_named(main_here, checkout):
    checkout.add_server("toy-peer", replace=("language = ", "peer = true\nlanguage = "))
    assert "toy-peer" not in main_here("list")[1]
    assert "toy-peer" in main_here("list", "--peers")[1]
    built = checkout.root / "build/servers/toy-peer/server.py"
    assert main_here("build")[0] == 0
    assert not built.exists()
    assert main_here("build", "--peers")[0] == 0
    assert built.exists()
    for arguments in (["--all", "--peers"], ["toy", "--peers"], ["toy-peer"]):
        outcomes = main_here("verify", "--json", *arguments)[1]
        assert '"toy-peer"' in outcomes
    assert '"toy-peer"' not in main_here("verify", "--json", "--all")[1]


def test_build_answers_by_its_code(checkout):
    checkout.add_server("toy")
    assert checkout.chinwag("build").returncode == 0
    checkout.add_server("bare", replace=('requires = ["sh"]', 'requires = ["frobnicate"]'))
    missing = checkout.chinwag("build")
    assert missing.returncode == 3
    assert "frobnicate not found. there is no shell" in missing.stderr
    checkout.add_server("bad", replace=("echo building", "exit 1"))
    assert checkout.chinwag("build").returncode == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_says_one_line_and_leaves_on_a_signal(checkout, toy, number):
    port = pick_port()
    kit = subprocess.Popen(
        checkout.command("serve", "toy", "--port", str(port)),
        env=checkout.env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    first = kit.stdout.readline()
    kit.send_signal(number)
    rest, _ = kit.communicate(timeout=20)
    assert first == f"toy listens on ws://127.0.0.1:{port}/ws; stop it with Ctrl-C\n"
    assert (rest, kit.returncode) == ("", 0)


def test_serve_reports_a_port_in_use_and_a_server_that_dies(checkout, start):
    taken = checkout.chinwag("serve", "toy", "--port", str(start().port))
    assert taken.returncode == 3
    assert "already in use" in taken.stderr
    dead = checkout.chinwag("serve", "toy", "--port", str(pick_port()), TOY_FAULT="die")
    assert dead.returncode == 1
    assert "toy ended by itself (code 1)" in dead.stderr


def test_verify_shows_a_table_and_fails_for_a_failing_server(checkout):
    checkout.add_server("toy")
    assert checkout.chinwag("verify", "toy").returncode == 0
    checkout.add_server("wrong")
    done = checkout.chinwag("verify", "--json")
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    counts = {one["column"]: one["failed"] for one in outcomes if "passed" in one}
    assert counts == {"toy": 0, "wrong": 2}
    assert done.returncode == 1


def test_a_missing_generator_is_said_before_anything_is_made(checkout, toy):
    done = checkout.chinwag("run", TINY, CHINWAG_LOAD="/nowhere/chinwag-load")
    assert done.returncode == 3
    assert "the load generator is missing" in done.stderr
    assert "make native" in done.stderr
    assert not (checkout.root / "results").exists()


def test_run_measures_only_what_is_built(checkout, toy):
    checkout.add_server("unbuilt")
    done = checkout.chinwag("run", TINY, "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1] == {"event": "finished", "results": str(only_result(checkout))}
    run = RunStore.reopen(only_result(checkout)).run
    columns = {column.id: column.status for column in run.columns}
    assert columns == {"toy": "ok", "unbuilt": "missing", "toy (again)": "ok"}
    assert done.returncode == 0


def test_a_whole_matrix(checkout):
    """A good server, its variant, and one that does not conform."""
    checkout.add_server("toy")
    checkout.add_server("wrong")
    done = checkout.chinwag("matrix", "--profile", TINY, "--servers", "toy,wrong,toy:tuned")
    folder = only_result(checkout)
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
    records = RunStore.reopen(only_result(checkout)).records()
    failed = [record for record in records if record.status == "failed"]
    assert {metric_of(record) for record in failed} == KINDS.keys() - {"start"}
    assert "ended by itself (code 3)" in failed[0].reason
    assert "the reaper was called" in failed[0].reason
    assert done.returncode == 1


def test_an_interrupted_run_keeps_all_and_goes_on(checkout, toy):
    kit = subprocess.Popen(
        checkout.command("run", TINY, "--json"),
        env=checkout.env(),
        stdout=subprocess.PIPE,
        text=True,
    )
    while '"event":"result"' not in kit.stdout.readline():
        continue
    kit.send_signal(signal.SIGINT)
    said, _ = kit.communicate(timeout=30)
    folder = only_result(checkout)
    before = RunStore.reopen(folder).records()
    assert kit.returncode == 130
    assert f"chinwag run --resume {folder}" in said
    assert len(before) >= 1
    started = time.time()
    assert checkout.chinwag("run", "--resume", str(folder)).returncode == 0
    after = RunStore.reopen(folder).records()
    assert after[: len(before)] == before
    assert len(after) == 2 * (1 + 2 + 4 + 1 + 1)
    run: Run = RunStore.reopen(folder).run
    assert run.finished_at >= started

"""The command line from outside: output, errors, exit codes, whole runs."""

import json
import re
import shlex
import shutil
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
from chinwag_bench.version import KIT_VERSION

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


def test_titles_and_reasons_with_brackets_are_shown_whole(main_here, checkout):
    """As markup they would be swallowed, or end the command."""
    title = 'title = "Python · toy'
    checkout.add_server("odd", replace=(title, f"{title} [x] [/Python]"))
    checkout.add_server("bare", replace=('requires = ["sh"]', 'requires = ["fro[/b]nicate"]'))
    code, out, err = main_here("list")
    assert (code, err) == (0, "")
    assert "Python · toy [x] [/Python]" in out
    assert "fro[/b]nicate not found" in out


def test_the_list_fits_80_columns_with_whole_names(checkout):
    for name in ("a-server-with-a-long-name", "toy"):
        checkout.add_server(name)
    shown = checkout.chinwag("list", COLUMNS="80").stdout
    assert "a-server-with-a-long-name" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "…" not in shown


def test_make_setup_is_no_advice_where_it_has_been_followed(main_here, checkout):
    words = "run `make setup`, or install frobnicate"
    checkout.add_server("bare", replace=("there is no shell", words))
    manifest = checkout.root / "reference-impls/bare/server.toml"
    manifest.write_text(manifest.read_text().replace('["sh"]', '["frobnicate"]'))
    assert "run `make setup`, or" in main_here("list", "--json")[1]
    checkout._write(".toolchain/stamps/python", "1\n")
    shown = main_here("list", "--json")[1]
    assert "`make setup` could not install it: install frobnicate" in shown


def test_what_make_setup_has_installed_is_found_without_make(checkout):
    checkout.add_server("bare", replace=('requires = ["sh"]', 'requires = ["frobnicate"]'))
    assert json.loads(checkout.chinwag("list", "--json").stdout)["missing"]
    program = checkout._write(".toolchain/bin/frobnicate", "#!/bin/sh\n")
    program.chmod(0o755)
    assert json.loads(checkout.chinwag("list", "--json").stdout)["missing"] is None
    assert checkout.chinwag("build").returncode == 0


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
    passed = checkout.chinwag("verify", "toy")
    assert passed.returncode == 0
    assert re.search(r"toy +│ +2 +│ +0 +│ +1 ", passed.stdout)
    checkout.add_server("wrong")
    suite = checkout.root / "tests/conformance/test_toy.py"
    # The ids of cases and the words of a server may look like markup.
    suite.write_text(
        "import pytest\n"
        '@pytest.mark.parametrize("path", ["/wss"])\n'
        "def test_path(path, pytestconfig):\n"
        '    assert pytestconfig.getoption("--server") != "wrong", "welcome names [/b], not [x]"\n'
    )
    drawn = checkout.chinwag("verify", "toy", "wrong")
    assert drawn.returncode == 1, drawn.stderr
    assert re.search(r"toy +│ +1 +│ +0 +│", drawn.stdout)
    assert re.search(r"wrong +│ +0 +│ +1 +│", drawn.stdout)
    assert "test_path[/wss]: AssertionError: welcome names [/b], not [x]" in drawn.stdout


def test_verify_draws_what_was_not_built_with_the_compiler_s_words(checkout):
    checkout.add_server("bad", replace=("echo building", "echo cannot find [/root/x]; exit 1"))
    drawn = checkout.chinwag("verify", "bad")
    assert drawn.returncode == 1, drawn.stderr
    assert "cannot find [/root/x]" in drawn.stdout


def test_a_failing_server_is_counted_in_json(checkout):
    checkout.add_server("toy")
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


def test_a_bug_is_said_to_be_one_with_its_own_code(main_here, monkeypatch):
    def broken(_):
        raise ZeroDivisionError("an accident")

    monkeypatch.setattr("chinwag_bench.commands.servers.discover", broken)
    code, out, err = main_here("list")
    assert (code, out) == (4, "")
    assert "ZeroDivisionError: an accident" in err
    assert err.endswith("this is a bug in chinwag, please report it with the lines above\n")


def test_a_file_that_is_not_there_is_a_bug_and_no_lack_of_the_machine(main_here, monkeypatch):
    monkeypatch.setattr(
        "chinwag_bench.commands.servers.discover", lambda _: Path("/nowhere/x").read_text()
    )
    assert main_here("list")[0] == 4


@pytest.mark.parametrize("command", ["build", "verify", "calibrate", "matrix"])
def test_a_build_folder_that_can_t_be_made_is_one_line(main_here, checkout, command):
    checkout.add_server("echoing", replace=("[versions]", "[echo]\nenv = {}\n\n[versions]"))
    (checkout.root / "build").write_text("in the way")
    code, _, err = main_here(command)
    assert code == 3, err
    assert "Traceback" not in err
    assert "/build" in err
    assert "move away what is there" in err


@pytest.mark.parametrize("command", [["build"], ["verify"], ["matrix", "--profile", TINY]])
def test_a_checkout_that_can_t_be_written_is_one_line_with_a_hint_that_fits(checkout, command):
    checkout.add_server()
    root = shlex.quote(str(checkout.root))
    mount = f"mount --bind {root} {root} && mount -o remount,bind,ro {root}"
    apart = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
    if subprocess.run([*apart, mount], check=False, capture_output=True).returncode:
        pytest.skip("no mount namespace can be made here")
    asked = shlex.join(checkout.command(*command))
    done = subprocess.run(
        [*apart, f"{mount} && exec {asked}"],
        env=checkout.env(PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "Read-only file system" in done.stderr
    assert "make it writable for this user" in done.stderr
    for wrong in ("Traceback", "free some space", "what was measured", "--resume"):
        assert wrong not in done.stderr


def test_a_full_disk_ends_a_run_that_can_be_completed(checkout, toy):
    """Raw records may grow to a size that the second one would exceed."""
    limit = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))"
    limit += "; import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)"
    limit += "; sys.argv[1:] = {1!r}; from chinwag_bench.cli import main; main()"
    whole = checkout.chinwag("run", TINY)
    assert whole.returncode == 0
    first = only_result(checkout)
    size = (first / "raw" / "throughput.ndjson").stat().st_size
    run_json = (first / "run.json").stat().st_size
    shutil.rmtree(first)
    room = max(size * 3 // 4, run_json + 500)
    assert room < size, "the second throughput record fits: nothing would be full"
    done = subprocess.run(
        [sys.executable, "-c", limit.format(room, ["run", TINY])],
        env=checkout.env(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    folder = only_result(checkout)
    assert done.returncode == 3, done.stderr
    assert "throughput.ndjson can't be written: File too large" in done.stderr
    assert "free some space" in done.stderr
    assert f"what was measured is safe; go on with: chinwag run --resume {folder}" in done.stderr
    assert "Traceback" not in done.stderr
    before = RunStore.reopen(folder).records()
    assert len(before) == 1
    assert checkout.chinwag("run", "--resume", str(folder)).returncode == 0
    after = RunStore.reopen(folder).records()
    assert after[:1] == before
    assert len(after) == 2 * (1 + 2 + 4 + 1 + 1)


@pytest.mark.parametrize("command", ["build", "verify", "matrix"])
def test_an_interruption_before_anything_was_measured_is_said_and_leaves_nothing(checkout, command):
    checkout.add_server(replace=("echo building", "echo building; sleep 600"))
    kit = subprocess.Popen(
        checkout.command(command), env=checkout.env(), stderr=subprocess.PIPE, text=True
    )
    log = checkout.root / "build/servers/toy/build.log"
    wait_until(lambda: log.is_file() and "building" in log.read_text().splitlines())
    kit.send_signal(signal.SIGINT)
    _, said = kit.communicate(timeout=30)
    assert kit.returncode == 130
    assert "warning: interrupted: " in said
    assert not list((checkout.root / "results").glob("*"))


def test_a_terminal_that_is_closed_ends_a_run_as_ctrl_c_does(checkout, toy):
    kit = subprocess.Popen(
        checkout.command("run", TINY, "--json"),
        env=checkout.env(),
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_for_event(kit, "result")
    kit.send_signal(signal.SIGHUP)
    said, _ = kit.communicate(timeout=30)
    assert kit.returncode == 130
    assert f"chinwag run --resume {only_result(checkout)}" in said


def test_nohup_is_obeyed(checkout, toy):
    deaf = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *checkout.command("run", TINY, "--json")]
    kit = subprocess.Popen(deaf, env=checkout.env(), stdout=subprocess.PIPE, text=True)
    wait_for_event(kit, "result")
    kit.send_signal(signal.SIGHUP)
    kit.communicate(timeout=60)
    assert kit.returncode == 0


def wait_for_event(kit, kind):
    for line in kit.stdout:
        if json.loads(line)["event"] == kind:
            return
    raise AssertionError(f"it ended without an event {kind!r}")


def wait_until(reached, timeout_s=60.0):
    deadline = time.monotonic() + timeout_s
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


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


def test_a_resumed_matrix_ends_with_its_matrix(checkout, toy):
    kit = subprocess.Popen(
        checkout.command("matrix", "--profile", TINY, "--json"),
        env=checkout.env(),
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_for_event(kit, "result")
    kit.send_signal(signal.SIGINT)
    kit.communicate(timeout=30)
    folder = only_result(checkout)
    assert not (folder / "matrix.json").exists()
    done = checkout.chinwag("run", "--resume", str(folder))
    assert done.returncode == 0, done.stderr
    assert str(folder / "report.html") in done.stdout
    assert (folder / "matrix.json").is_file()


def test_a_run_says_how_it_is_judged(checkout, toy):
    done = checkout.chinwag("run", TINY)
    assert f"chinwag report {only_result(checkout)}" in done.stdout


def test_an_interrupted_run_keeps_all_and_goes_on(checkout, toy):
    kit = subprocess.Popen(
        checkout.command("run", TINY, "--json"),
        env=checkout.env(),
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_for_event(kit, "result")
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

"""Ctrl-C and closed terminals: what is said, what is kept, and how it goes on."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from chinwag_bench.records import Run
from chinwag_bench.runs.store import RunStore

TINY = str(Path(__file__).parent / "fixtures" / "tiny.toml")


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
        ["env", "--default-signal=HUP", *checkout.command("run", TINY, "--json")],
        env=checkout.env(),
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_for_event(kit, "result")
    kit.send_signal(signal.SIGHUP)
    said, _ = kit.communicate(timeout=30)
    assert kit.returncode == 130
    assert f"chinwag run --resume {checkout.only_result()}" in said


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
    folder = checkout.only_result()
    assert not (folder / "matrix.json").exists()
    done = checkout.chinwag("run", "--resume", str(folder))
    assert done.returncode == 0, done.stderr
    assert str(folder / "report.html") in done.stdout
    assert (folder / "matrix.json").is_file()


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
    folder = checkout.only_result()
    before = RunStore.reopen(folder).records()
    assert kit.returncode == 130
    assert f"chinwag run --resume {folder}" in said
    assert len(before) >= 1
    started = time.time()
    assert checkout.chinwag("run", "--resume", str(folder)).returncode == 0
    after = RunStore.reopen(folder).records()
    assert after[: len(before)] == before
    assert len(after) == 2 * (1 + 1 + 4 + 1 + 2 * 2 + 1)
    run: Run = RunStore.reopen(folder).run
    assert run.finished_at >= started

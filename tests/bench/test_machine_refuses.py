"""What the machine refuses, and what is a bug: a line or a traceback, each with its exit code."""

import json
import resource
import shlex
import subprocess
from pathlib import Path

import pytest
from chinwag_bench.errors import HostError
from chinwag_bench.runs.store import RunStore

TINY = str(Path(__file__).parent / "fixtures" / "tiny.toml")


def test_a_missing_generator_is_said_before_anything_is_made(checkout, toy):
    done = checkout.chinwag("run", TINY, CHINWAG_LOAD="/nowhere/chinwag-load")
    assert done.returncode == 3
    assert "the load generator is missing" in done.stderr
    assert "make native" in done.stderr
    assert not (checkout.root / "results").exists()


def test_a_generator_that_is_a_folder_is_no_generator(checkout, toy):
    done = checkout.chinwag("run", TINY, CHINWAG_LOAD=str(checkout.root))
    assert done.returncode == 3
    assert f"{checkout.root} (from CHINWAG_LOAD) is not an executable file" in done.stderr


def test_a_run_that_cannot_begin_leaves_nothing(main_here, checkout, monkeypatch):
    def refuse(*_):
        raise HostError("the machine lacks it")

    monkeypatch.setattr("chinwag_bench.runs.session.first_touch.warm", refuse)
    profile = checkout.root / "warm.toml"
    profile.write_text(f'extends = "{TINY}"\nname = "warm"\nwarm_memory_gib = 1.0\n')
    code, _, err = main_here("run", str(profile))
    assert (code, "the machine lacks it" in err) == (3, True)
    assert not list((checkout.root / "results").iterdir())
    monkeypatch.setattr("chinwag_bench.commands.runs.check_built", refuse)
    assert main_here("run", TINY)[0] == 3
    assert not list((checkout.root / "results").iterdir())


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


def test_too_few_ports_to_connect_from_are_said_before_anything_is_made(checkout, toy, tmp_path):
    """In the machine's network: what can't be opened would look like the server's refusal."""
    many = tmp_path / "many.toml"
    many.write_text(Path(TINY).read_text().replace("connections = 10\n", "connections = 1000\n"))
    narrow = 'ip link set lo up && echo "40000 40499" >/proc/sys/net/ipv4/ip_local_port_range'
    apart = ["unshare", "--net", "--map-root-user", "sh", "-c"]
    if subprocess.run([*apart, narrow], check=False, capture_output=True).returncode:
        pytest.skip("no network namespace can be made here")
    asked = shlex.join(checkout.command("run", str(many), "--host-network"))
    done = subprocess.run(
        [*apart, f"{narrow} && exec {asked}"],
        env=checkout.env(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "the run opens 1,000 connections at once, and there are only 500 ports" in done.stderr
    assert not (checkout.root / "results").exists()


def test_a_full_disk_ends_a_run_that_can_be_completed(checkout, toy):
    """Once the first cell is written, no file may grow any more."""
    kit = subprocess.Popen(
        checkout.command("run", TINY, "--json"),
        env=checkout.env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    next(line for line in kit.stdout if json.loads(line)["event"] == "result")
    resource.prlimit(kit.pid, resource.RLIMIT_FSIZE, (1, 1))
    _, said = kit.communicate(timeout=120)
    folder = checkout.only_result()
    assert kit.returncode == 3, said
    assert "can't be written: File too large" in said
    assert "free some space" in said
    assert f"what was measured is safe; go on with: chinwag run --resume {folder}" in said
    assert "Traceback" not in said
    before = RunStore.reopen(folder).records()
    assert len(before) >= 1
    assert checkout.chinwag("run", "--resume", str(folder)).returncode == 0
    after = RunStore.reopen(folder).records()
    assert after[: len(before)] == before
    assert len(after) == 2 * (1 + 1 + 4 + 1 + 2 * 2 + 1)

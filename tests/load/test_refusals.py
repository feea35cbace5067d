"""What can't work ends with one clear message and the right exit code."""

from __future__ import annotations

import json
import resource
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

PROFILES = Path(__file__).resolve().parents[2] / "bench" / "load" / "profiles"
USAGE = 2
ENVIRONMENT = 3
UNWRITABLE = 5
LOAD = ("--rate", 100, "--seconds", 0.2)


def test_nobody_listens(generate, port):
    outcome = generate(port, *LOAD)
    assert outcome.code == ENVIRONMENT
    assert f"127.0.0.1:{port}: no connection could be opened (Connection refused)" in outcome.err


def test_the_server_refuses_the_upgrade(start_server, generate):
    outcome = generate(start_server(refuse_from=1).port, *LOAD)
    assert outcome.code == ENVIRONMENT
    assert 'the server answered "HTTP/1.1 503 Service Unavailable"' in outcome.err


def test_the_server_never_answers(generate, port):
    with socket.create_server(("127.0.0.1", port), backlog=100):
        outcome = generate(port, *LOAD, "--answer-timeout", 0.3)
    assert outcome.code == ENVIRONMENT
    assert "no `welcome` within the timeout" in outcome.err


def test_the_server_never_answers_a_join(start_server, generate):
    outcome = generate(start_server(ignore_joins_from=1).port, *LOAD, "--answer-timeout", 0.3)
    assert outcome.code == ENVIRONMENT
    assert "the server answered 0 of 20 joins" in outcome.err


def test_too_few_open_files(generate, port):
    outcome = generate(
        port,
        *LOAD,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (20, 30)),
    )
    assert outcome.code == ENVIRONMENT
    assert (
        "20 connections need 36 open files, this process may have 30: raise the hard limit "
        "(`ulimit -Hn 36`)" in outcome.err
    )


def test_the_soft_limit_is_raised(start_server, generate):
    outcome = generate(
        start_server().port,
        *LOAD,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (20, 50)),
    )
    assert outcome.code == 0, outcome.err


def test_a_wrong_option(generate, port):
    outcome = generate(port, "--rate", -1)
    assert outcome.code == USAGE
    assert "--rate" in outcome.err


def test_help_shows_examples(generate, port):
    outcome = generate(port, "--help")
    assert outcome.code == 0
    assert "Examples:" in outcome.out


def test_a_remote_host_has_one_source_address(generate, port):
    outcome = generate(port, "--host", "192.0.2.1", "--sources", 2)
    assert outcome.code == USAGE
    assert "--sources" in outcome.err


@pytest.mark.parametrize(
    ("option", "what"), [("--output", "the result"), ("--hdr", "the histogram log")]
)
def test_an_output_that_cannot_be_written_is_told_before_connecting(
    generate, port, tmp_path, option, what
):
    """Nobody listens, so who connects first complains of that."""
    for place in (tmp_path / "missing" / "hold.json", tmp_path):
        outcome = generate(port, *LOAD, option, place)
        assert outcome.code == UNWRITABLE
        assert f"{place}: {what} can't be written" in outcome.err
    assert generate(port, *LOAD, option, tmp_path / "new").code == ENVIRONMENT
    assert not list(tmp_path.iterdir()), "nothing is left of a load that never began"


def test_a_result_is_shown_where_its_file_cannot_be_written_after_all(start_server, generate):
    outcome = generate(start_server().port, *LOAD, "--json", "--output", "/dev/full")
    assert outcome.code == UNWRITABLE
    assert "/dev/full: the result can't be written" in outcome.err
    assert outcome.hold["sent"] == 20


@pytest.mark.parametrize("shown", [(), ("--json",)])
@pytest.mark.parametrize("stdout", [">/dev/full", ">&-"])
def test_a_standard_output_that_takes_nothing_is_an_error(
    binary, start_server, tmp_path, shown, stdout
):
    asked = [binary, "--port", start_server().port, "--profile", PROFILES / "chatty-small.json"]
    asked += ["--connections", 20, *LOAD, *shown, "--output", tmp_path / "hold.json"]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {stdout}', "sh", *map(str, asked)],
        stderr=subprocess.PIPE,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == UNWRITABLE, done.stderr
    assert "standard output can't be written" in done.stderr
    assert json.loads((tmp_path / "hold.json").read_text())["lost"] == 0


NO_NUMBERS = ["nan", "inf", "-1", "1e999", "1" + "0" * 300]


@pytest.mark.parametrize(
    "option", ["--rate", "--seconds", "--warmup", "--drain", "--answer-timeout"]
)
def test_a_number_out_of_all_limits_is_refused(generate, port, option):
    for number in NO_NUMBERS:
        outcome = generate(port, option, number)
        assert outcome.code == USAGE, number
        assert f"{option}: {number[:40]}" in outcome.err
        assert "is no number from " in outcome.err
        assert len(outcome.err) < 400


@pytest.mark.parametrize("rate", ["0", "1e9", "1e300", "1e-300"])
def test_a_rate_that_would_have_no_end_is_refused(generate, port, rate):
    outcome = generate(port, "--rate", rate)
    assert outcome.code == USAGE
    assert f"--rate: {rate} is no number from 0.0001 to 10000000" in outcome.err


def test_a_profile_whose_connections_make_such_a_rate_is_refused(generate, port, tmp_path):
    profile = json.loads((PROFILES / "chatty-small.json").read_text())
    profile |= {"messages_per_second_per_connection": 1e6}
    (tmp_path / "fast.json").write_text(json.dumps(profile))
    outcome = generate(port, "--profile", tmp_path / "fast.json", "--connections", 100)
    assert outcome.code == USAGE
    assert "messages of all connections a second is 100000000; allowed: " in outcome.err


@pytest.mark.parametrize("seed", ["-1", "18446744073709551616", "9" * 400, "1.5", "x"])
def test_a_seed_that_is_none_is_refused(generate, port, seed):
    outcome = generate(port, "--seed", seed)
    assert outcome.code == USAGE
    assert "--seed: must be a whole number from 0 to 18446744073709551615" in outcome.err


def test_a_label_that_no_log_can_have_is_refused_before_connecting(generate, port):
    outcome = generate(port, "--label", "a b")
    assert outcome.code == USAGE
    assert 'label "a b": must be non-empty' in outcome.err


def test_a_folder_is_no_profile(generate, port):
    outcome = generate(port, "--profile", PROFILES)
    assert outcome.code == USAGE
    assert f"{PROFILES}: is a folder" in outcome.err


def test_nothing_sent_is_no_success(start_server, generate):
    outcome = generate(start_server().port, "--rate", 0.001, "--seconds", 0.2, "--warmup", 0.1)
    assert outcome.code == 1
    assert "nothing was sent in the window" in outcome.err
    assert "delay ms    unknown: nothing arrived" in outcome.out
    assert "faults      unknown" in outcome.out


def test_an_interruption_is_said_and_ends_by_its_signal(binary, start_server):
    process = subprocess.Popen(
        [
            *(binary, "--port", str(start_server().port), "--seconds", "600"),
            *("--profile", PROFILES / "chatty-small.json", "--connections", "20"),
        ],
        stderr=subprocess.PIPE,
        text=True,
        # Started in a shell's background, it would have it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    threads = Path(f"/proc/{process.pid}/status")
    while "0000000000000002" not in _caught(threads):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    assert said == "chinwag-load: interrupted: there is no result\n"


def _caught(status: Path) -> str:
    """The signals that a process has handlers for, in hexadecimal."""
    return next(line for line in status.read_text().splitlines() if line.startswith("SigCgt"))


@pytest.mark.parametrize("answer", [b"503 \xff\xfe", b"503 " + b"x" * 66 + "\u20ac".encode()])
def test_an_answer_that_is_no_utf8_is_told_in_json(binary, port, answer):
    """Also where a character is cut."""
    with socket.create_server(("127.0.0.1", port), backlog=100) as server:
        process = subprocess.Popen(
            [
                *(binary, "--port", str(port), "--connections", "1", "--control"),
                *("--profile", PROFILES / "chatty-small.json"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdin is not None
        process.stdin.write(b'{"do":"connect","connections":1}\n')
        process.stdin.flush()
        connection, _ = server.accept()
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 " + answer + b"\r\n\r\n")
        out, _ = process.communicate(timeout=30)
        connection.close()
    assert process.returncode == ENVIRONMENT
    assert 'the server answered "HTTP/1.1 503' in json.loads(out)["message"]


def test_source_addresses_follow_from_the_ports_that_there_are(binary, tmp_path):
    """In a network of its own with 20 ports for outgoing connections."""
    server = Path(__file__).with_name("chat_server.py")
    load = shlex.join(
        map(
            str,
            [
                *(binary, "--port", 4000, "--profile", PROFILES / "chatty-small.json"),
                *("--connections", 50, *LOAD),
            ],
        )
    )
    script = (
        "range=/proc/sys/net/ipv4/ip_local_port_range\n"
        "ip link set lo up && echo 40000 40019 >$range || exit 77\n"
        f"{shlex.join([sys.executable, str(server)])} --port 4000 --faults '{{}}' >up &\n"
        "while ! grep -q ready up; do sleep 0.1; done\n"
        f"{load}; echo its own choice: $?\n{load} --sources 1; echo one source: $?\nkill $!\n"
    )
    done = subprocess.run(
        ["unshare", "--net", "--map-root-user", "sh", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode == 77 or "unshare failed" in done.stderr:
        pytest.skip("no network namespace can be made here")
    assert "no source port is left for another connection" in done.stderr
    assert "(--sources)" in done.stderr
    assert "one source: 1\n" in done.stdout, done.stderr
    assert "its own choice: 0\n" in done.stdout, done.stderr

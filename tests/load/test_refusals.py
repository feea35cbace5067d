"""What can't work ends with one clear message and the right exit code."""

from __future__ import annotations

import resource
import socket

USAGE = 2
ENVIRONMENT = 3
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


def test_an_output_that_cannot_be_written(start_server, generate, tmp_path):
    output = tmp_path / "missing" / "hold.json"
    outcome = generate(start_server().port, *LOAD, "--output", output)
    assert outcome.code == ENVIRONMENT
    assert f"{output}: the result can't be written" in outcome.err

"""`chinwag report --serve`: real requests over a real socket, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest
from chinwag_bench.errors import EXIT_ENVIRONMENT, HostError
from chinwag_bench.report_server import ReportServer, file_of

from .conftest import Checkout, Main
from .result_builder import build as build_result

SECRET = "not for the world"


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """A result directory's files, beside what is none of its business."""
    folder = tmp_path / "results" / "one"
    (folder / "raw").mkdir(parents=True)
    (folder / "report.html").write_text("<!doctype html><title>p</title>ü", encoding="utf-8")
    (folder / "matrix.json").write_text("{}")
    (folder / "cells.csv").write_text("run\r\n")
    (folder / "raw" / "start.ndjson").write_text("{}\n")
    (folder / "a b").write_text("with a space")
    (tmp_path / "results" / "run.json").write_text(SECRET)
    (folder / "link").symlink_to(tmp_path / "results" / "run.json")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.fixture
def server(result: Path) -> Iterator[ReportServer]:
    with ReportServer(result) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.02,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def ask(port: int, target: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, bytes]:
    """Sends the target as it stands: clients would make it whole before."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.request(method, target, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()


def test_the_page_is_at_the_root_with_its_headers(server: ReportServer, result: Path) -> None:
    answer, body = ask(server.server_port, "/")
    assert (answer.status, body) == (200, (result / "report.html").read_bytes())
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Python" not in answer.headers["Server"]


def test_a_page_that_is_rendered_again_is_seen(server: ReportServer, result: Path) -> None:
    (result / "report.html").write_text("again")
    assert ask(server.server_port, "/?x#y")[1] == b"again"


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("/report.html", "text/html; charset=utf-8"),
        ("/matrix.json", "application/json"),
        ("/cells.csv", "text/csv; charset=utf-8; header=present"),
        ("/raw/start.ndjson", "application/x-ndjson"),
        ("/a%20b", "application/octet-stream"),
    ],
)
def test_the_files_beside_it_are_served(server: ReportServer, target: str, kind: str) -> None:
    answer, body = ask(server.server_port, target)
    assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
    assert int(answer.headers["Content-Length"]) == len(body) > 0


def test_head_says_the_same_without_a_body(server: ReportServer) -> None:
    (head, nothing), (got, body) = (
        ask(server.server_port, "/cells.csv", method) for method in ("HEAD", "GET")
    )
    assert (head.status, nothing) == (200, b"")
    assert head.headers["Content-Length"] == got.headers["Content-Length"] == str(len(body))
    assert ask(server.server_port, "/nothing", "HEAD")[1] == b""


@pytest.mark.parametrize(
    "target",
    [
        *("/../run.json", "/%2e%2e/run.json", "/%2E%2E%2Frun.json", "/raw/../../run.json"),
        *("/raw/../matrix.json", "/./matrix.json", "/raw//start.ndjson", "/..%5crun.json"),
        *("/link", "/loop", "/pipe", "/raw", "/raw/", "/nothing", "/report.html/", "/%00", "/%ff"),
        *("//etc/passwd", "/%2fetc/passwd", "matrix.json", "*", "/" + "a" * 5000),
        *("http://127.0.0.1/../run.json", "/.."),
    ],
)
def test_nothing_else_is_there(server: ReportServer, target: str) -> None:
    answer, body = ask(server.server_port, target)
    assert answer.status == 404
    assert SECRET not in body.decode()
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_a_target_that_is_no_address_means_no_file(result: Path) -> None:
    assert file_of(result, "http://[") is None
    assert file_of(result, "") is None
    assert file_of(result, "/matrix.json") == result / "matrix.json"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_nothing_is_taken(server: ReportServer, result: Path, method: str) -> None:
    answer, _ = ask(server.server_port, "/report.html", method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert (result / "report.html").is_file()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *(("localhost:9", 200), ("localhost", 200), ("127.0.0.1:1", 200)),
        *(("rebound.example", 421), ("rebound.example:80", 421), ("127.0.0.1.example", 421)),
    ],
)
def test_a_name_that_was_made_to_lead_here_is_refused(
    server: ReportServer, host: str, status: int
) -> None:
    assert ask(server.server_port, "/", Host=host)[0].status == status


def test_only_this_machine_reaches_it(server: ReportServer) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", server.server_port), timeout=5)


def test_a_browser_that_goes_away_and_one_that_waits_disturb_nobody(
    server: ReportServer, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port)):  # It never asks.
        with socket.create_connection(("127.0.0.1", server.server_port)) as gone:
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            gone.sendall(b"GET / HTTP/1.1\r\n")
        assert ask(server.server_port, "/")[0].status == 200
    assert capfd.readouterr() == ("", "")


def test_a_port_in_use_is_the_machine_s_lack(result: Path, server: ReportServer) -> None:
    with pytest.raises(HostError, match=f"port {server.server_port} of 127.0.0.1: another") as told:
        ReportServer(result, server.server_port)
    assert "--port" in str(told.value.hint)


def test_report_tells_of_a_port_in_use_before_it_judges(main_here: Main, tmp_path: Path) -> None:
    folder = build_result(tmp_path / "run")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = main_here("report", str(folder), "--serve", "--port", str(port))
    assert (code, out) == (EXIT_ENVIRONMENT, "")
    assert f"port {port} of 127.0.0.1: another program listens there" in err
    assert not (folder / "report.html").exists()


def test_a_port_without_serve_is_wrong_usage(main_here: Main, tmp_path: Path) -> None:
    code, _, err = main_here("report", str(tmp_path), "--port", "8000")
    assert code == 2
    assert "--port goes with --serve only" in err


def test_the_help_says_who_can_reach_it(main_here: Main) -> None:
    code, out, _ = main_here("report", "--help")
    assert code == 0
    assert "127.0.0.1 only" in " ".join(out.replace("│", " ").split())


def test_report_serves_until_ctrl_c(checkout: Checkout, tmp_path: Path) -> None:
    folder = build_result(tmp_path / "run")
    with subprocess.Popen(
        checkout.command("report", str(folder), "--serve", "--json"),
        env=checkout.env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as kit:
        assert kit.stdout is not None
        rendered, serving = (json.loads(kit.stdout.readline()) for _ in range(2))
        port = int(serving["url"].removeprefix("http://127.0.0.1:").removesuffix("/"))
        for path in rendered["files"]:
            assert ask(port, f"/{Path(path).name}")[1] == Path(path).read_bytes()
        assert ask(port, "/")[1] == (folder / "report.html").read_bytes()
        kit.send_signal(signal.SIGINT)
        assert kit.communicate(timeout=30) == ("", "")
    assert kit.returncode == 0

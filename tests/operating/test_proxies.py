"""The configurations of docs/operating with the core behind them: TLS, origins, closes,
upgrades.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from chinwag_bench.paths import find_workspace
from chinwag_bench.servers.catalog import discover
from chinwag_bench.servers.health import ask_health
from chinwag_bench.servers.ports import pick_port
from chinwag_bench.servers.process import Launch, ServerProcess, start_server
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

DOCS = Path(__file__).resolve().parents[2] / "docs" / "operating"
READY_S = 10.0


def program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    target = discover(find_workspace()).target("chinwagd")
    with start_server(Launch(target=target, log=tmp_path / "chinwagd.log")) as running:
        yield running


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of `localhost`, with its key in key.pem beside it, and both in both.pem."""
    path = tmp_path / "certificate.pem"
    subprocess.run(
        [
            *(program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-keyout", str(tmp_path / "key.pem"), "-out", str(path)),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
    key = (tmp_path / "key.pem").read_text()
    (tmp_path / "both.pem").write_text(path.read_text() + key)
    return path


class Proxy:
    def __init__(self, port: int, certificate: Path) -> None:
        self.port = port
        self._trust = ssl.create_default_context(cafile=str(certificate))

    def connect(self, user: str, **options: str) -> ClientConnection:
        url = f"wss://localhost:{self.port}/ws?user={user}"
        return connect(url, ssl=self._trust, compression=None, **options)

    def wait_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_S
        while True:
            try:
                self.connect("first").close()
                return
            except Exception:
                assert process.poll() is None, "the proxy has ended"
                assert time.monotonic() < deadline, "the proxy does not serve"
                time.sleep(0.05)


@pytest.fixture(params=["nginx", "haproxy"])
def proxy(
    request: pytest.FixtureRequest, server: ServerProcess, certificate: Path, tmp_path: Path
) -> Iterator[Proxy]:
    port = pick_port()
    folder = tmp_path
    if request.param == "nginx":
        command = _nginx(folder, port, server.port)
    else:
        command = _haproxy(folder, port, server.port)
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        made = Proxy(port, certificate)
        made.wait_ready(process)
        yield made
    finally:
        process.terminate()
        process.wait(10)


def _nginx(folder: Path, port: int, to: int) -> list[str]:
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = replaced(
        (DOCS / "nginx.conf").read_text(),
        {
            "127.0.0.1:4000": f"127.0.0.1:{to}",
            "listen 8443 ssl": f"listen 127.0.0.1:{port} ssl",
            "/etc/chinwagd/certificate.pem": f"{folder}/certificate.pem",
            "/etc/chinwagd/key.pem": f"{folder}/key.pem",
            "http {\n": f"http {{\naccess_log off;\n{temporary}",
        },
    )
    (folder / "nginx.conf").write_text(text)
    own = f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;"
    return [program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", own]


def _haproxy(folder: Path, port: int, to: int) -> list[str]:
    text = replaced(
        (DOCS / "haproxy.cfg").read_text(),
        {
            "127.0.0.1:4000": f"127.0.0.1:{to}",
            "bind :8443": f"bind 127.0.0.1:{port}",
            # Two open files for each.
            "maxconn 20000": "maxconn 100",
            "/etc/chinwagd/certificate-and-key.pem": f"{folder}/both.pem",
        },
    )
    (folder / "haproxy.cfg").write_text(text)
    return [program("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")]


def replaced(text: str, pieces: dict[str, str]) -> str:
    for piece, by in pieces.items():
        assert piece in text, f"the configuration has no {piece!r}"
        text = text.replace(piece, by)
    return text


def member(proxy: Proxy, user: str, **options: str) -> ClientConnection:
    client = proxy.connect(user, **options)
    client.send(json.dumps({"type": "join", "room": "a"}))
    told(client, "user_joined")
    return client


def told(client: ClientConnection, kind: str) -> dict[str, str]:
    while True:
        message: dict[str, str] = json.loads(client.recv(10))
        if message["type"] == kind:
            return message


def test_messages_go_both_ways(proxy: Proxy) -> None:
    with member(proxy, "ann") as ann, member(proxy, "bob") as bob:
        ann.send(json.dumps({"type": "message", "room": "a", "content": "hello"}))
        assert told(bob, "message")["content"] == "hello"


def test_a_page_of_the_proxy_s_own_origin_may_connect_and_no_other(proxy: Proxy) -> None:
    with member(proxy, "ann", origin=f"https://localhost:{proxy.port}"):
        pass
    with pytest.raises(Exception, match="403"):
        proxy.connect("ann", origin="https://elsewhere.example")


def test_a_close_code_of_the_server_comes_through(proxy: Proxy, server: ServerProcess) -> None:
    with member(proxy, "ann") as ann:
        os.kill(server.pid, signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as closed:
            told(ann, "nothing")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012


def test_an_upgrade_behind_it_is_noticed_by_nobody(proxy: Proxy, server: ServerProcess) -> None:
    with member(proxy, "ann") as ann:
        before = server.pid
        os.kill(before, signal.SIGUSR2)
        deadline = time.monotonic() + READY_S
        while (ask_health(server.port) or {}).get("pid", before) == before:
            assert time.monotonic() < deadline, "no successor serves"
            time.sleep(0.01)
        ann.send(json.dumps({"type": "message", "room": "a", "content": "still here"}))
        assert told(ann, "message")["content"] == "still here"

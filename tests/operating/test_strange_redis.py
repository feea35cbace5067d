"""chinwagd with something that is no Redis where its backplane should be: it serves its own."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from chinwag_bench.paths import find_workspace
from chinwag_bench.servers.health import ask_health
from chinwag_bench.servers.ports import pick_port

CHINWAGD = find_workspace().root / "build" / "release" / "core" / "chinwagd"
FLOOD = 65_536
PATIENCE_S = 30.0
MEMORY_MAX_BYTES = 256 << 20
"""It reads no more of an answer than an answer can be."""


class Stranger:
    """Listens, and says ``first`` to whoever connects, then ``again`` without an end."""

    def __init__(self, first: bytes, again: bytes) -> None:
        self._first, self._again = first, again
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.came = 0
        self.sent = 0
        self._over = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                one, _ = self._listener.accept()
            except OSError:
                return
            self.came += 1
            threading.Thread(target=self._speak, args=(one,), daemon=True).start()

    def _speak(self, one: socket.socket) -> None:
        with one, contextlib.suppress(OSError):
            one.sendall(self._first)
            while self._again and not self._over.is_set():
                self.sent += one.send(self._again)
            self._over.wait()

    def close(self) -> None:
        self._over.set()
        self._listener.close()


@pytest.fixture
def stranger(request: pytest.FixtureRequest) -> Iterator[Stranger]:
    one = Stranger(*request.param)
    yield one
    one.close()


@contextlib.contextmanager
def chinwagd(backplane: int, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = pick_port()
    command = [str(CHINWAGD), "--port", str(port), "--backplane", f"redis://127.0.0.1:{backplane}"]
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=output) as process,
    ):
        try:
            wait_for(lambda: ask_health(port) is not None)
            yield process, port
        finally:
            process.kill()


def wait_for(found) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096


@pytest.mark.parametrize(
    "stranger",
    [
        pytest.param((b"*2147483647\r\n", b""), id="an array of two thousand million parts"),
        pytest.param((b"*3\r\n*2147483647\r\n", b""), id="such an array in an event"),
        pytest.param((b"$2147483647\r\n", b"x" * FLOOD), id="a text without an end"),
        pytest.param((b"+", b"a" * FLOOD), id="a line without an end"),
        pytest.param((b"-ERR max number of clients reached\r\n", b""), id="no room"),
    ],
    indirect=True,
)
def test_what_is_no_redis_is_given_up_and_its_own_clients_are_served(
    stranger: Stranger, tmp_path: Path
) -> None:
    log = tmp_path / "chinwagd.log"
    with chinwagd(stranger.port, log) as (process, port):
        # A further attempt to connect: what the first one said was found to be no answer.
        wait_for(lambda: stranger.came > 2)
        health = ask_health(port)
        assert health is not None
        assert health["backplane"] == "down"
        assert resident(process.pid) < MEMORY_MAX_BYTES
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    said = log.read_text()
    assert "can't be reached" in said
    assert "no answer for" not in said, "what came was looked at, not waited out"


def test_a_password_without_its_sign_is_not_printed(tmp_path: Path) -> None:
    asked = subprocess.run(
        [str(CHINWAGD), "--port", "0", "--backplane", "redis://ann:secret"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert asked.returncode == 2
    assert "is no port" in asked.stderr
    assert "secret" not in asked.stderr

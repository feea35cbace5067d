"""`cmake --install` and `find_package(chinwag)`, by a project that knows nothing else."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from websockets.sync.client import connect

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/release"


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(
    not (BUILD / "core/libchinwag_core.a").is_file(), reason="the core is not built"
)
def test_a_program_finds_the_installed_core_and_serves(tmp_path: Path) -> None:
    prefix, build = tmp_path / "prefix", tmp_path / "build"
    run("cmake", "--install", BUILD, "--prefix", prefix, "--component", "cpp")
    run("cmake", "-S", ROOT / "examples/cpp", "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", build)
    command = [build / "chat_server", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            with connect(f"{url}?user=ann") as ann:
                types = [json.loads(ann.recv(timeout=30))["type"]]
                for request in (
                    {"type": "join", "room": "tea"},
                    {"type": "message", "room": "tea", "content": "buy spam"},
                    {"type": "message", "room": "tea", "content": "hello"},
                ):
                    # One at a time: an error may overtake what a room has to say.
                    ann.send(json.dumps(request))
                    types.append(json.loads(ann.recv(timeout=30))["type"])
            assert types == ["welcome", "user_joined", "error", "message"]
        finally:
            server.kill()

"""A broadcast "across servers" that loops over one server's own sockets."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from chinwag_bench.servers.backplane import Redis

PROGRAM = Path(__file__).with_name("local_sockets.mjs")
MODULES = Path(__file__).resolve().parents[2] / "reference-impls/node-socketio/cluster/node_modules"


def test_a_loop_over_a_server_s_own_sockets_reaches_nobody_on_another_one(tmp_path: Path) -> None:
    if shutil.which("node") is None or not MODULES.is_dir():
        pytest.skip("node-socketio:cluster is not built")
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    redis = Redis(2, tmp_path / "redis.log")
    try:
        done = subprocess.run(
            ["node", str(PROGRAM), redis.url],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        redis.stop()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"by_loop": [2, 0], "by_adapter": [2, 2]}

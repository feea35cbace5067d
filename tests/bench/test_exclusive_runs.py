"""One run writes into a result directory at a time; readers are let in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from chinwag_bench.errors import UsageError
from chinwag_bench.runs.folder_lock import FolderLock

TINY = str(Path(__file__).parent / "fixtures" / "tiny.toml")


def test_a_lock_is_one_process_s_until_it_is_released(tmp_path):
    held = FolderLock(tmp_path)
    with pytest.raises(UsageError, match="another chinwag is measuring into") as caught:
        FolderLock(tmp_path)
    assert "chinwag report" in caught.value.hint
    held.release()
    FolderLock(tmp_path).release()


def test_a_lock_is_not_inherited_by_programs_that_are_started(tmp_path):
    held = FolderLock(tmp_path)
    with subprocess.Popen(["sleep", "600"]) as child:
        held.release()
        FolderLock(tmp_path).release()
        child.kill()


def test_a_second_chinwag_is_refused_while_a_run_goes_on_and_a_report_is_not(checkout, toy):
    kit = subprocess.Popen(
        checkout.command("run", TINY, "--json"),
        env=checkout.env(FAKE_HOLD_S="1"),
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in kit.stdout:
        if json.loads(line)["event"] == "result":
            break
    folder = checkout.only_result()
    os.kill(kit.pid, signal.SIGSTOP)  # However long the others take, it is not through.
    try:
        before = _content(folder)
        second = checkout.chinwag("run", "--resume", str(folder))
        assert second.returncode == 2, second.stderr
        assert f"another chinwag is measuring into {folder}" in second.stderr
        assert _content(folder) == before
        assert checkout.chinwag("report", str(folder)).returncode == 0
    finally:
        kit.kill()
        kit.communicate()
    # It is free as soon as who had it is dead, however that came.
    deadline = time.monotonic() + 60
    while (done := checkout.chinwag("run", "--resume", str(folder))).returncode == 2:
        assert time.monotonic() < deadline, done.stderr
    assert done.returncode == 0, done.stderr
    assert "measured in line" not in checkout.chinwag("validate", str(folder)).stdout


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("raw/*.ndjson")}

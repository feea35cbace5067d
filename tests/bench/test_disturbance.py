"""Disturbances: differences of counters against limits fixed beforehand."""

import os
import subprocess
import sys
import time

import pytest
from chinwag_bench.machine import disturbance
from chinwag_bench.machine.disturbance import Limits, Snapshot, between, take_snapshot

QUIET = Snapshot(monotonic_s=0, busy_s=0, steal_s=0, own_s=0, swapped_pages=0, throttled=0)


def after(**change):
    plain = {"monotonic_s": 10, "busy_s": 8, "steal_s": 0, "own_s": 8, "swapped_pages": 0}
    return Snapshot(**plain | {"throttled": 0} | change)


def test_a_quiet_machine_is_undisturbed():
    found = between(QUIET, after(), Limits())
    assert found.reasons == []
    assert found.as_json() == {
        "steal_share": 0,
        "other_cores": 0,
        "swapped_pages": 0,
        "throttled": 0,
        "reasons": [],
        "attempt": 1,
        "disturbed": False,
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"busy_s": 9.5}, "other load 0.15 cores"),
        ({"steal_s": 2}, "of CPU time"),
        ({"swapped_pages": 3}, "3 pages swapped"),
        ({"throttled": 2}, "throttled 2 times"),
    ],
)
def test_each_limit_is_kept(monkeypatch, change, said):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    found = between(QUIET, after(**change), Limits(), attempt=2)
    assert len(found.reasons) == 1
    assert said in found.reasons[0]
    assert found.as_json()["disturbed"] is True
    assert found.attempt == 2


def test_steal_is_a_share_of_all_cores(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert between(QUIET, after(steal_s=1), Limits()).steal_share == 1 / 40


def test_own_work_is_not_other_load():
    before = take_snapshot()
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", burn], check=True)
    time.sleep(0.01)
    now = take_snapshot()
    assert now.own_s - before.own_s >= 0.28
    assert now.busy_s - before.busy_s >= 0.28


def test_quota_throttling_is_read(tmp_path):
    (tmp_path / "cpu.stat").write_text("nr_periods 5\nnr_throttled 3\n")
    assert disturbance._quota_throttles(str(tmp_path / "cpu.stat")) == 3
    assert disturbance._quota_throttles(str(tmp_path / "absent")) == 0

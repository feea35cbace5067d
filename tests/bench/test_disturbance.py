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
    """A child of the kit burns half a second; whoever else runs is told apart from it."""
    before = take_snapshot()
    burn = "import time\nwhile time.process_time() < 0.5: pass"
    subprocess.run([sys.executable, "-c", burn], check=True)
    time.sleep(0.02)
    now = take_snapshot()
    found = between(before, now, Limits())
    wall_s = now.monotonic_s - before.monotonic_s
    assert now.own_s - before.own_s >= 0.48
    all_cores = (now.busy_s - before.busy_s) / wall_s
    own_cores = (now.own_s - before.own_s) / wall_s
    assert found.other_cores == pytest.approx(max(0.0, all_cores - own_cores), abs=1e-6)
    assert found.other_cores < all_cores


def test_work_of_a_process_that_is_not_the_kit_s_is_other_load():
    burn = "import time\nwhile time.process_time() < 0.5: pass"
    apart = f"import os, sys\nos.fork() and os._exit(0)\nos.setsid()\n{burn}"
    before = take_snapshot()
    # Its parent has ended, so it is nobody's child here.
    with subprocess.Popen([sys.executable, "-c", apart], stdout=subprocess.PIPE) as parent:
        parent.stdout.read()
    time.sleep(0.02)
    found = between(before, take_snapshot(), Limits())
    assert found.other_cores > Limits().other_cores_max
    assert any("other load" in reason for reason in found.reasons)


@pytest.mark.parametrize(
    ("missing", "field", "said"),
    [
        ("proc/stat", "other_cores", "other load, steal"),
        ("proc/stat", "steal_share", "other load, steal"),
        ("proc/vmstat", "swapped_pages", "swapping"),
    ],
)
def test_what_a_sandbox_does_not_show_is_none_and_disturbs_nobody(tmp_path, missing, field, said):
    shown = {"proc/stat": "cpu 100 0 100 800 0 0 0 50\n", "proc/vmstat": "pswpin 3\npswpout 4\n"}
    for path, text in shown.items():
        if path != missing:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
    before = take_snapshot(tmp_path)
    found = between(before, take_snapshot(tmp_path), Limits())
    assert getattr(found, field) is None
    assert found.reasons == []
    assert f"does not show {said}" in disturbance.unseen(before)


def test_a_machine_that_shows_all_says_nothing():
    assert disturbance.unseen(take_snapshot()) is None

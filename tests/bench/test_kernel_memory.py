"""Kernel memory: by control group where one can be made, else a marked estimate."""

import subprocess
import sys
from pathlib import Path

import pytest
from chinwag_bench.machine import kernel_memory
from chinwag_bench.machine.kernel_memory import KernelMeter, kernel_meter

from .recorded_groups import RecordedGroups

# 4 MB wait inside a socket pair: kernel memory that belongs to nobody but this process.
FILL = """
import socket, sys
open(sys.argv[1], 'w').write('0') if len(sys.argv) > 1 else None
pairs = [socket.socketpair() for _ in range(40)]
for one, other in pairs:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    one.setblocking(False)
    try:
        while one.send(b'x' * 4096): pass
    except BlockingIOError: pass
print(flush=True)
input()
"""


@pytest.fixture
def tree(tmp_path):
    return RecordedGroups(tmp_path)


def test_a_group_sees_its_process_and_is_gone_afterwards():
    with kernel_meter() as meter:
        if meter.method == "estimate":
            pytest.skip("no control group can be made here")
        folder = Path(meter.procs_files[0]).parent
        before = meter.sample().bytes
        child = subprocess.Popen(
            [sys.executable, "-c", FILL, *meter.procs_files],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        child.stdout.readline()
        gained = meter.sample().bytes - before
        child.communicate(b"\n")
    assert gained > 2_000_000
    assert not folder.exists()


def test_without_groups_it_is_an_estimate_and_says_so(monkeypatch):
    readings = iter([1000, 5000, 500])
    monkeypatch.setattr(kernel_memory, "_whole_machine_bytes", lambda: next(readings))
    meter = KernelMeter(None, "estimate")
    assert meter.procs_files == []
    sample = meter.sample()
    assert (sample.bytes, sample.method) == (2000, "estimate")
    assert meter.sample().bytes == 0


def test_the_whole_machine_uses_something():
    assert kernel_memory._whole_machine_bytes() > 1_000_000


def test_where_the_machine_shows_nothing_there_is_no_estimate(tmp_path, monkeypatch):
    assert kernel_memory._whole_machine_bytes(tmp_path) is None
    monkeypatch.setattr(kernel_memory, "_whole_machine_bytes", lambda: None)
    sample = KernelMeter(None, "none").sample()
    assert (sample.bytes, sample.method) == (None, "none")


@pytest.mark.parametrize(
    ("mounts", "own", "expected"),
    [
        (
            ["/ /sys/fs/cgroup/memory cgroup memory", "/ /sys/fs/cgroup/unified cgroup2 -"],
            "4:memory:/a/b\n0::/\n",
            ["memory/a/b cgroup v1", "unified cgroup v2"],
        ),
        (["/ /sys/fs/cgroup cgroup2 -"], "0::/user.slice\n", ["user.slice cgroup v2"]),
        (
            ["/ /sys/fs/cgroup/memory cgroup memory"],
            "3:memory:/x\n",
            ["memory/x cgroup v1"],
        ),
    ],
)
def test_groups_are_made_below_the_own_one(tree, mounts, own, expected):
    tree.show(mounts, own)
    for path in ("memory/a/b", "memory/x", "unified", "user.slice"):
        (tree.groups / path).mkdir(parents=True, exist_ok=True)
    found = [
        f"{parent.relative_to(tree.groups)} {method}"
        for parent, _, method in kernel_memory._candidates(tree.root)
    ]
    assert found == expected

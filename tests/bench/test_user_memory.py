"""User memory: what a child touches is seen, mapped or not."""

import os
import subprocess
import sys

import pytest
from chinwag_bench.machine import user_memory
from chinwag_bench.machine.user_memory import tree_user_bytes

MEBIBYTE = 1 << 20
TOUCH = "block = bytearray(range(256)) * 4 * 1024 * 32"
MEMFD = "import os; file = os.memfd_create('arena'); os.write(file, b'x' * (32 << 20))"
MAPPED = MEMFD + "; import mmap; m = mmap.mmap(file, 32 << 20); sum(m[::4096])"


@pytest.mark.parametrize("work", [TOUCH, MEMFD, MAPPED], ids=["heap", "memfd", "mapped memfd"])
def test_32_mebibytes_are_seen_once(work):
    base, loaded = user_bytes_of("pass"), user_bytes_of(work)
    assert 30 * MEBIBYTE < loaded - base < 40 * MEBIBYTE


def test_without_the_rollup_the_mappings_are_added_up(monkeypatch):
    read = user_memory._read
    monkeypatch.setattr(
        user_memory, "_read", lambda pid, name: "" if name == "smaps_rollup" else read(pid, name)
    )
    assert 30 * MEBIBYTE < user_bytes_of(TOUCH) - user_bytes_of("pass") < 40 * MEBIBYTE


def user_bytes_of(work):
    """Of one Python process that has done some work. This process, the root, is not counted."""
    script = f"{work}\nprint(flush=True)\ninput()"
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        child.stdout.readline()
        return tree_user_bytes(os.getpid())
    finally:
        child.communicate(b"\n")

"""CPU time of a tree: burnt time is seen, whether its process is alive, ended, or a grandchild."""

import os
import subprocess
import sys

from chinwag_bench.machine.cputime import CpuTime, tree_cpu

BURN = "import time\nwhile time.process_time() < 0.2: pass\n"


# The kernel counts in ticks of 10 ms, for user and kernel mode apart.
BURNT_S = 0.17


def test_times_add_and_subtract():
    total = CpuTime(1.0, 0.5) + CpuTime(0.5, 0.25)
    assert total == CpuTime(1.5, 0.75)
    assert (total - CpuTime(1.0, 0.25)).total_s == 1.0


def test_living_children_are_counted_and_the_root_when_asked():
    before = tree_cpu(os.getpid(), include_root=False)
    script = BURN + "print(flush=True)\ninput()"
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        child.stdout.readline()
        gained = tree_cpu(os.getpid(), include_root=False) - before
        alone = tree_cpu(child.pid, include_root=False)
        as_root = tree_cpu(child.pid, include_root=True)
    finally:
        child.communicate(b"\n")
    assert gained.total_s >= BURNT_S
    assert alone == CpuTime()
    assert as_root.total_s >= BURNT_S


def test_ended_children_and_grandchildren_stay_counted():
    before = tree_cpu(os.getpid(), include_root=False)
    nested = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN!r}])"
    subprocess.run([sys.executable, "-c", nested], check=True)
    assert (tree_cpu(os.getpid(), include_root=False) - before).total_s >= BURNT_S


def test_a_process_that_is_gone_has_used_nothing():
    child = subprocess.Popen(["true"])
    child.wait()
    assert tree_cpu(child.pid, include_root=True) == CpuTime()

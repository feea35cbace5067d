"""Whose work is shared by several cores, and whose is not."""

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from chinwag_bench.machine.cputime import thread_times
from chinwag_bench.metrics import cores
from chinwag_bench.metrics.cores import CoresPoint, counts_here, rows_of_run

BUSY = """
import hashlib, threading
data = bytes(1 << 20)
def work():
    while True:
        hashlib.sha256(data).digest()  # without Python's lock
threading.Thread(target=work).start()
"""


def point(server_cores, *threads_s):
    named = {f"1/{number} worker": seconds for number, seconds in enumerate(threads_s)}
    return CoresPoint(
        server_cores=server_cores,
        shared=False,
        step=None,
        threads_s=named,
        all_threads_s=sum(threads_s),
    )


@pytest.mark.parametrize(
    ("cores_there", "threads_s", "used"),
    [
        (2, [1.0], 1.0),
        (2, [1.0, 0.1], 1.1),
        (2, [0.5, 0.5], 2.0),
        (2, [0.3, 0.3, 0.3, 0.3], 2.0),
        (1, [0.5, 0.5], 1.0),
    ],
)
def test_cores_that_share_the_work(cores_there, threads_s, used):
    assert point(cores_there, *threads_s).cores_used == pytest.approx(used)


def test_of_no_work_nothing_is_known():
    assert point(2).cores_used is None


def test_no_more_cores_than_there_are():
    assert counts_here(1) == [1]
    assert counts_here(2) == [1, 2]
    assert counts_here(12) == [1, 2, 4, 8]


def test_rows_are_those_of_the_machine():
    plan = {"settings": {"cores": {}}, "server_cores": [0], "generator_cores": [1]}
    rows = [spec.row.id for spec in rows_of_run(SimpleNamespace(plan=plan))]
    assert rows == ["cores_1_cpu", "cores_2_cpu", "cores_2_used"]
    assert rows_of_run(SimpleNamespace(plan={"settings": {}})) == []


def test_the_time_of_each_thread_below_a_process_is_told_by_the_kernel(tmp_path):
    busy = tmp_path / "busy.py"
    busy.write_text(BUSY)
    shell = ["sh", "-c", f"{sys.executable} {busy}; true"]
    with subprocess.Popen(shell, start_new_session=True) as process:
        try:
            deadline = time.monotonic() + 30
            while max(times := thread_times(process.pid).values(), default=0.0) < 1.0:
                assert time.monotonic() < deadline, "nobody is busy"
                time.sleep(0.01)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    assert len(times) == 2, "the main thread, which waits, and the one that works"
    assert min(times) < 1.0


def test_a_record_names_its_points():
    assert cores.METRIC.name == "cores"
    record = cores.Cores(column="x", round=1, started_at=0, seconds=1, status="ok", points=[])
    assert cores.METRIC.describe(record) == ""

"""Listen queues: how long one may be here, and what the kernel counts when it is full."""

import json
import subprocess
import sys

import pytest
from chinwag_bench.machine.listen_queue import (
    BACKLOG_DEFAULT,
    QueueCounts,
    count_queues,
    gained,
    longest_backlog,
)

NETSTAT = """TcpExt: SyncookiesSent ListenOverflows ListenDrops TCPSynRetrans
TcpExt: 3 {} {} {}
IpExt: InNoRoutes ListenDrops
IpExt: 0 99
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "proc/sys/net/core").mkdir(parents=True)
    return tmp_path


def put(root, *counts):
    (root / "proc/net/netstat").write_text(NETSTAT.format(*counts))


def test_the_counters_are_read_by_name_and_their_differences_are_what_happened(root):
    put(root, 10, 12, 40)
    before = count_queues(root)
    assert before == QueueCounts(overflows=10, drops=12, syn_retransmissions=40)
    assert not gained(before, count_queues(root)).overflowed
    put(root, 11, 14, 45)
    found = gained(before, count_queues(root))
    assert found == QueueCounts(overflows=1, drops=2, syn_retransmissions=5)
    assert found.overflowed


def test_requests_sent_again_are_no_overflow_by_themselves():
    assert not QueueCounts(overflows=0, drops=0, syn_retransmissions=3).overflowed


@pytest.mark.parametrize("text", ["", "TcpExt: ListenDrops\n", "TcpExt: A B\nTcpExt: 1 2\n"])
def test_a_machine_that_shows_no_counters_says_nothing(root, text):
    (root / "proc/net/netstat").write_text(text)
    assert count_queues(root) is None
    assert gained(None, QueueCounts(overflows=0, drops=0, syn_retransmissions=0)) is None


@pytest.mark.parametrize(
    ("shown", "longest"),
    [("4096\n", 4_096), ("128\n", 128), ("1000000\n", 65_535), ("0\n", 1), ("?", 4_096)],
)
def test_the_longest_queue_is_what_the_machine_allows_within_what_may_be_asked(
    root, shown, longest
):
    (root / "proc/sys/net/core/somaxconn").write_text(shown)
    assert longest_backlog(root) == longest


def test_a_machine_without_a_bound_leaves_the_default(root):
    assert longest_backlog(root) == BACKLOG_DEFAULT


CROWD = """
import json, socket, time, msgspec
from chinwag_bench.machine.listen_queue import count_queues, gained

def come(backlog, count):
    before = count_queues()
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listener:
        waiting = [socket.socket() for _ in range(count)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        time.sleep(1.5)
        return msgspec.structs.asdict(gained(before, count_queues()))

print(json.dumps([come(20, 10), come(1, 10)]))
"""


def test_the_kernel_counts_who_finds_the_queue_full_and_comes_again():
    """In a network namespace of its own, where nobody else is counted."""
    script = f"ip link set lo up && exec {sys.executable} -c '{CROWD}'"
    command = ["unshare", "--net", "--map-root-user", "sh", "-c", script]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if "unshare failed" in found.stderr:
        pytest.skip("no network namespace can be made here")
    assert found.returncode == 0, found.stderr
    roomy, crowded = json.loads(found.stdout)
    assert not any(roomy.values())
    assert crowded["overflows"] > 0
    assert crowded["syn_retransmissions"] > 0

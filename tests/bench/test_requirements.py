"""What a machine must offer before a run begins, and what is said of one that offers less."""

import subprocess
import sys

import pytest
from chinwag_bench.errors import HostError
from chinwag_bench.machine.cpu_plan import CpuPlan
from chinwag_bench.runs import requirements
from chinwag_bench.runs.requirements import (
    caveats,
    check_loopback,
    check_open_files,
    check_source_ports,
    short_queue,
)


def test_this_machine_s_loopback_will_do():
    check_loopback()


def test_an_address_that_is_nobody_s_here_is_named_with_what_to_do():
    with pytest.raises(HostError) as caught:
        check_loopback("192.0.2.1")
    assert "192.0.2.1 can't be used" in caught.value.message
    assert "ip link set lo up" in caught.value.hint


def test_a_network_without_loopback_is_told_before_any_server_is_started():
    """In a network namespace of its own, where lo is down."""
    program = "from chinwag_bench.runs.requirements import check_loopback; check_loopback()"
    command = ["unshare", "--net", sys.executable, "-c", program]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if "unshare failed" in found.stderr:
        pytest.skip("no rights to make a network namespace")
    assert "HostError: 127.0.0.1 can't be used" in found.stderr


def test_fewer_ports_than_connections_are_refused():
    check_source_ports(1000, (40_000, 40_999))
    with pytest.raises(HostError, match="only 999 ports"):
        check_source_ports(1000, (40_001, 40_999))


@pytest.mark.parametrize(
    ("limit", "fits"), [(64, False), (256, False), (700, True), (20_000, True)]
)
def test_a_limit_of_open_files_that_leaves_next_to_nothing_is_refused(limit, fits):
    if fits:
        check_open_files(10_000, limit)
        return
    with pytest.raises(HostError) as caught:
        check_open_files(10_000, limit)
    assert f"may open {limit} files" in caught.value.message
    assert "ulimit -Hn 11000" in caught.value.hint


def test_who_asks_for_few_connections_needs_few_files():
    check_open_files(20, 600)


@pytest.fixture(autouse=True)
def unpaced(monkeypatch):
    monkeypatch.setattr(requirements, "pacing", lambda: None)


def test_one_core_for_both_and_a_quota_are_told(monkeypatch):
    monkeypatch.setattr(requirements, "cpu_quota", lambda: None)
    assert caveats(CpuPlan(server=[0], generator=[1])) == []
    assert caveats(CpuPlan(server=[0], generator=[0], shared=True)) == [
        "server and load generator share the only core"
    ]
    monkeypatch.setattr(requirements, "cpu_quota", lambda: 0.6)
    (found,) = caveats(CpuPlan(server=[0], generator=[1]))
    assert found.startswith("a CPU quota of 0.6 cores")


def test_a_storm_of_more_than_may_wait_is_told_before_it_with_what_to_do():
    assert short_queue(0, 128) is None
    assert short_queue(10_000, 10_000) is None
    said = short_queue(10_000, 4_096)
    assert said.startswith("4,096 connections may wait to be accepted here, and 10,000 come at")
    assert said.endswith('sysctl -w net.core.somaxconn="16384"')


def test_paced_connections_are_told(monkeypatch):
    monkeypatch.setattr(requirements, "cpu_quota", lambda: None)
    monkeypatch.setattr(requirements, "pacing", lambda: "bbr")
    (found,) = caveats(CpuPlan(server=[0], generator=[1]))
    assert found.startswith("the kernel paces connections here (congestion control bbr)")


def test_settings_of_runtimes_that_the_shell_has_are_no_servers_own(monkeypatch):
    monkeypatch.setattr(requirements, "cpu_quota", lambda: None)
    monkeypatch.setenv("GOGC", "50")
    (found,) = caveats(CpuPlan(server=[0], generator=[1]))
    assert found == "servers run under settings of this shell: GOGC"

"""A run's own network: what it has, who is in it, and what is said where none can be made."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import subprocess
from pathlib import Path

import pytest
from chinwag_bench.machine import run_network as module
from chinwag_bench.machine.run_network import SETTINGS, RunNetwork, pacing, run_network

NAMESPACE = "/proc/thread-self/ns/net"


def setting(name: str) -> str:
    return " ".join(Path("/proc/sys", name.replace(".", "/")).read_text().split())


@pytest.fixture
def network():
    with run_network(own=True) as made:
        if not made.has_been_made:
            pytest.skip("no network namespace can be made here")
        yield made


def test_its_settings_are_the_same_on_every_machine_and_the_machine_s_stay(network):
    before = {name: setting(name) for name in SETTINGS}
    with network.entered():
        assert {name: setting(name) for name in SETTINGS} == SETTINGS
    assert {name: setting(name) for name in SETTINGS} == before


def test_servers_and_generator_meet_in_it_and_nobody_else(network):
    with network.entered():
        for host, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
            listener = socket.create_server((host, 0), family=family)
            socket.create_connection(listener.getsockname()[:2], 5).close()
            listener.close()
        listener = socket.create_server(("127.0.0.1", 0))
    with listener, pytest.raises(ConnectionRefusedError):
        socket.create_connection(listener.getsockname(), 5)


def test_processes_started_in_it_stay_there_and_this_one_comes_back(network):
    outside = os.readlink(NAMESPACE)
    with network.entered():
        inside = os.readlink(NAMESPACE)
        child = subprocess.Popen(["sleep", "60"])
    try:
        assert os.readlink(f"/proc/{child.pid}/ns/net") == inside != outside
        assert os.readlink(NAMESPACE) == outside
    finally:
        child.kill()
        child.wait()


def test_it_is_left_when_what_is_done_in_it_fails(network):
    outside = os.readlink(NAMESPACE)
    with pytest.raises(RuntimeError), network.entered():
        raise RuntimeError
    assert os.readlink(NAMESPACE) == outside


def test_it_can_be_entered_again(network):
    def inside() -> str:
        with network.entered():
            return os.readlink(NAMESPACE)

    assert inside() == inside()


def test_without_the_rights_a_run_is_in_the_machine_s_network_and_says_why(monkeypatch):
    def refused(flags: int) -> int:
        ctypes.set_errno(errno.EPERM)
        return -1

    monkeypatch.setattr(module._libc, "unshare", refused)
    network = RunNetwork()
    assert network.description == (
        "the machine's: no network namespace can be made (Operation not permitted)"
    )
    outside = os.readlink(NAMESPACE)
    with network.entered():
        assert os.readlink(NAMESPACE) == outside


def test_where_settings_can_t_be_changed_the_machine_s_network_serves(monkeypatch, network):
    """A container may make a namespace and show it a /proc/sys that is for reading."""

    def refused(path: Path, text: str) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "write_text", refused)
    outside = os.readlink(NAMESPACE)
    assert RunNetwork().description == (
        "the machine's: /proc/sys/net/core/somaxconn: Read-only file system"
    )
    assert os.readlink(NAMESPACE) == outside


def test_a_setting_that_this_kernel_does_not_have_is_left_out(monkeypatch, network):
    monkeypatch.setitem(SETTINGS, "net.ipv4.tcp_no_such_setting", "1")
    with run_network(own=True) as made:
        assert made.has_been_made


def test_who_asks_for_the_machine_s_network_gets_it():
    network = RunNetwork(own=False)
    assert (network.has_been_made, network.description) == (False, module.BY_REQUEST)


@pytest.mark.parametrize(
    ("control", "paces"), [("bbr", True), ("bbr3", True), ("cubic", False), ("reno", False)]
)
def test_a_congestion_control_that_paces_is_known(tmp_path, control, paces):
    file = tmp_path / "proc/sys/net/ipv4/tcp_congestion_control"
    file.parent.mkdir(parents=True)
    file.write_text(control + "\n")
    assert pacing(tmp_path) == (control if paces else None)


def test_a_machine_that_shows_no_congestion_control_is_not_said_to_pace(tmp_path):
    assert pacing(tmp_path) is None


def test_what_acts_on_all_networks_is_told_of_the_machine_s(network):
    outside = {name: setting(name) for name in module._OF_THE_KERNEL if shown(name)}
    with network.entered():
        found = network.fingerprint()["sysctl"]
    assert {name: " ".join(found[name].split()) for name in outside} == outside
    assert found["net.ipv4.tcp_congestion_control"] == "reno"


def shown(name: str) -> bool:
    return Path("/proc/sys", name.replace(".", "/")).exists()

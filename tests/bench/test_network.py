"""Networks of nodes: who reaches whom, what a cut does, and that nothing of them stays."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from chinwag_bench.errors import HostError
from chinwag_bench.machine.doctor.tools import links
from chinwag_bench.servers import network as module
from chinwag_bench.servers.network import Network, entered

NO_NAMESPACES = "no network namespace can be made here"
PORT = 4000
LISTEN = "import socket,time; s=socket.create_server(('0.0.0.0', 4000)); time.sleep(60)"
DIAL = "import socket,sys; socket.create_connection((sys.argv[1], 4000), 0.5)"


def interfaces():
    return {path.name for path in Path("/sys/class/net").iterdir()}


@pytest.fixture
def network():
    try:
        made = Network(2)
    except HostError:
        pytest.skip(NO_NAMESPACES)
    with made:
        links = set(made.links)
        assert len(links & interfaces()) == 3
        yield made
    # Only its own: other tests may have a network at the same moment.
    assert not links & interfaces(), "a link stays"


@pytest.fixture
def listening():
    """Starts a program that listens in a namespace."""
    started = []

    def listen(namespace, host):
        started.append(subprocess.Popen(entered(namespace, [sys.executable, "-c", LISTEN])))
        deadline = time.monotonic() + 20
        while not can_dial(host):
            assert time.monotonic() < deadline, "it never listened"

    yield listen
    for process in started:
        process.kill()
        process.wait()


def can_dial(host, namespace=None):
    command = [sys.executable, "-c", DIAL, host]
    if namespace is None:
        try:
            socket.create_connection((host, PORT), 0.5).close()
        except OSError:
            return False
        return True
    return (
        subprocess.run(entered(namespace, command), check=False, capture_output=True).returncode
        == 0
    )


def test_nodes_reach_each_other_and_the_middle_until_their_link_is_cut(network, listening):
    listening(network.namespace(1), network.host(1))
    listening(network.middle_namespace, network.middle_host)
    first = network.namespace(0)
    assert can_dial(network.inner_host(1), first)
    assert can_dial(network.middle_inner_host, first)
    network.cut(1)
    assert not can_dial(network.inner_host(1), first)
    assert can_dial(network.middle_inner_host, first), "the other node's link stays"
    assert can_dial(network.host(1)), "its clients' link stays"
    network.heal(1)
    assert can_dial(network.inner_host(1), first)


def test_two_networks_have_addresses_of_their_own(network):
    with Network(1) as second:
        assert second.host(0) != network.host(0)


def test_nothing_stays_after_a_kill(tmp_path):
    program = textwrap.dedent(
        """
        import time
        from chinwag_bench.servers.network import Network
        with Network(2) as made:
            print(made.namespace(0), *made.links, flush=True)
            time.sleep(60)
        """
    )
    started = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    namespace, *links = started.stdout.readline().split() or [""]
    if not namespace:
        started.wait()
        pytest.skip(NO_NAMESPACES)
    assert interfaces() >= set(links)
    assert len(links) == 3
    started.send_signal(signal.SIGKILL)
    started.wait()
    started.stdout.close()
    deadline = time.monotonic() + 20
    while interfaces() & set(links) or Path(namespace).exists():
        assert time.monotonic() < deadline, interfaces() & set(links)
        time.sleep(0.01)


def test_a_machine_that_does_not_let_it_says_so(monkeypatch, tmp_path):
    refusing = tmp_path / "unshare"
    refusing.write_text("#!/bin/sh\necho 'unshare failed: Operation not permitted' >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(HostError, match="Operation not permitted"):
        Network(2)
    assert links().level == "warning"
    assert "link_cut" in links().meaning
    monkeypatch.setattr(module, "_TOOLS", ("ip", "no-such-tool"))
    with pytest.raises(HostError, match="no-such-tool: not installed"):
        Network(2)

"""Servers as processes: started, watched, stopped, and nothing left behind in any case."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from chinwag_bench.errors import HostError, ServerError
from chinwag_bench.servers import process_tree, supervisor
from chinwag_bench.servers.build import build
from chinwag_bench.servers.catalog import Target
from chinwag_bench.servers.health import ask_health
from chinwag_bench.servers.ports import (
    PortSpan,
    ephemeral_range,
    is_free,
    pick_port,
    port_span,
)
from chinwag_bench.servers.process import Launch, ServerProcess, start_server
from chinwag_bench.servers.process_tree import ProcessTree, Program, is_ending
from chinwag_bench.servers.supervisor import descendants
from chinwag_bench.text import last_lines

from .marked_processes import Mark

TINY = str(Path(__file__).parent / "fixtures" / "tiny.toml")


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until_gone(pid, timeout_s=10.0):
    deadline = time.monotonic() + timeout_s
    while is_running(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.01)


def family_of(address):
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


def is_parent(pid, child):
    return f"PPid:\t{pid}\n" in Path(f"/proc/{child}/status").read_text()


def guard_of(server):
    """The process that ends what is left of a tree whose supervisor was killed."""
    root = server.supervisor_pid
    environment = Path(f"/proc/{root}/environ").read_text().split("\0")
    (mark,) = (pair.split("=")[1] for pair in environment if pair.startswith(supervisor.MARK))
    (guard,) = {*supervisor.marked(mark)} - {root, *descendants(root)}
    return guard


def test_a_started_server_serves_and_is_killed_with_its_port_freed(start):
    server = start()
    assert ask_health(server.port)["pid"] == server.pid
    assert server.stop() is None
    assert is_free(server.port)
    assert not is_running(server.pid)


def test_how_many_may_wait_is_the_launch_s_to_say_and_not_the_manifest_s(checkout, tmp_path):
    """In a comparison all servers have the same."""
    own = ("[variants.default]", '[variants.default]\nenv = { CHAT_BACKLOG = "5" }')
    server = checkout.add_server(replace=own)
    build(server)
    for backlog, told in ((None, "5"), (4096, "4096")):
        launch = Launch(target=Target(server), log=tmp_path / "toy.log", backlog=backlog)
        with start_server(launch) as process:
            pairs = Path(f"/proc/{process.pid}/environ").read_text().split("\0")
            assert f"CHAT_BACKLOG={told}" in pairs


def test_its_environment_is_the_protocol_s_and_the_variant_s(toy, tmp_path):
    tuned = Target(toy.server, "tuned")
    with start_server(Launch(target=tuned, log=tmp_path / "log", env={"MORE": "1"})) as server:
        pairs = Path(f"/proc/{server.pid}/environ").read_text().split("\0")
    env = dict(pair.split("=", 1) for pair in pairs if pair)
    assert env["CHAT_PORT"] == env["TOY_SETTING"] == str(server.port)
    assert (env["CHAT_HOST"], env["CHAT_VARIANT"], env["MORE"]) == ("127.0.0.1", "tuned", "1")


def test_settings_that_a_shell_exports_are_not_a_server_s(start, monkeypatch):
    """Nor what it exports for whoever looks for faults: no service is shipped with backtraces."""
    ours = ("CHAT_IDLE_TIMEOUT_MS", "CHAT_VARIANT", "CHINWAGD_ECHO")
    for name in (*ours, "RUST_BACKTRACE", "GOTRACEBACK", "PYTHONDONTWRITEBYTECODE", "OTHER"):
        monkeypatch.setenv(name, "1500")
    pairs = Path(f"/proc/{start().pid}/environ").read_text().split("\0")
    assert [pair for pair in pairs if pair.endswith("=1500")] == ["OTHER=1500"]
    assert "CHAT_VARIANT=default" in pairs


def test_it_runs_on_its_cores_only(toy, tmp_path):
    core = min(os.sched_getaffinity(0))
    with start_server(Launch(target=toy, log=tmp_path / "log", cores=[core])) as server:
        assert os.sched_getaffinity(server.pid) == {core}


def test_sigterm_lets_it_leave_by_itself(start):
    server = start()
    assert server.stop(signal.SIGTERM) == 0
    assert is_free(server.port)


def test_death_at_the_start_is_noticed_at_once_with_the_log(start):
    started = time.monotonic()
    with pytest.raises(ServerError, match=r"ended by itself \(code 1\)") as caught:
        start(TOY_FAULT="die")
    assert "toy: told to die" in caught.value.detail
    assert time.monotonic() - started < 10


def test_a_later_death_is_noticed_by_its_signal(start):
    server = start()
    server.check_alive()
    os.kill(server.pid, signal.SIGKILL)
    wait_until_gone(server.pid)
    with pytest.raises(ServerError, match="SIGKILL"):
        server.check_alive()
    server.stop()


def test_a_death_is_noticed_before_anybody_is_told_of_it(start):
    """As on a busy machine: who saw the connections end asks before the supervisor has looked."""
    server = start()
    os.kill(server.supervisor_pid, signal.SIGSTOP)
    os.kill(server.pid, signal.SIGKILL)
    wait_until_gone(server.pid)
    threading.Timer(0.3, os.kill, (server.supervisor_pid, signal.SIGCONT)).start()
    with pytest.raises(ServerError, match="SIGKILL"):
        server.check_alive()


def test_a_program_that_ends_itself_counts_as_ending_and_others_do_not(start):
    assert not is_ending(start().pid)
    with subprocess.Popen(["sleep", "600"]) as program:
        assert not is_ending(program.pid)
        program.kill()
        wait_until_gone(program.pid)
        assert is_ending(program.pid), "a zombie"
    assert is_ending(program.pid), "nobody"


def test_a_killed_supervisor_is_the_end_of_its_server(start):
    server = start()
    os.kill(server.supervisor_pid, signal.SIGKILL)
    wait_until_gone(server.pid)
    with pytest.raises(ServerError, match="SIGKILL"):
        server.check_alive()


def test_silence_has_an_end(toy, tmp_path):
    launch = Launch(target=toy, log=tmp_path / "log", env={"TOY_FAULT": "deaf"})
    with ServerProcess(launch, pick_port()) as server:
        with pytest.raises(ServerError, match="did not answer GET /health"):
            server.wait_ready(timeout_s=0.3)
        pid = server.pid
    assert not is_running(pid)


def test_a_program_that_does_not_exist_is_named(checkout, tmp_path):
    server = checkout.add_server(
        replace=('["{python}", "{build}/s', '["/nowhere/python", "{build}/s')
    )
    with pytest.raises(ServerError, match="code 127") as caught:
        start_server(Launch(target=Target(server), log=tmp_path / "log"))
    assert "can't start /nowhere/python" in caught.value.detail


def test_a_port_in_use_is_said_before_anything_starts(start, toy, tmp_path):
    server = start()
    with pytest.raises(HostError, match=f"port {server.port} on 127.0.0.1 is already in use"):
        start_server(Launch(target=toy, log=tmp_path / "other.log", port=server.port))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_a_port_is_free_or_taken_on_addresses_of_either_family(host):
    port = pick_port()
    try:
        assert is_free(port, host)
        address = (socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0])[4]
        with socket.create_server(address[:2], family=family_of(address)):
            assert not is_free(port, host)
    except (HostError, OSError):
        if host != "::1":
            raise
        pytest.skip("this machine has no IPv6")


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("192.0.2.1", "Cannot assign requested address"),
        ("no.such.host.invalid", "of no.such.host.invalid: "),
        ("a..b", "label empty or too long"),
        ("", "of an empty host: "),
    ],
)
def test_a_host_that_is_none_of_this_machine_s_is_no_port_in_use(toy, tmp_path, host, reason):
    with pytest.raises(HostError, match=reason) as caught:
        start_server(Launch(target=toy, log=tmp_path / "log", port=29_999, host=host))
    assert "already in use" not in caught.value.text()
    assert "ip address" in (caught.value.hint or "")


def test_the_tree_is_seen_without_the_kernel_s_lists_of_children(start, monkeypatch):
    server = start()
    listed = descendants(server.supervisor_pid)
    assert listed == [server.pid]
    monkeypatch.setattr(supervisor, "_are_listed", lambda: False)
    assert descendants(server.supervisor_pid) == listed


def test_a_detached_grandchild_is_killed_too(start, tmp_path):
    note = tmp_path / "orphan"
    server = start(TOY_FAULT="orphan", TOY_ORPHAN_FILE=str(note))
    orphan = int(note.read_text())
    assert orphan in descendants(server.supervisor_pid)
    server.stop()
    assert not is_running(orphan)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_the_kit(checkout, toy, tmp_path, number):
    note = tmp_path / "orphan"
    port = pick_port()
    kit = subprocess.Popen(
        checkout.command("serve", "toy", "--port", str(port)),
        env=checkout.env(TOY_FAULT="orphan", TOY_ORPHAN_FILE=str(note)),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert kit.stdout.readline().startswith(f"toy listens on ws://127.0.0.1:{port}/ws")
    pid = ask_health(port)["pid"]
    kit.send_signal(number)
    kit.wait()
    for process in (pid, int(note.read_text())):
        wait_until_gone(process)
    assert is_free(port)


def test_nothing_outlives_a_kit_killed_together_with_the_supervisor(checkout, toy, tmp_path):
    """Neither can end a process that had detached itself, and no signal of the kernel does."""
    note = tmp_path / "orphan"
    port = pick_port()
    mark = Mark()
    kit = subprocess.Popen(
        checkout.command("serve", "toy", "--port", str(port)),
        env=checkout.env(**mark.env, TOY_FAULT="orphan", TOY_ORPHAN_FILE=str(note)),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert kit.stdout.readline().startswith(f"toy listens on ws://127.0.0.1:{port}/ws")
    orphan = int(note.read_text())
    served = ask_health(port)["pid"]
    (above,) = (pid for pid in mark.processes() if is_parent(pid, served))
    # Stopped, it hears of nothing before it is killed.
    os.kill(above, signal.SIGSTOP)
    kit.kill()
    os.kill(above, signal.SIGKILL)
    kit.wait()
    mark.wait_until_gone()
    assert not is_running(orphan)
    assert is_free(port)


def test_detached_processes_do_not_outlive_a_killed_supervisor(start, tmp_path):
    """They are nobody's children by then, and die of no signal of the kernel."""
    note = tmp_path / "orphan"
    server = start(TOY_FAULT="orphan", TOY_ORPHAN_FILE=str(note))
    orphan = int(note.read_text())
    os.kill(server.supervisor_pid, signal.SIGKILL)
    wait_until_gone(server.pid)
    wait_until_gone(orphan)
    server.stop()


def test_the_kit_ends_them_without_the_guard(start, tmp_path):
    note = tmp_path / "orphan"
    server = start(TOY_FAULT="orphan", TOY_ORPHAN_FILE=str(note))
    orphan = int(note.read_text())
    for pid in (guard_of(server), server.supervisor_pid):
        os.kill(pid, signal.SIGKILL)
    wait_until_gone(server.pid)
    assert is_running(orphan)
    server.stop()
    assert not is_running(orphan)


def test_the_guard_leaves_with_the_server_and_is_no_part_of_it(start):
    server = start()
    guard = guard_of(server)
    assert guard not in descendants(server.supervisor_pid)
    server.stop()
    wait_until_gone(guard)


def test_what_outlives_even_that_is_named(start, tmp_path, monkeypatch):
    note = tmp_path / "orphan"
    server = start(TOY_FAULT="orphan", TOY_ORPHAN_FILE=str(note))
    orphan = int(note.read_text())
    for pid in (guard_of(server), server.supervisor_pid):
        os.kill(pid, signal.SIGKILL)
    monkeypatch.setattr(process_tree, "_KILL_TIMEOUT_S", 0.1)
    with monkeypatch.context() as patch:
        patch.setattr(process_tree.os, "kill", lambda *_: None)
        with pytest.raises(HostError, match="outlive a kill") as caught:
            server.end_tree()
    os.kill(orphan, signal.SIGKILL)
    assert caught.value.hint == f"look for what is left of processes {orphan}"


def test_a_picked_port_is_free_and_not_an_outgoing_one_where_there_is_room():
    port, (low, high), span = pick_port(), ephemeral_range(), port_span()
    assert is_free(port)
    assert span.lowest <= port <= span.highest
    assert span.shared or not low <= port <= high


@pytest.mark.parametrize(
    ("outgoing", "span"),
    [
        ((32768, 60999), PortSpan(20000, 32000)),
        ((10000, 60999), PortSpan(7999, 9999)),
        ((1100, 60999), PortSpan(1024, 1099)),
        ((1024, 60999), PortSpan(61000, 65535)),
        ((1030, 65000), PortSpan(65001, 65535)),
        ((1024, 65535), PortSpan(1024, 65535, shared=True)),
        ((1030, 65530), PortSpan(1030, 65530, shared=True)),
        ((1, 65535), PortSpan(1024, 65535, shared=True)),
    ],
)
def test_servers_get_ports_beside_the_outgoing_ones_or_among_them(outgoing, span):
    assert port_span(outgoing) == span


def test_with_every_port_outgoing_a_server_is_started_all_the_same(checkout, toy):
    """In a network of its own, with the range that load tests are told to set."""
    script = 'ip link set lo up && echo "1024 65535" >/proc/sys/net/ipv4/ip_local_port_range'
    command = ["unshare", "--net", "--map-root-user", "sh", "-c"]
    if subprocess.run([*command, script], check=False, capture_output=True).returncode:
        pytest.skip("no network namespace can be made here")
    verify = shlex.join(checkout.command("run", TINY, "--json"))
    done = subprocess.run(
        [*command, f"{script} && exec {verify}"],
        env=checkout.env(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_supervisor_needs_the_standard_library_alone():
    """It is started with -I -S, so an import of anything else would fail."""

    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        f"import runpy; runpy.run_path({supervisor.__file__!r})",
    ]
    assert subprocess.run(command, check=False).returncode == 0


def test_a_program_that_prints_without_end_is_ended_before_it_fills_the_disk(tmp_path):
    log = tmp_path / "log"
    program = Program(
        name="spam", command=["yes"], folder=tmp_path, env=dict(os.environ), file_bytes_max=65_536
    )
    with log.open("wb") as output, ProcessTree(program, output) as tree:
        tree.wait(10.0)
        assert tree.exit_code == -signal.SIGXFSZ
    assert log.stat().st_size <= 65_536


def test_what_a_server_prints_commands_no_terminal(tmp_path):
    (tmp_path / "log").write_bytes(b"first\n\x1b[31mred\x07 \xff \xe2\x82\xac\tend\n")
    assert last_lines(tmp_path / "log") == "first\n\\x1b[31mred\\x07 \ufffd \u20ac\tend"

"""The doctor: findings from recorded trees of /proc and /sys, repairs that can be taken back, and
one look at this machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from chinwag_bench.commands import doctor as command
from chinwag_bench.errors import UsageError
from chinwag_bench.machine.disturbance import Disturbance, Limits
from chinwag_bench.machine.doctor import (
    clock,
    cores,
    limits,
    memory,
    network,
    present_load,
    repairs,
    tools,
)
from chinwag_bench.machine.doctor.finding import LEVELS, Change, Finding
from chinwag_bench.machine.doctor.repairs import apply, take_back
from chinwag_bench.paths import Workspace
from chinwag_bench.render.findings import line, print_findings, summary
from chinwag_bench.servers.ports import PortSpan, ephemeral_range
from rich.console import Console

SYSCTL = "proc/sys/net/core/somaxconn"
GOVERNOR = "sys/devices/system/cpu/cpu{}/cpufreq/scaling_governor"
CLOCK = "sys/devices/system/clocksource/clocksource0"


class Tree:
    """A recorded piece of /proc and /sys."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
        return file


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "root")


def somaxconn(root: Path) -> Finding:
    found = network.sysctl(root, network.MINIMA[0])
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("hard", "level"), [(20_000, "ok"), (4_096, "warning"), (1_024, "problem")]
)
def test_open_files_bound_the_connections(hard: int, level: str) -> None:
    found = limits.open_files(1_024, hard)
    assert found.level == level
    assert bool(found.todo) == (level != "ok")


def test_a_sysctl_that_is_too_small_says_what_to_do(tree: Tree) -> None:
    tree.put(SYSCTL, "128")
    found = somaxconn(tree.root)
    assert (found.level, found.found) == ("warning", "128")
    (change,) = found.changes
    assert change.command() == 'sysctl -w net.core.somaxconn="16384"'
    assert change.undo_command() == 'sysctl -w net.core.somaxconn="128"'
    tree.put(SYSCTL, "16384")
    assert (somaxconn(tree.root).level, somaxconn(tree.root).changes) == ("ok", [])


@pytest.mark.parametrize(
    ("length", "level"),
    [("128", "warning"), ("4096", "warning"), ("16383", "warning"), ("16384", "ok")],
)
def test_a_listen_queue_is_to_have_room_for_a_storm(tree: Tree, length: str, level: str) -> None:
    """4,096 is the kernel's own and what servers ask for; a storm's 10,000 need more."""
    tree.put(SYSCTL, length)
    found = somaxconn(tree.root)
    assert found.level == level
    command = 'raise it to 16,384: sysctl -w net.core.somaxconn="16384"'
    assert found.todo == ("" if level == "ok" else command)


def test_of_several_values_only_the_one_that_counts_changes(tree: Tree) -> None:
    minimum = next(one for one in network.MINIMA if one.name == "net.ipv4.tcp_rmem")
    tree.put("proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t262144")
    found = network.sysctl(tree.root, minimum)
    assert found is not None
    assert found.changes[0].after == "4096 131072 1048576"


def test_what_the_kernel_does_not_show_is_left_out(tree: Tree) -> None:
    assert all(network.sysctl(tree.root, minimum) is None for minimum in network.MINIMA)
    assert cores.governor(tree.root).level == "note"
    assert cores.turbo(tree.root).found == "not shown"
    assert list(clock.findings(tree.root)) == []


@pytest.mark.parametrize(
    ("ports", "level"),
    [("32768\t60999", "ok"), ("40000\t55000", "warning"), ("50000\t55000", "problem")],
)
def test_each_connection_needs_a_port(tree: Tree, ports: str, level: str) -> None:
    file = tree.put("proc/sys/net/ipv4/ip_local_port_range", ports)
    assert network.port_range(tree.root, ephemeral_range(file)).level == level


def test_ports_that_are_taken_are_counted_within_the_servers_range(tree: Tree) -> None:
    head = "  sl  local_address rem_address   st"
    rows = [f"   0: 0100007F:{port:04X} 00000000:0000 0A" for port in (20_000, 20_001, 40_000)]
    tree.put("proc/net/tcp", "\n".join([head, *rows]))
    found = network.free_ports(tree.root, PortSpan(20_000, 20_009))
    assert (found.level, found.found) == ("ok", "2 of 10 taken (20000 to 20009)")
    assert network.free_ports(tree.root, PortSpan(20_000, 20_002)).level == "warning"
    assert network.free_ports(tree.root, PortSpan(20_000, 20_001)).level == "problem"


def test_ports_among_the_outgoing_ones_are_noted(tree: Tree) -> None:
    tree.put("proc/sys/net/ipv4/ip_local_port_range", "1024\t65535")
    found = {one.check: one for one in network.findings(tree.root)}["free ports"]
    assert (found.level, found.found) == ("note", "0 of 64,512 taken (1024 to 65535)")
    assert 'ip_local_port_range="32768 60999"' in found.todo


@pytest.mark.parametrize(
    ("control", "level"), [("bbr", "warning"), ("cubic", "ok"), ("reno", "ok")]
)
def test_paced_connections_are_a_warning(tree: Tree, control: str, level: str) -> None:
    tree.put("proc/sys/net/ipv4/tcp_congestion_control", control)
    found = network.congestion_control(tree.root)
    assert (found.level, found.found) == (level, control)
    commands = [change.command() for change in found.changes]
    paces = level == "warning"
    assert commands == (['sysctl -w net.ipv4.tcp_congestion_control="cubic"'] if paces else [])


def test_what_a_run_s_own_network_has_is_nothing_to_mend_on_the_machine(tree: Tree) -> None:
    tree.put(SYSCTL, "128")
    found = network.replaced(somaxconn(tree.root))
    assert (found.level, found.found, found.todo, found.changes) == ("ok", "128", "", [])
    assert found.meaning == "a run's own network has 16384"
    memory_of_all = next(one for one in network.MINIMA if one.name == "net.ipv4.tcp_mem")
    tree.put("proc/sys/net/ipv4/tcp_mem", "1 2 3")
    shared = network.sysctl(tree.root, memory_of_all)
    assert shared is not None
    assert network.replaced(shared) == shared


def test_taken_ports_of_the_machine_are_no_problem_of_a_run_in_a_network_of_its_own(
    tree: Tree,
) -> None:
    head = "  sl  local_address rem_address   st"
    rows = [f"   0: 0100007F:{port:04X} 00000000:0000 0A" for port in (20_000, 20_001)]
    tree.put("proc/net/tcp", "\n".join([head, *rows]))
    crowded = network.free_ports(tree.root, PortSpan(20_000, 20_001))
    assert (crowded.level, network.replaced(crowded).level) == ("problem", "note")


def test_whether_a_run_has_a_network_of_its_own_is_a_finding() -> None:
    found = network.of_a_run(network.RunNetwork(own=False))
    root = os.geteuid() == 0
    todo = "" if root else "measure as root, where namespaces may be made"
    assert (found.level, found.todo) == ("note", todo)
    own = network.RunNetwork()
    own.close()
    if own.has_been_made:
        assert (network.of_a_run(own).level, network.of_a_run(own).found) == ("ok", "its own")


def test_a_small_connection_tracking_table_is_a_warning(tree: Tree) -> None:
    minimum = next(one for one in network.MINIMA if "conntrack" in one.name)
    assert network.sysctl(tree.root, minimum) is None
    tree.put("proc/sys/net/netfilter/nf_conntrack_max", "16384")
    found = network.sysctl(tree.root, minimum)
    assert found is not None
    assert (found.level, found.todo) == (
        "warning",
        'raise it to 65,536: sysctl -w net.netfilter.nf_conntrack_max="65536"',
    )
    assert "connects time out" in found.meaning


@pytest.mark.parametrize(
    "group", [limits, network, cores, clock, memory, present_load], ids=lambda group: group.__name__
)
def test_a_sandbox_that_shows_nothing_gets_findings_all_the_same(group: Any, tree: Tree) -> None:
    for found in group.findings(tree.root):
        assert found.found
        assert found.level in LEVELS


def test_what_is_not_shown_is_said_so(tree: Tree) -> None:
    nothing = [*present_load.findings(tree.root), memory.available(tree.root)]
    nothing += [memory.swap(tree.root), memory.kernel_share(tree.root, "none")]
    said = {found.check for found in nothing if found.found == "not shown"}
    assert said == {"other programs", "steal", "memory", "swap", "control groups"}


def test_a_governor_that_saves_power(tree: Tree) -> None:
    tree.put(GOVERNOR.format(0), "performance")
    assert cores.governor(tree.root).level == "ok"
    tree.put(GOVERNOR.format(1), "powersave")
    found = cores.governor(tree.root)
    assert (found.level, found.found) == ("warning", "performance, powersave")
    assert [change.command() for change in found.changes] == [
        f"echo performance > /{GOVERNOR.format(1)}"
    ]


@pytest.mark.parametrize(
    ("file", "text", "found"),
    [
        ("intel_pstate/no_turbo", "0", "on"),
        ("intel_pstate/no_turbo", "1", "off"),
        ("cpufreq/boost", "1", "on"),
        ("cpufreq/boost", "0", "off"),
    ],
)
def test_turbo_of_both_makers(tree: Tree, file: str, text: str, found: str) -> None:
    tree.put(f"sys/devices/system/cpu/{file}", text)
    assert cores.turbo(tree.root).found == found


@pytest.mark.parametrize(("cpus", "level"), [(1, "problem"), (2, "note"), (4, "ok")])
def test_one_core_is_not_enough(tree: Tree, cpus: int, level: str) -> None:
    assert cores.plan(tree.root, set(range(cpus))).level == level


def test_two_threads_of_one_core_are_one_core(tree: Tree) -> None:
    for cpu in (0, 1):
        tree.put(f"sys/devices/system/cpu/cpu{cpu}/topology/core_id", "0")
        tree.put(f"sys/devices/system/cpu/cpu{cpu}/topology/physical_package_id", "0")
    assert cores.plan(tree.root, {0, 1}).level == "problem"


def test_virtual_machines_and_containers(tree: Tree) -> None:
    tree.put("proc/cpuinfo", "flags\t\t: fpu sse2")
    assert cores.virtual(tree.root).found == "none seen"
    tree.put("proc/cpuinfo", "flags\t\t: fpu hypervisor sse2")
    tree.put(".dockerenv", "")
    assert cores.virtual(tree.root).found == "virtual machine and container"


@pytest.mark.parametrize(("current", "level"), [("tsc", "ok"), ("hpet", "warning")])
def test_a_slow_clock(tree: Tree, current: str, level: str) -> None:
    tree.put(f"{CLOCK}/current_clocksource", current)
    tree.put(f"{CLOCK}/available_clocksource", "tsc hpet acpi_pm")
    (found,) = clock.findings(tree.root)
    assert found.level == level
    assert ("echo tsc" in found.todo) == (level != "ok")


def test_memory_and_swap(tree: Tree) -> None:
    text = "MemTotal: {} kB\nMemAvailable: {} kB\nSwapTotal: 1000 kB\nSwapFree: {} kB"
    tree.put("proc/meminfo", text.format(8_000_000, 7_000_000, 1000))
    assert memory.available(tree.root).level == "ok"
    assert memory.swap(tree.root).level == "ok"
    tree.put("proc/meminfo", text.format(8_000_000, 500_000, 10))
    assert memory.available(tree.root).level == "warning"
    assert memory.swap(tree.root).level == "note"


def test_the_kernel_s_share_is_exact_or_an_estimate(tree: Tree) -> None:
    assert memory.kernel_share(tree.root, "estimate").level == "note"
    tree.put("sys/fs/cgroup/cgroup.controllers", "memory")
    found = memory.kernel_share(tree.root, "cgroup v2")
    assert (found.level, found.found) == ("ok", "version 2; a group can be made")


def test_load_steal_and_heat_are_judged_by_a_run_s_own_limits() -> None:
    quiet = Disturbance(steal_share=0.0, other_cores=0.05, swapped_pages=0, throttled=0)
    loud = Disturbance(steal_share=0.1, other_cores=1.5, swapped_pages=0, throttled=3)
    for disturbance, level in ((quiet, "ok"), (loud, "warning")):
        assert {
            present_load.other_load(disturbance, Limits(), "1.5 1 1 2/3 4").level,
            present_load.steal(disturbance, Limits()).level,
            present_load.throttling(disturbance).level,
        } == {level}


def test_a_missing_generator_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHINWAG_LOAD", "/nowhere/chinwag-load")
    found = tools.generator(Workspace(tmp_path))
    assert found.level == "problem"
    assert "make native" in found.todo


def test_a_repair_is_made_and_remembered(tree: Tree, tmp_path: Path) -> None:
    undo = tmp_path / "build" / "undo.json"
    file = tree.put(SYSCTL, "128")
    (done,) = apply(somaxconn(tree.root).changes, undo, tree.root)
    assert (done.error, file.read_text()) == (None, "16384")
    assert json.loads(undo.read_text())[0]["before"] == "128"


def test_changed_twice_the_first_value_comes_back(tree: Tree, tmp_path: Path) -> None:
    undo = tmp_path / "undo.json"
    file = tree.put(SYSCTL, "128")
    apply(somaxconn(tree.root).changes, undo, tree.root)
    apply([Change(f"/{SYSCTL}", "16384", "32768")], undo, tree.root)
    assert file.read_text() == "32768"
    take_back(undo, tree.root)
    assert file.read_text() == "128"


def test_undo_restores_and_forgets(tree: Tree, tmp_path: Path) -> None:
    undo = tmp_path / "undo.json"
    file = tree.put(SYSCTL, "128")
    apply(somaxconn(tree.root).changes, undo, tree.root)
    (done,) = take_back(undo, tree.root)
    assert (done.error, file.read_text(), undo.exists()) == (None, "128", False)
    with pytest.raises(UsageError, match="nothing to undo"):
        take_back(undo, tree.root)


def test_undo_leaves_what_somebody_else_changed(tree: Tree, tmp_path: Path) -> None:
    undo = tmp_path / "undo.json"
    file = tree.put(SYSCTL, "128")
    apply(somaxconn(tree.root).changes, undo, tree.root)
    file.write_text("9999")
    (done,) = take_back(undo, tree.root)
    assert "somebody else changed it" in (done.error or "")
    assert (file.read_text(), undo.exists()) == ("9999", False)


def test_a_refused_repair_is_not_remembered(tree: Tree, tmp_path: Path) -> None:
    undo = tmp_path / "undo.json"
    # A folder where the file should be refuses even root, as a read-only /proc does.
    (tree.root / SYSCTL).mkdir(parents=True)
    (done,) = apply([Change(f"/{SYSCTL}", "128", "1024")], undo, tree.root)
    assert done.error
    assert not undo.exists()


@pytest.fixture
def ask(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, list[str]]]:
    """Runs the command on a recorded tree with one setting: (exit code, lines)."""
    (tmp_path / "protocol").mkdir()
    (tmp_path / "protocol/chat-1.md").touch()
    monkeypatch.setenv("CHINWAG_ROOT", str(tmp_path))
    monkeypatch.setattr(command, "ROOT", tree.root)
    monkeypatch.setattr(command, "examine", lambda _: [somaxconn(tree.root)])

    def run(**options: bool) -> tuple[int, list[str]]:
        with pytest.raises(typer.Exit) as caught:
            command.doctor(**options)
        return caught.value.exit_code, capsys.readouterr().out.splitlines()

    return run


def test_fix_prints_each_change_with_its_undo_and_looks_again(
    tree: Tree, ask: Callable[..., tuple[int, list[str]]]
) -> None:
    file = tree.put(SYSCTL, "128")
    code, said = ask(fix=True)
    assert code == 0
    assert said[0] == (
        'changed: sysctl -w net.core.somaxconn="16384"; undo: sysctl -w net.core.somaxconn="128"'
    )
    assert "chinwag doctor --undo" in said[1]
    assert said[2].startswith("ok: network: net.core.somaxconn: 16384")
    assert ask(undo=True) == (0, ['undone: sysctl -w net.core.somaxconn="128"'])
    assert file.read_text() == "128"


def test_without_the_rights_the_exact_commands_are_printed(
    tree: Tree, ask: Callable[..., tuple[int, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.put(SYSCTL, "128")
    monkeypatch.setattr(repairs, "_write", lambda *_: "Permission denied")
    code, said = ask(fix=True)
    assert said[0] == (
        'not done (Permission denied); with the rights: sysctl -w net.core.somaxconn="16384"'
    )
    assert (code, said[-1]) == (0, "no problem, 1 warning")


def test_no_color_leaves_out_colours(
    tree: Tree, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    tree.put(SYSCTL, "128")
    print_findings([somaxconn(tree.root)], Console(force_terminal=True))
    assert "\x1b[33m" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    print_findings([somaxconn(tree.root)], Console(force_terminal=True))
    assert "\x1b[33m" not in capsys.readouterr().out


def test_lines_table_and_summary(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.put(SYSCTL, "128")
    findings = [somaxconn(tree.root), limits.open_files(1, 100_000)]
    assert line(findings[0]).startswith("warning: network: net.core.somaxconn: 128; connections")
    assert line(findings[0]).endswith('somaxconn="16384"')
    assert summary(findings) == "no problem, 1 warning, 1 ok"
    print_findings(findings, Console(width=80))
    assert capsys.readouterr().out.splitlines() == [line(one) for one in findings]
    print_findings(findings, Console(width=80, force_terminal=True, color_system=None))
    shown = capsys.readouterr().out
    assert "-> raise it to 16,384" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_it_looks_at_this_machine() -> None:
    asked = [sys.executable, "-m", "chinwag_bench", "doctor", "--json"]
    bench = Path(__file__).resolve().parents[2] / "bench"
    done = subprocess.run(asked, cwd=bench, capture_output=True, text=True, check=False)
    findings = [json.loads(one) for one in done.stdout.splitlines()]
    assert {"open files", "CPU plan", "control groups", "steal", "toolchain of go"} <= {
        one["check"] for one in findings
    }
    assert all(one["level"] in LEVELS and one["meaning"] for one in findings)
    assert all(one["todo"] for one in findings if one["level"] in ("warning", "problem"))
    assert done.returncode == (3 if any(one["level"] == "problem" for one in findings) else 0)

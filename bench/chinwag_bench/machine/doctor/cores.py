"""Processor cores: how many, how they are shared out, and whether their speed holds still."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from chinwag_bench.machine.control_groups import cpu_quota
from chinwag_bench.machine.cpu_plan import core_speeds, physical_cores, speeds_note, split_cores
from chinwag_bench.machine.doctor.finding import Change, Finding, read

_GROUP = "cores"
_CPUS = "sys/devices/system/cpu"


def findings(root: Path) -> Iterator[Finding]:
    usable = os.sched_getaffinity(0)
    yield plan(root, usable)
    yield quota(root, len(usable))
    yield speeds(root, usable)
    yield governor(root)
    yield turbo(root)
    yield virtual(root)


def plan(root: Path, usable: set[int]) -> Finding:
    """How many cores, and which serve and which generate."""
    cores = physical_cores(usable, root / _CPUS)
    found = split_cores(cores)
    if found.shared:
        level, meaning = "problem", "figures are not for quoting: the generator slows the server"
    elif len(cores) < 4:
        level, meaning = "note", "a server has one core: what runtimes gain by more is not shown"
    else:
        level, meaning = "ok", "the generator has as many cores as the server"
    return Finding(
        group=_GROUP,
        check="CPU plan",
        level=level,  # type: ignore[arg-type]
        found=f"{len(cores)} physical, {len(usable)} usable CPUs: {found.note()}",
        meaning=meaning,
        todo="use a machine with two cores or more" if found.shared else "",
    )


def quota(root: Path, usable: int) -> Finding:
    """A CPU quota below the number of cores stops servers and generator in the middle of a hold."""
    cores = cpu_quota(root)
    held_back = cores is not None and cores < usable
    return Finding(
        group=_GROUP,
        check="CPU quota",
        level="ok"
        if not held_back
        else "problem"
        if cores is not None and cores < 1
        else "warning",
        found="none" if cores is None else f"{cores:g} cores in a control group of this process",
        meaning=f"server and generator together get less than the {usable} cores they are put on, "
        "and are stopped for the rest of each period: rounds count as disturbed by throttling"
        if held_back
        else "no quota stops a server in the middle of a hold",
        todo="lift it (docker: --cpus; systemd: CPUQuota=; Kubernetes: limits.cpu), or give whole "
        "cores instead (--cpuset-cpus, AllowedCPUs=)"
        if held_back
        else "",
    )


def speeds(root: Path, usable: set[int]) -> Finding:
    """Servers are all on the same cores, so ranks hold; absolute figures are of those cores."""
    note = speeds_note(usable, root / _CPUS)
    known = core_speeds(usable, root / _CPUS)
    alike = "alike" if known else "not shown"
    return Finding(
        group=_GROUP,
        check="core speeds",
        level="note" if note else "ok",
        found=note or alike,
        meaning="every server runs on the same cores, so they compare; absolute figures are of "
        "those cores alone"
        if note
        else "no core is known to be slower than another",
        todo="for cores of one kind: taskset -c CORES chinwag matrix" if note else "",
    )


def governor(root: Path) -> Finding:
    """A governor that saves power changes the clock in the middle of a hold."""
    paths = sorted((root / _CPUS).glob("cpu[0-9]*/cpufreq/scaling_governor"))
    texts = {str(path.relative_to(root)): read(root, str(path.relative_to(root))) for path in paths}
    governors = {f"/{path}": text for path, text in texts.items() if text is not None}
    if not governors:
        return Finding(
            group=_GROUP,
            check="governor",
            level="note",
            found="not shown",
            meaning="the host sets the clock: speeds may change between rounds, A/A shows by how "
            "much",
        )
    slow = {path: name for path, name in governors.items() if name != "performance"}
    return Finding(
        group=_GROUP,
        check="governor",
        level="warning" if slow else "ok",
        found=", ".join(sorted(set(governors.values()))),
        meaning="the clock follows the load: slow starts, and low rates look slower than they are"
        if slow
        else "the clock does not follow the load",
        todo="set it to performance" if slow else "",
        changes=[Change(path, name, "performance") for path, name in slow.items()],
    )


def turbo(root: Path) -> Finding:
    """Turbo depends on heat and on neighbours. It is the machine's normal state, so only noted."""
    off = read(root, f"{_CPUS}/intel_pstate/no_turbo")
    boost = read(root, f"{_CPUS}/cpufreq/boost")
    on = (off == "0") if off is not None else (boost == "1") if boost is not None else None
    if on is None:
        found, meaning = "not shown", "what the processor does about its clock can't be seen"
    elif on:
        found, meaning = "on", "rounds late in a run may be slower: order is shuffled for that"
    else:
        found, meaning = "off", "rounds run at one clock"
    path = "intel_pstate/no_turbo" if off is not None else "cpufreq/boost"
    value = "1" if off is not None else "0"
    return Finding(
        group=_GROUP,
        check="turbo",
        level="note" if on is not False else "ok",
        found=found,
        meaning=meaning,
        todo=f"for less spread: echo {value} > /{_CPUS}/{path}" if on else "",
    )


def virtual(root: Path) -> Finding:
    """Virtual machine and container, by what they leave in /proc and in the root folder."""
    machine = " hypervisor" in (read(root, "proc/cpuinfo") or "")
    container = any((root / name).exists() for name in (".dockerenv", "run/.containerenv"))
    kinds = ["virtual machine"] * machine + ["container"] * container
    return Finding(
        group=_GROUP,
        check="virtualisation",
        level="note" if kinds else "ok",
        found=" and ".join(kinds) or "none seen",
        meaning="neighbours can take CPU time (steal) and cache; rounds with steal are repeated"
        if kinds
        else "no hypervisor between the servers and the processor",
    )

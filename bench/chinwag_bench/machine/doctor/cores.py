"""Processor cores: how many, how they are shared out, and whether their speed holds still."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from chinwag_bench.machine.cpu_plan import physical_cores, split_cores
from chinwag_bench.machine.doctor.finding import Change, Finding, read

_GROUP = "cores"
_CPUS = "sys/devices/system/cpu"


def findings(root: Path) -> Iterator[Finding]:
    usable = os.sched_getaffinity(0)
    yield plan(root, usable)
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


def governor(root: Path) -> Finding:
    """A governor that saves power changes the clock in the middle of a hold."""
    paths = sorted((root / _CPUS).glob("cpu[0-9]*/cpufreq/scaling_governor"))
    governors = {"/" + str(path.relative_to(root)): path.read_text().strip() for path in paths}
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

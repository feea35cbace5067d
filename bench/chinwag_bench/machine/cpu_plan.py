"""Which cores serve and which generate load, from the machine's topology. The same for every
server.
"""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path

import msgspec

from chinwag_bench.errors import UsageError

_CPUS = Path("/sys/devices/system/cpu")
_ALIKE = 1.1
"""Favoured cores of one kind have a turbo a bin or two higher than the others."""


class CpuPlan(msgspec.Struct, frozen=True):
    """Logical CPU numbers. ``shared`` says that there was one core for both, so nothing here is
    worth quoting.
    """

    server: list[int]
    generator: list[int]
    shared: bool = False

    @property
    def workers(self) -> int:
        """CHAT_WORKERS for every server: one a core."""
        return len(self.server)

    def note(self) -> str:
        if self.shared:
            return "server and generator share the only core: figures are not for quoting"
        return (
            f"server on cores {_ranges(self.server)}, generator on cores {_ranges(self.generator)}"
        )


def plan_cpus(server_cores: int | None = None) -> CpuPlan:
    """Splits what this process may use. Raises ``UsageError`` when ``server_cores`` leaves the
    generator nothing.
    """
    return split_cores(physical_cores(os.sched_getaffinity(0)), server_cores)


def split_cores(cores: list[list[int]], server_cores: int | None = None) -> CpuPlan:
    """Whole physical cores to either side, because two threads of one core slow each other down.

    ``cores`` lists each physical core's logical CPUs. The server gets half of the cores, rounded
    down, or ``server_cores`` of them."""
    if len(cores) == 1:
        return CpuPlan(server=cores[0], generator=cores[0], shared=True)
    count = len(cores) // 2 if server_cores is None else server_cores
    if not 0 < count < len(cores):
        raise UsageError(
            f"{count} server cores do not work here: {len(cores)} physical cores are usable",
            hint=f"choose 1 to {len(cores) - 1}; the generator needs at least one",
        )
    return CpuPlan(server=[*chain(*cores[:count])], generator=[*chain(*cores[count:])])


def physical_cores(usable: set[int], cpus: Path = _CPUS) -> list[list[int]]:
    """The usable logical CPUs, grouped by physical core, in ascending order.

    By what the kernel lists as the threads of one core: core_id alone may repeat within a package
    (on several dies, in some virtual machines)."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for cpu in sorted(usable):
        groups.setdefault(_core(cpus / f"cpu{cpu}" / "topology", cpu), []).append(cpu)
    return sorted(groups.values())


def core_speeds(usable: set[int], cpus: Path = _CPUS) -> dict[int, list[int]]:
    """The usable logical CPUs by how fast they may run, fastest first: by their highest clock in
    kHz, or where that is not shown by the kernel's relative capacity. Empty without either.
    """
    for name in ("cpufreq/cpuinfo_max_freq", "cpu_capacity"):
        speeds: dict[int, list[int]] = {}
        for cpu in sorted(usable):
            speed = _read(cpus / f"cpu{cpu}" / name, 0)
            speeds.setdefault(speed, []).append(cpu)
        if 0 not in speeds:
            return dict(sorted(speeds.items(), reverse=True))
    return {}


def speeds_note(usable: set[int], cpus: Path = _CPUS) -> str | None:
    """What to know where some cores are faster than others by more than their turbo's last bin;
    ``None`` where they are alike or nothing is shown.
    """
    speeds = core_speeds(usable, cpus)
    if len(speeds) < 2 or max(speeds) <= min(speeds) * _ALIKE:
        return None
    parts = (
        f"cores {_ranges(on)} up to {_share(speed, max(speeds))}" for speed, on in speeds.items()
    )
    return f"cores of different speeds: {', '.join(parts)} of the fastest"


def cpu_list(text: str) -> list[int]:
    """``0-2,8`` as the kernel writes it becomes 0, 1, 2, 8. Raises ``ValueError``."""
    found: list[int] = []
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def _core(topology: Path, cpu: int) -> tuple[int, ...]:
    for name in ("core_cpus_list", "thread_siblings_list"):
        try:
            siblings = cpu_list((topology / name).read_text())
        except (OSError, ValueError):
            continue
        if cpu in siblings:
            return tuple(siblings)
    ids = ("physical_package_id", "die_id", "core_id")
    package, die, core = (_read(topology / name, -1) for name in ids)
    # A negative number: told apart from every list of CPUs. No core_id: each CPU is a core.
    return (-1, package, die, core if core >= 0 else cpu)


def _read(path: Path, otherwise: int) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return otherwise


def _share(speed: int, fastest: int) -> str:
    return f"{speed / fastest:.0%}"


def _ranges(cpus: list[int]) -> str:
    return ",".join(map(str, cpus))

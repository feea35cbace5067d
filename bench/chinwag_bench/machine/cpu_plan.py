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
    """The usable logical CPUs, grouped by physical core, in ascending order."""
    groups: dict[tuple[int, int], list[int]] = {}
    for cpu in sorted(usable):
        topology = cpus / f"cpu{cpu}" / "topology"
        groups.setdefault(
            (_read(topology / "physical_package_id", 0), _read(topology / "core_id", cpu)), []
        ).append(cpu)
    return sorted(groups.values())


def _read(path: Path, otherwise: int) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return otherwise


def _ranges(cpus: list[int]) -> str:
    return ",".join(map(str, cpus))

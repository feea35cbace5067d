"""What on this machine would spoil a measurement, what that means for the results, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chinwag_bench.machine.doctor import clock, cores, limits, memory, network, present_load, tools
from chinwag_bench.machine.doctor.finding import Finding
from chinwag_bench.paths import Workspace

ROOT = Path("/")


def examine(workspace: Workspace, root: Path = ROOT) -> Iterator[Finding]:
    """Every finding, group by group, as soon as it is made. Present load takes a second to see."""
    yield from limits.findings(root)
    yield from network.findings(root)
    yield from cores.findings(root)
    yield from clock.findings(root)
    yield from memory.findings(root)
    yield from present_load.findings(root)
    yield from tools.findings(workspace)

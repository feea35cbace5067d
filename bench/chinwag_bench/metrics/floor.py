"""The floor: what the kernel alone takes to deliver a frame. Once a run, of no server."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from chinwag_bench.errors import ChinwagError, GeneratorError, HostError
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.machine.cpu_plan import CpuPlan
from chinwag_bench.records import Floor, KernelCost
from chinwag_bench.servers.parent_death import ending_with_parent

METHOD = """
**The kernel alone.** CPU time, user and system, of a process that writes frames to 1,000 loopback
connections in turn and does nothing else, divided by frames; another process reads them. Frames
have the size of a room message of the throughput's profile: one a write, 16 and 256. The writer
is at most 4 MiB ahead. Once a run, on the server's and the generator's cores. It is what a server
can't save without putting more frames into a write, and no bound for one that does.
"""
_GRACE_S = 30.0
_SETUP_S = 0.1


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A run profile's table ``[floor]``."""

    load: str
    """Whose frames are sent."""
    connections: int
    seconds: float
    """Of sending, for each number of frames a write."""
    frames_per_write: list[int]

    @property
    def planned_s(self) -> float:
        return len(self.frames_per_write) * (self.seconds + _SETUP_S)


def measure(
    find_binary: Callable[[], Path], load: LoadProfile, cpus: CpuPlan, settings: Settings
) -> Floor:
    """The record, whatever happens: a floor that can't be measured spoils nobody's numbers.

    ``find_binary`` raises ``HostError`` where it was not built."""
    record = Floor(
        started_at=time.time(),
        status="ok",
        frame_bytes=load.frame_bytes(),
        connections=settings.connections,
    )
    began = time.monotonic()
    try:
        binary = find_binary()
        for count in settings.frames_per_write:
            command = _command(binary, record, cpus, settings, count)
            record.costs.append(_cost(command, settings.seconds))
    except ChinwagError as error:
        record.costs = []
        record.status = "missing" if isinstance(error, HostError) else "failed"
        record.reason = error.text()
    record.seconds = time.monotonic() - began
    return record


def describe(record: Floor) -> str:
    """In a few words, for the progress output."""
    if record.reason is not None:
        return f"the kernel alone was not measured: {record.reason}"
    costs = (f"{cost.cpu_us_per_frame:.2f} us at {cost.frames_per_write}" for cost in record.costs)
    return f"the kernel alone, by frames a write: {', '.join(costs)}"


def _command(
    binary: Path, record: Floor, cpus: CpuPlan, settings: Settings, frames_per_write: int
) -> list[str]:
    options = {
        "--frame-bytes": record.frame_bytes,
        "--frames-per-write": frames_per_write,
        "--connections": record.connections,
        "--seconds": settings.seconds,
        "--sender-cores": ",".join(map(str, cpus.server)),
        "--reader-cores": ",".join(map(str, cpus.generator)),
    }
    return [str(binary), *(str(word) for pair in options.items() for word in pair)]


def _cost(command: list[str], seconds: float) -> KernelCost:
    """One measurement, of so many seconds. Raises ``GeneratorError``."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=seconds + _GRACE_S,
            check=False,
            preexec_fn=ending_with_parent(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GeneratorError(f"chinwag-floor: {error}") from error
    if done.returncode:
        raise GeneratorError(
            f"chinwag-floor ended with code {done.returncode}", detail=done.stderr.strip()
        )
    try:
        return msgspec.json.decode(done.stdout, type=KernelCost)
    except msgspec.MsgspecError as error:
        raise GeneratorError(f"chinwag-floor did not say what it measured: {error}") from error

"""Kernel memory of a server: sockets and slab objects, by a control group where one can be made,
else estimated.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

_CGROUP_ROOT = Path("/sys/fs/cgroup")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_EMPTY_TIMEOUT_S = 2.0


class KernelSample(msgspec.Struct, frozen=True):
    """``method`` names the source, as ``records.MemoryPoint.kernel_method`` lists them."""

    bytes: int | None
    method: str


class KernelMeter:
    """Reads one server's kernel memory. Its server enters the groups of ``procs_files`` before its
    first instruction.

    The load generator's end of each connection is not in the group. Kernels before 6.13 do not
    charge the socket object itself to who accepts it, so they show about 2 KiB less a connection.
    """

    def __init__(self, folder: Path | None, method: str) -> None:
        self._folder = folder
        self.method = method
        self._before = _whole_machine_bytes()

    @property
    def procs_files(self) -> list[str]:
        return [str(self._folder / "cgroup.procs")] if self._folder else []

    def sample(self) -> KernelSample:
        """Bytes now. The estimate is half of what the machine gained since the meter was made: the
        other half is the generator's end, on the same host.
        """
        if self._folder is None:
            gained = max(0, _whole_machine_bytes() - self._before)
            return KernelSample(gained // 2, "estimate")
        if self.method == "cgroup v2":
            stat = dict(
                line.split() for line in (self._folder / "memory.stat").read_text().splitlines()
            )
            return KernelSample(int(stat["sock"]) + int(stat["slab"]), self.method)
        slab = _number(self._folder / "memory.kmem.usage_in_bytes")
        sockets = _number(self._folder / "memory.kmem.tcp.usage_in_bytes")
        return KernelSample(slab + sockets, self.method)


@contextmanager
def kernel_meter() -> Iterator[KernelMeter]:
    """A meter with its own control group below this process's, so that no limit on this process is
    escaped.
    """
    folder, method = _make_group()
    try:
        yield KernelMeter(folder, method)
    finally:
        if folder is not None:
            _remove_group(folder)


def _make_group() -> tuple[Path | None, str]:
    for parent, needed, method in _candidates():
        folder = parent / f"chinwag-{os.getpid()}"
        with suppress(OSError):
            folder.mkdir(exist_ok=True)
            if all((folder / name).is_file() for name in needed):
                _count_sockets(folder)
                return folder, method
            folder.rmdir()
    return None, "estimate"


def _candidates() -> Iterator[tuple[Path, list[str], str]]:
    own = Path("/proc/self/cgroup").read_text().splitlines()
    for line in own:
        _, controllers, path = line.split(":", 2)
        below = path.lstrip("/")
        if "memory" in controllers.split(","):
            files = ["memory.kmem.usage_in_bytes", "memory.kmem.tcp.usage_in_bytes"]
            yield _CGROUP_ROOT / "memory" / below, files, "cgroup v1"
        elif not controllers:
            yield _CGROUP_ROOT / below, ["memory.stat"], "cgroup v2"


def _count_sockets(folder: Path) -> None:
    """Version 1 charges TCP sockets only once a limit was set; setting "none" will do."""
    limit = folder / "memory.kmem.tcp.limit_in_bytes"
    if limit.is_file():
        limit.write_text("-1")


def _remove_group(folder: Path) -> None:
    """Its processes have been killed; the kernel may take a moment to see the group empty."""
    deadline = time.monotonic() + _EMPTY_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.01)


def _whole_machine_bytes() -> int:
    """Slab and TCP buffers of the whole machine."""
    slab = re.search(r"^Slab:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    pages = re.search(r"^TCP:.* mem (\d+)", Path("/proc/net/sockstat").read_text(), re.MULTILINE)
    return (int(slab[1]) * 1024 if slab else 0) + (int(pages[1]) * _PAGE_BYTES if pages else 0)


def _number(path: Path) -> int:
    return int(path.read_text())

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

from chinwag_bench.machine import control_groups
from chinwag_bench.machine.memory_share import host_memory

_ROOT = Path("/")
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
        other half is the generator's end, on the same host. ``None`` where the machine does not
        show what it is made of.
        """
        if self._folder is None:
            now = _whole_machine_bytes()
            if now is None or self._before is None:
                return KernelSample(None, "none")
            return KernelSample(max(0, now - self._before) // 2, "estimate")
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
    return None, "estimate" if _whole_machine_bytes() is not None else "none"


def _candidates(root: Path = _ROOT) -> Iterator[tuple[Path, list[str], str]]:
    """The innermost group of each hierarchy: folder, the files that a group in it needs, method."""
    seen = set()
    for group in control_groups.groups("memory", root):
        if group.version in seen:
            continue
        seen.add(group.version)
        if group.version == 1:
            files = ["memory.kmem.usage_in_bytes", "memory.kmem.tcp.usage_in_bytes"]
            yield group.folder, files, "cgroup v1"
        else:
            yield group.folder, ["memory.stat"], "cgroup v2"


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


def _whole_machine_bytes(root: Path = _ROOT) -> int | None:
    """Slab and TCP buffers of the whole machine; ``None`` where neither is shown."""
    slab = host_memory(root).get("Slab")
    try:
        text = (root / "proc/net/sockstat").read_text()
    except OSError:
        text = ""
    pages = re.search(r"^TCP:.* mem (\d+)", text, re.MULTILINE)
    if slab is None and pages is None:
        return None
    return (slab or 0) + (int(pages[1]) * _PAGE_BYTES if pages else 0)


def _number(path: Path) -> int:
    return int(path.read_text())

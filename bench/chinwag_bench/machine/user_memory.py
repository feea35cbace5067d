"""User memory of a process tree: proportional set size, plus unmapped memory files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from chinwag_bench.servers.supervisor import descendants

_BLOCK_BYTES = 512
_PSS = re.compile(r"^Pss:\s+(\d+) kB$", re.MULTILINE)
_MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ (?P<inode>\d+)")


def tree_user_bytes(root: int) -> int:
    """Bytes of all processes below ``root``, which itself is not counted. Shared pages count once
    in total.
    """
    pids = descendants(root)
    return sum(map(_pss_bytes, pids)) + _unmapped_memory_file_bytes(pids)


def _pss_bytes(pid: int) -> int:
    # Sandboxes may have the sum by mapping only.
    shown = _PSS.findall(_read(pid, "smaps_rollup")) or _PSS.findall(_read(pid, "smaps"))
    return sum(map(int, shown)) * 1024


def _unmapped_memory_file_bytes(pids: Iterable[int]) -> int:
    """A memfd's pages belong to its server even where nobody has them mapped: allocated blocks
    minus mapped pages.
    """
    pids = list(pids)
    allocated: dict[int, int] = {}
    for pid in pids:
        allocated |= _memory_files(pid)
    if not allocated:
        return 0
    mapped = dict.fromkeys(allocated, 0)
    for pid in pids:
        _add_mapped(_read(pid, "smaps"), mapped)
    return sum(max(0, size - mapped[inode]) for inode, size in allocated.items())


def _memory_files(pid: int) -> dict[int, int]:
    """Inode and allocated bytes of each memfd that the process holds open."""
    found = {}
    folder = Path(f"/proc/{pid}/fd")
    try:
        numbers = os.listdir(folder)
    except OSError:
        return {}
    for number in numbers:
        try:
            if os.readlink(folder / number).startswith("/memfd:"):
                status = os.stat(folder / number)
                found[status.st_ino] = status.st_blocks * _BLOCK_BYTES
        except OSError:
            continue  # Closed since it was listed.
    return found


def _add_mapped(smaps: str, mapped: dict[int, int]) -> None:
    inode = 0
    for line in smaps.splitlines():
        head = _MAPPING.match(line)
        if head:
            inode = int(head["inode"]) if "/memfd:" in line else 0
        elif inode in mapped and line.startswith("Pss:"):
            mapped[inode] += int(line.split()[1]) * 1024


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    except OSError:
        return ""

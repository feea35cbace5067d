"""How much of the machine's memory is in use: of the host, and of the control group's limit."""

from __future__ import annotations

from pathlib import Path

_ROOT = Path("/")
_GROUPS = (
    ("sys/fs/cgroup", "memory.current", "memory.max"),
    ("sys/fs/cgroup/memory", "memory.usage_in_bytes", "memory.limit_in_bytes"),
)
"""Version 2 and version 1: folder, what is used, what is allowed."""


def used_share(root: Path = _ROOT) -> float:
    """0 to 1, of whichever is nearer to its end. What the kernel can take back counts as free."""
    return max(
        _host_share(root), *(_group_share(root / folder, *names) for folder, *names in _GROUPS)
    )


def _host_share(root: Path) -> float:
    fields = _fields(root / "proc/meminfo")
    total = fields.get("MemTotal:", 0)
    return 1 - fields.get("MemAvailable:", total) / total if total else 0.0


def _group_share(folder: Path, used: str, allowed: str) -> float:
    try:
        limit = int((folder / allowed).read_text())
        current = int((folder / used).read_text())
    except (OSError, ValueError):  # No such group, or its limit is the word "max".
        return 0.0
    return max(0, current - _fields(folder / "memory.stat").get("inactive_file", 0)) / limit


def _fields(path: Path) -> dict[str, int]:
    """First word of each line -> the number after it."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    return {words[0]: int(words[1]) for line in lines if len(words := line.split()) >= 2}

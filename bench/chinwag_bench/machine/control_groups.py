"""The control groups that this process is in, and what they allow: its own and all above it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

_ROOT = Path("/")
_UNLIMITED = 1 << 60
"""Version 1 writes a number near 2^63 for "no limit"."""
_ESCAPED = re.compile(r"\\([0-7]{3})")


class Group(msgspec.Struct, frozen=True):
    """One control group: a folder of a mounted hierarchy, of version 1 or 2."""

    folder: Path
    version: int


class MemoryLimit(msgspec.Struct, frozen=True):
    """Bytes. ``used`` without what the kernel can take back."""

    used: int
    allowed: int


def groups(controller: str, root: Path = _ROOT) -> list[Group]:
    """Of version 1's hierarchy of this controller and of version 2's: the groups of this process,
    innermost first, up to the outermost that is mounted. Empty where nothing is shown.

    A container may show a part of a hierarchy only, below a path that the host knows: where the own
    group can't be found by its path, the mounted one is it.
    """
    found = []
    for mount in _mounts(controller, root):
        own = _own_path(controller, mount, root)
        folder = mount.point / own if own is not None else mount.point
        if not folder.is_dir():
            folder = mount.point
        found += [Group(one, mount.version) for one in _up_to(mount.point, folder)]
    return found


def cpu_quota(root: Path = _ROOT) -> float | None:
    """How many cores the tightest quota allows, such as 1.5; ``None`` without one."""
    quotas = filter(None, (_quota(group) for group in groups("cpu", root)))
    return min(quotas, default=None)


def throttled(root: Path = _ROOT) -> int:
    """How often a quota held these groups back, since they were made."""
    return sum(
        _fields(group.folder / "cpu.stat").get("nr_throttled", 0) for group in groups("cpu", root)
    )


def memory_limits(root: Path = _ROOT) -> list[MemoryLimit]:
    """Every limit that this process is under, innermost first."""
    return [limit for group in groups("memory", root) if (limit := _memory_limit(group))]


def _up_to(outermost: Path, folder: Path) -> Iterator[Path]:
    while folder != outermost:
        yield folder
        folder = folder.parent
    yield outermost


class _Mount(msgspec.Struct, frozen=True):
    root: str
    """The path within the hierarchy that is seen at ``point``."""
    point: Path
    version: int


def _mounts(controller: str, root: Path) -> Iterator[_Mount]:
    """From /proc/self/mountinfo; where that is not shown, the usual places that exist."""
    text = _text(root / "proc/self/mountinfo")
    if text is None:
        for usual, number in ((f"sys/fs/cgroup/{controller}", 1), ("sys/fs/cgroup", 2)):
            if (root / usual).is_dir():
                yield _Mount("/", root / usual, number)
        return
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        place, kind = before.split(), after.split()
        if len(place) < 5 or len(kind) < 3:
            continue
        version = {"cgroup": 1, "cgroup2": 2}.get(kind[0])
        if version is None:
            continue
        if version == 2 or controller in kind[2].split(","):
            point = root / _unescaped(place[4]).lstrip("/")
            yield _Mount(_unescaped(place[3]), point, version)


def _own_path(controller: str, mount: _Mount, root: Path) -> str | None:
    """Of this process's group below the mount; ``None`` where the mount shows another part."""
    for line in (_text(root / "proc/self/cgroup") or "").splitlines():
        number, controllers, path = line.split(":", 2)
        is_it = number == "0" if mount.version == 2 else controller in controllers.split(",")
        if is_it:
            if mount.root == "/":
                return path.strip("/")
            inside = path == mount.root or path.startswith(f"{mount.root}/")
            return path.removeprefix(mount.root).strip("/") if inside else None
    return None


def _quota(group: Group) -> float | None:
    if group.version == 2:
        words = (_text(group.folder / "cpu.max") or "max").split()
        if len(words) != 2 or words[0] == "max":
            return None
        return int(words[0]) / int(words[1])
    quota = _number(group.folder / "cpu.cfs_quota_us")
    period = _number(group.folder / "cpu.cfs_period_us")
    return quota / period if quota and period and quota > 0 else None


def _memory_limit(group: Group) -> MemoryLimit | None:
    names = ("memory.current", "memory.max")
    if group.version == 1:
        names = ("memory.usage_in_bytes", "memory.limit_in_bytes")
    used, allowed = (_number(group.folder / name) for name in names)
    if used is None or not allowed or allowed >= _UNLIMITED:
        return None
    stat = _fields(group.folder / "memory.stat")
    # Version 1 counts the groups below apart, in the field with "total_".
    taken_back = stat.get("total_inactive_file", stat.get("inactive_file", 0))
    return MemoryLimit(max(0, used - taken_back), allowed)


def _number(path: Path) -> int | None:
    """``None`` where there is none, or the word "max"."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _fields(path: Path) -> dict[str, int]:
    """First word of each line -> the number after it."""
    lines = (line.split() for line in (_text(path) or "").splitlines())
    return {words[0]: int(words[1]) for words in lines if len(words) == 2}


def _text(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return None


def _unescaped(path: str) -> str:
    """mountinfo writes blanks and backslashes as octal numbers."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), path)

"""Kernel settings by their names in sysctl(8)."""

from __future__ import annotations

from pathlib import Path

_ROOT = Path("/")


def sysctl_path(name: str, root: Path = _ROOT) -> Path:
    """The file of a setting, of this thread's network where it is one of networks."""
    return root / "proc/sys" / name.replace(".", "/")


def read_sysctl(name: str, root: Path = _ROOT) -> str | None:
    """``None`` where this kernel, or this network namespace, does not show it."""
    try:
        return sysctl_path(name, root).read_text(errors="replace").strip()
    except OSError:
        return None

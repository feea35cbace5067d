"""One finding of the doctor, and the change that would mend it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

Level = Literal["ok", "note", "warning", "problem"]
"""``note``: worth knowing when reading results. ``warning``: results are worse than they could be.
``problem``: a run would fail, or its figures would be wrong.
"""
LEVELS: tuple[Level, ...] = ("ok", "note", "warning", "problem")


class Change(msgspec.Struct, frozen=True):
    """One value in /proc/sys or /sys, as it is and as it should be. Lost at the next boot."""

    path: str
    """Absolute, as on a live system."""
    before: str
    after: str

    def command(self) -> str:
        """What a person with the rights would type."""
        return _command(self.path, self.after)

    def undo_command(self) -> str:
        return _command(self.path, self.before)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, what it means for the results, and what to do where something should be."""

    group: str
    check: str
    level: Level
    found: str
    meaning: str
    todo: str = ""
    changes: list[Change] = []
    """What ``--fix`` may do about it; empty where that is not the doctor's to decide."""


def read(root: Path, path: str) -> str | None:
    """The text of a file of /proc or /sys below ``root``; ``None`` where there is none."""
    try:
        return (root / path.lstrip("/")).read_text(errors="replace").strip()
    except OSError:
        return None


def _command(path: str, value: str) -> str:
    if path.startswith("/proc/sys/"):
        name = path.removeprefix("/proc/sys/").replace("/", ".")
        return f'sysctl -w {name}="{value}"'
    return f"echo {value} > {path}"

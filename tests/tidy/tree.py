"""The files of this repository, by kind. What git ignores does not exist for tidy."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = {
    ".hpp", ".cpp", ".py", ".js", ".cjs", ".mjs", ".ts", ".mts", ".go", ".rs", ".ex", ".exs", ".sh",
    ".cmake",
}  # fmt: skip
CPP = {".hpp", ".cpp"}


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that is tracked, or would be: new files count before they are committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = (ROOT / name for name in listed.split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))


def under(*folders: str, suffixes: set[str] | None = None) -> list[Path]:
    """Tracked files below the given folders (relative to the root), of the given suffixes."""
    roots = tuple(ROOT / folder for folder in folders)
    return [
        path
        for path in tracked()
        if path.is_relative_to(ROOT)
        and any(path.is_relative_to(root) for root in roots)
        and (suffixes is None or path.suffix in suffixes)
    ]


def name(path: Path) -> str:
    """The path as people write it: relative to the root."""
    return path.relative_to(ROOT).as_posix()


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()

"""Excerpts of logs, lengths of time and names of files, for messages."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

_TAIL_BYTES = 4096


def last_lines(path: Path, count: int = 8) -> str:
    """The last ``count`` lines of a log, without what would command a terminal; empty when there is
    none. Reads at most 4 KiB.
    """
    try:
        with path.open("rb") as log:
            log.seek(0, 2)
            log.seek(max(0, log.tell() - _TAIL_BYTES))
            text = log.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(map(printable, text.splitlines()[-count:]))


def printable(line: str) -> str:
    """Control characters as escapes, such as \\x1b: a server's output is no command."""
    return "".join(
        one if one.isprintable() or one == "\t" else one.encode("unicode_escape").decode()
        for one in line
    )


def minutes(seconds: float) -> str:
    """``95`` becomes ``1 min 35 s``."""
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"


def is_utf8(path: str) -> bool:
    """Whether a path or an argument, as Python reads it from the system, was UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(path: str) -> str:
    """A path whose bytes may be no UTF-8; those as escapes."""
    return os.fsencode(path).decode(errors="backslashreplace")


def listed(names: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"; empty without any."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"

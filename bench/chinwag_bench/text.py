"""Excerpts of logs and lengths of time, for messages."""

from __future__ import annotations

from pathlib import Path

_TAIL_BYTES = 4096


def last_lines(path: Path, count: int = 8) -> str:
    """The last ``count`` lines of a log; empty when there is none. Reads at most 4 KiB."""
    try:
        with path.open("rb") as log:
            log.seek(0, 2)
            log.seek(max(0, log.tell() - _TAIL_BYTES))
            text = log.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-count:])


def minutes(seconds: float) -> str:
    """``95`` becomes ``1 min 35 s``."""
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"

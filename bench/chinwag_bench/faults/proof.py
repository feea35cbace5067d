"""Whether a fault was real: what of it showed outside of the server's own word to its clients."""

from __future__ import annotations

from pathlib import Path

from chinwag_bench.faults.causes import Cause
from chinwag_bench.faults.watched import FAULT, RECEIVED, Watched

_STUCK_SHARE = 0.9
_BEFORE_NS = 5_000_000
"""What the asker sent so soon behind its request may have been read together with it."""


class LogEnd:
    """Where a server's log ended, to read what came behind."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._bytes = path.stat().st_size if path and path.exists() else 0

    def text_since(self) -> str:
        if self._path is None or not self._path.exists():
            return ""
        with self._path.open("rb") as log:
            log.seek(self._bytes)
            return log.read().decode(errors="replace")


PROCESS_KILLED = "killed: process"
"""How the proof of a killed process begins."""


def prove(
    cause: Cause, watched: Watched, fault_ns: int, asker: int, gone: set[int], log: str
) -> str | None:
    """How it showed, or ``None``. ``gone``: processes that were there before; ``log``: what the
    server printed meanwhile.
    """
    if cause.kills:
        pids = ", ".join(map(str, sorted(gone)))
        return f"{PROCESS_KILLED} {pids}" if gone else None
    if cause.ms:
        silent_ms = _served_again_ms(watched, fault_ns, asker)
        if silent_ms is not None and silent_ms < _STUCK_SHARE * cause.ms:
            return None
        return f"its sender was not served for {cause.ms} ms or more"
    said = f"{cause.asked} was asked for"
    # What ends at the last time may not come to print that.
    times = max(1, cause.times - 1)
    if log.count(said) < times or len(watched.of(FAULT)) < cause.times:
        return None
    return f"the server's log: {said}" + (f", {cause.times} times" if cause.times > 1 else "")


def _served_again_ms(watched: Watched, fault_ns: int, asker: int) -> float | None:
    """From the fault to the first delivery of what the asker sent behind it."""
    received = watched.of(RECEIVED)
    behind = (received["sender"] == asker) & (received["sent_ns"] > fault_ns + _BEFORE_NS)
    if not behind.any():
        return None
    return float(received["at_ns"][behind].min() - fault_ns) / 1e6

"""Limits of processes: open files above all, which bound the connections."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

from chinwag_bench.machine.doctor.finding import Change, Finding, read
from chinwag_bench.machine.open_files import connections_possible

CONNECTIONS_WANTED = 10_000
"""What the memory rows hold at once."""
_GROUP = "limits"
_PER_CONNECTION = 2  # One end each in server and generator: two files of the whole machine.


def findings(root: Path) -> Iterator[Finding]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield open_files(soft, hard)
    yield from _whole_machine(root)


def open_files(soft: int, hard: int) -> Finding:
    """The hard limit decides: the kit raises the soft one for what it starts."""
    found = f"{soft:,} soft, {hard:,} hard"
    possible = connections_possible(CONNECTIONS_WANTED, hard)
    if possible >= CONNECTIONS_WANTED:
        meaning = f"enough for {CONNECTIONS_WANTED:,} connections; the kit raises soft to hard"
        return Finding(group=_GROUP, check="open files", level="ok", found=found, meaning=meaning)
    return Finding(
        group=_GROUP,
        check="open files",
        level="problem" if possible < 1_000 else "warning",
        found=found,
        meaning=f"a process holds {possible:,} connections at most: memory and idle rows are taken "
        f"with fewer than {CONNECTIONS_WANTED:,}",
        todo="as root, for this shell: prlimit --pid $$ --nofile=65536:65536; for good: a line "
        "`* - nofile 65536` in /etc/security/limits.conf",
    )


def _whole_machine(root: Path) -> Iterator[Finding]:
    path = "/proc/sys/fs/file-max"
    text = read(root, path)
    if text is None or not text.isdigit():
        return
    wanted = _PER_CONNECTION * CONNECTIONS_WANTED * 2
    enough = int(text) >= wanted
    yield Finding(
        group=_GROUP,
        check="fs.file-max",
        level="ok" if enough else "warning",
        found=f"{int(text):,}",
        meaning="open files of the whole machine: "
        + ("enough" if enough else "connections are refused before the server is at its limit"),
        todo="" if enough else "raise it",
        changes=[] if enough else [Change(path, text, str(wanted))],
    )

"""What a server costs to write and to ship: lines of code, libraries, build times, size."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from pathlib import Path

from chinwag_bench.records import Effort
from chinwag_bench.servers.build import last_build
from chinwag_bench.servers.catalog import Server
from chinwag_bench.servers.lines_of_code import lines_of_code
from chinwag_bench.servers.manifest import VersionQuery
from chinwag_bench.servers.toolchain import ask

_NOT_DEPLOYED = frozenset({"build.log", "stamp.json", ".lock"})
_LINE = r"^\s*(\S.*)$"


def read_effort(server: Server) -> Effort:
    """Reads it from the tree, the last build's stamp and the ecosystem's own tools; what is not
    known is ``None``.
    """
    # A manifest that names no sources says nothing of their size.
    size = sum(lines_of_code(server.folder, server.manifest.loc).values()) or None
    effort = Effort(lines_of_code=size)
    built = last_build(server)
    if built is None:
        return effort
    effort.build_cold_s, effort.build_warm_s = built.cold_s, built.warm_s
    effort.deployed_bytes = sum(path.stat().st_size for path in _deployed(server))
    if server.manifest.dependencies:
        effort.dependencies_direct = _count(server, server.manifest.dependencies.direct)
        effort.dependencies_total = _count(server, server.manifest.dependencies.total)
    return effort


def _deployed(server: Server) -> set[Path]:
    """Links are not followed: what they point at is counted where it lies."""
    if server.manifest.deployed:
        found = set(_globbed(server))
    else:
        found = set(server.build_folder.rglob("*"))
    files = (path for path in found if path.is_file() and not path.is_symlink())
    return {path for path in files if path.name not in _NOT_DEPLOYED}


def _globbed(server: Server) -> Iterator[Path]:
    for pattern in server.filled(server.manifest.deployed):
        for name in glob.iglob(str(server.folder / pattern), recursive=True):
            yield Path(name)


def _count(server: Server, query: VersionQuery) -> int | None:
    """Distinct names in what the command says; ``None`` when it fails."""
    answer = ask(server, query.command)
    if answer is None:
        return None
    return len(set(re.findall(query.regex or _LINE, answer.stdout, re.MULTILINE)))

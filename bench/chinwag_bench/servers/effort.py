"""What a server costs to write and to ship: lines of code, build times, size."""

from __future__ import annotations

from pathlib import Path

from chinwag_bench.records import Effort
from chinwag_bench.servers.build import last_build
from chinwag_bench.servers.catalog import Server

_NOT_DEPLOYED = frozenset({"build.log", "stamp.json", ".lock"})


def read_effort(server: Server) -> Effort:
    """Reads it from the tree and from the last build's stamp; what is not known is ``None``."""
    built = last_build(server)
    return Effort(
        lines_of_code=count_lines(server.folder, server.manifest.loc),
        build_cold_s=built.cold_s if built else None,
        build_warm_s=built.warm_s if built else None,
        build_folder_bytes=_size(server.build_folder) if built else None,
    )


def count_lines(folder: Path, globs: list[str]) -> int | None:
    """Non-blank lines of the files that the globs name; ``None`` when the manifest names none."""
    files = {path for pattern in globs for path in folder.glob(pattern) if path.is_file()}
    if not files:
        return None
    return sum(bool(line.strip()) for path in files for line in path.read_bytes().splitlines())


def _size(folder: Path) -> int:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files if path.name not in _NOT_DEPLOYED)

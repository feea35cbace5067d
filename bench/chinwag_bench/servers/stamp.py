"""Content stamps: whether anything that a build depends on has changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from chinwag_bench.servers.catalog import Server

# Folders that builds and package managers fill. Lock files beside them say what they hold.
_DERIVED = frozenset(
    {"node_modules", "target", "_build", "deps", "build", "__pycache__", ".git", ".elixir_ls"}
)


def source_files(server: Server) -> Iterator[Path]:
    """Every file that the manifest's ``build.sources`` names, in a stable order."""
    for entry in server.manifest.build.sources:
        path = (server.folder / entry).resolve()
        yield from [path] if path.is_file() else _files_below(path)


def content_stamp(server: Server, versions: dict[str, str]) -> str:
    """A digest of the sources, the build commands and the versions read, so that a new compiler
    builds anew.
    """
    digest = hashlib.sha256()
    for path in source_files(server):
        digest.update(os.fsencode(path))
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for command in server.manifest.build.all_commands():
        digest.update(repr(server.filled(command)).encode())
    digest.update(
        repr((sorted(server.manifest.build.env.items()), sorted(versions.items()))).encode()
    )
    return digest.hexdigest()


def _files_below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _DERIVED)
        for name in sorted(files):
            path = Path(parent, name)
            if path.is_file():
                yield path

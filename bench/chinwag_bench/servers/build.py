"""Builds servers: once for the same content, never two builds of one server at a time."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from chinwag_bench.decoding import UNDECODABLE
from chinwag_bench.errors import HostError, ServerError
from chinwag_bench.servers.catalog import Server
from chinwag_bench.servers.environment import for_builds
from chinwag_bench.servers.process_tree import Program, run_to_end
from chinwag_bench.servers.stamp import content_stamp
from chinwag_bench.servers.toolchain import missing_reason, read_versions
from chinwag_bench.text import last_lines

_STAMP = "stamp.json"
_BUILD_TIMEOUT_S = 1800
# No content has this stamp, so that the next call builds again.
_EDITED = "sources changed during the build"


class BuildResult(msgspec.Struct, kw_only=True):
    """What a build came to. ``cold_s`` and ``warm_s`` are the last times measured, where there were
    any.
    """

    server: str
    skipped: bool
    stamp: str
    seconds: float
    cold_s: float | None = None
    """First build into an empty build folder. Package caches outside the tree may have been warm.
    """
    warm_s: float | None = None
    versions: dict[str, str] = {}
    log: str


def build(server: Server, *, force: bool = False) -> BuildResult:
    """Builds unless the content stamp says that the last build is still right.

    Raises ``HostError`` for a missing toolchain and ``ServerError`` with the log's last lines for a
    failed build."""
    reason = missing_reason(server)
    if reason:
        raise HostError(f"{server.name} can't be built: {reason}")
    with _locked(server.build_folder):
        versions = read_versions(server)
        stamp = content_stamp(server, versions)
        last = last_build(server)
        if last and last.stamp == stamp and not force and not missing_program(server):
            return msgspec.structs.replace(last, skipped=True, seconds=0.0)
        return _build_now(server, stamp, versions, last)


def last_build(server: Server) -> BuildResult | None:
    """What the last successful build wrote down, or ``None`` before the first."""
    try:
        return msgspec.json.decode((server.build_folder / _STAMP).read_bytes(), type=BuildResult)
    except (OSError, *UNDECODABLE):
        return None


def missing_program(server: Server) -> str | None:
    """A program that runs what this build made, and is not there; ``None`` where all are."""
    manifest = server.manifest
    own = [manifest.variants[program] for program in map(manifest.program_of, manifest.variants)]
    if server.built_for is None:
        ours = [variant for variant in own if variant.build is None]
    else:
        ours = [manifest.variants[server.built_for]]
    commands = [variant.command or manifest.run.command for variant in ours]
    programs = dict.fromkeys(server.filled(command)[0] for command in commands)
    # A path is one in the server's folder, as for the server's process; a name is looked for.
    return next((one for one in programs if not shutil.which(_in_folder(server, one))), None)


def _in_folder(server: Server, program: str) -> str:
    return str(server.folder / program) if "/" in program else program


def _build_now(
    server: Server, stamp: str, versions: dict[str, str], last: BuildResult | None
) -> BuildResult:
    log = server.build_folder / "build.log"
    # While the build runs, and if it fails, nothing may claim that the binaries are up to date.
    (server.build_folder / _STAMP).unlink(missing_ok=True)
    started = time.monotonic()
    with log.open("wb") as output:
        for command in server.manifest.build.all_commands():
            _run_step(server, server.filled(command), output)
    if absent := missing_program(server):
        raise _failed(server, f"it made no {absent}, which is what runs", str(log))
    result = BuildResult(
        server=server.name,
        skipped=False,
        stamp=stamp if content_stamp(server, versions) == stamp else _EDITED,
        seconds=time.monotonic() - started,
        log=str(log),
    )
    return _write_stamp(server, result, last)


def _write_stamp(server: Server, result: BuildResult, last: BuildResult | None) -> BuildResult:
    """The stamp holds the versions of now: some libraries can be asked only once they are built."""
    result.versions = read_versions(server)
    if result.stamp != _EDITED:
        result.stamp = content_stamp(server, result.versions)
    result.cold_s = last.cold_s if last else result.seconds
    result.warm_s = result.seconds if last else None
    (server.build_folder / _STAMP).write_bytes(msgspec.json.encode(result))
    return result


def _run_step(server: Server, command: list[str], output: IO[bytes]) -> None:
    output.write(f"$ {' '.join(command)}\n".encode())
    output.flush()
    step = Program(name=server.name, command=command, folder=server.folder, env=for_builds(server))
    try:
        code = run_to_end(step, output, _BUILD_TIMEOUT_S)
    except TimeoutError as error:
        raise _failed(server, f"no end after {_BUILD_TIMEOUT_S} s", output.name) from error
    if code != 0:
        raise _failed(server, f"`{command[0]}` exited with {code}", output.name)


def _failed(server: Server, what: str, log: str) -> ServerError:
    return ServerError(
        f"{server.build_name} did not build: {what}",
        hint=f"the whole log: {log}",
        detail=last_lines(Path(log)),
    )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Two commands may build at once; the second waits and then finds the first one's stamp."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

"""What a server needs on this machine, and which versions are really here."""

from __future__ import annotations

import re
import shutil
import subprocess

from chinwag_bench.servers.catalog import Server
from chinwag_bench.servers.environment import for_builds
from chinwag_bench.servers.manifest import VersionQuery

_QUERY_TIMEOUT_S = 30
_SETUP = re.compile(r"run `make setup`")


def missing_reason(server: Server) -> str | None:
    """Why the server can't be built here, in the manifest's words, or ``None`` when everything is
    present.
    """
    toolchain = server.manifest.toolchain
    absent = [name for name in toolchain.requires if shutil.which(name) is None]
    if absent:
        return f"{', '.join(absent)} not found. {_what_to_do(server)}"
    failed = [check for check in toolchain.checks if ask(server, check) is None]
    return _what_to_do(server) if failed else None


def _what_to_do(server: Server) -> str:
    """The manifest's words, without an advice that was followed already: `make setup` installs what
    it can, and says which it could not.
    """
    words = server.manifest.toolchain.missing
    if server.workspace.is_set_up:
        words = _SETUP.sub("`make setup` could not install it", words)
        words = words.replace("could not install it, or ", "could not install it: ")
    return words


def read_versions(server: Server) -> dict[str, str]:
    """Versions by asking each tool and library now. One that can't be read is left out, never
    guessed.
    """
    versions = {}
    for name, query in server.manifest.versions.items():
        found = _version(server, query)
        if found:
            versions[name] = found
    return versions


def _version(server: Server, query: VersionQuery) -> str | None:
    answer = ask(server, query.command)
    if answer is None:
        return None
    # Some tools (older Erlang, java) print their version on standard error.
    return pick_version(answer.stdout.strip() or answer.stderr.strip(), query.regex)


def ask(server: Server, command: list[str]) -> subprocess.CompletedProcess[str] | None:
    """What a manifest's command says in the server's folder, asked as its build is made; ``None``
    when it fails.
    """
    try:
        return subprocess.run(
            server.filled(command),
            cwd=server.folder,
            env=for_builds(server),
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=_QUERY_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None


def pick_version(output: str, regex: str | None) -> str | None:
    """The first line of a tool's output, or the first group of ``regex`` anywhere in it."""
    if regex is None:
        return output.splitlines()[0].strip() if output else None
    match = re.search(regex, output)
    return match[1] if match else None

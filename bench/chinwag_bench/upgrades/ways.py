"""The ways in which a running server is replaced by another build, and what proves that it was."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chinwag_bench.errors import ServerError
from chinwag_bench.servers.catalog import Target
from chinwag_bench.servers.environment import for_builds, for_servers
from chinwag_bench.servers.manifest import fill
from chinwag_bench.servers.process import ServerProcess
from chinwag_bench.servers.process_tree import Program, run_to_end
from chinwag_bench.servers.supervisor import descendants

OLD_BUILD, NEW_BUILD = "1", "2"
BUILD_VARIABLE = "CHAT_BUILD"
LISTENS_FOR_IT = ("socket",)
_LEAVES_WITHIN_S = 8.0
_SERVES_WITHIN_S = 15.0
_COMMAND_TIMEOUT_S = 20.0
_PREPARE_TIMEOUT_S = 300.0
_LOOK_S = 0.005
Health = dict[str, Any]


def prepare(target: Target, values: dict[str, str], log: Path) -> None:
    """Runs what is to be done before the server starts. Raises ``ServerError``."""
    for command in target.hot_upgrade.prepare:
        env = for_builds(target.server)
        _run(target, command, values, env, log, _PREPARE_TIMEOUT_S)


def replace(server: ServerProcess, before: Health, values: dict[str, str], log: Path) -> str | None:
    """Replaces the running build, and returns how that showed: of its processes, where those are
    what is replaced. ``before`` is what /health says of the old ones. Raises ``ServerError`` where
    it does not come to its end.
    """
    target = server.launch.target
    way = target.hot_upgrade.way
    if way in ("code", "handover", "workers"):
        own = {key: fill(text, values) for key, text in target.hot_upgrade.env.items()}
        named = values | {"pid": str(server.pid)}
        for command in target.hot_upgrade.commands:
            _run(target, command, named, for_servers() | own, log, _COMMAND_TIMEOUT_S)
    if way == "code":
        return "its program goes on"
    if way == "handover":
        after = _wait_for(server, lambda now: now["pid"] != before["pid"], "a new process")
        server.follow_successor(int(after["pid"]))
        _expect_left(server)
        return _instead(before, after, "pid")
    if way == "workers":
        old = set(before["workers"])
        after = _wait_for(server, lambda now: old.isdisjoint(now["workers"]), "new workers alone")
        return _instead(before, after, "workers")
    if way == "restart":
        os.kill(server.pid, signal.SIGTERM)
        if server.wait_ended(_LEAVES_WITHIN_S) is None:
            raise ServerError(f"{target.id} does not leave within {_LEAVES_WITHIN_S:.0f} s")
        after = _started(server)
        return _instead(before, after, "pid")
    former = server.pid
    after = _started(server)
    os.kill(former, signal.SIGTERM)
    _expect_left(server)
    return _instead(before, after, "pid")


def look(server: ServerProcess) -> Health:
    """Raises ``ServerError`` where it does not say who serves."""
    return _wait_for(server, lambda now: "pid" in now and "workers" in now, "a process with a name")


def _started(server: ServerProcess) -> Health:
    """Starts the new build and waits until it is what answers."""
    pid = server.succeed()

    def is_new(now: Health) -> bool:
        server.check_alive()
        return now["pid"] in (pid, *descendants(pid))

    return _wait_for(server, is_new, f"process {pid}")


def _wait_for(server: ServerProcess, found: Callable[[Health], bool], what: str) -> Health:
    """By /health, which whoever has the listening socket at that moment answers."""
    deadline = time.monotonic() + _SERVES_WITHIN_S
    while True:
        now = server.health()
        if now is not None and found(now):
            return now
        if time.monotonic() > deadline:
            raise ServerError(
                f"{server.launch.target.id}: {what} is not what answers /health, "
                f"{_SERVES_WITHIN_S:.0f} s after the upgrade began",
                detail=server.log_tail(),
            )
        if now is None:
            server.check_alive()
        time.sleep(_LOOK_S)


def _expect_left(server: ServerProcess) -> None:
    if not server.wait_until_left(_LEAVES_WITHIN_S):
        raise ServerError(
            f"{server.launch.target.id}: the old process does not leave within "
            f"{_LEAVES_WITHIN_S:.0f} s",
            detail=server.log_tail(),
        )


def _instead(before: Health, after: Health, key: str) -> str | None:
    """``None`` where it is the same process as before."""
    old, new = before[key], after[key]
    return None if old == new else f"{key} {old} before, {new} after"


def _run(
    target: Target,
    command: list[str],
    values: dict[str, str],
    env: dict[str, str],
    log: Path,
    timeout_s: float,
) -> None:
    filled = target.server.filled(command, values)
    step = Program(name=target.id, command=filled, folder=target.server.folder, env=env)
    with log.open("ab") as output:
        try:
            code = run_to_end(step, output, timeout_s)
        except TimeoutError as error:
            raise ServerError(
                f"{target.id}: `{filled[0]}` does not end", detail=str(log)
            ) from error
    if code != 0:
        raise ServerError(f"{target.id}: `{' '.join(filled)}` exited with {code}: see {log}")

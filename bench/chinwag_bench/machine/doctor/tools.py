"""What the kit itself needs: toolchains, the load generator, Redis."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from chinwag_bench.errors import HostError
from chinwag_bench.machine.doctor.finding import Finding
from chinwag_bench.paths import Workspace
from chinwag_bench.servers.catalog import Server, discover
from chinwag_bench.servers.network import Network
from chinwag_bench.servers.toolchain import missing_reason

_GROUP = "tools"


def findings(workspace: Workspace) -> Iterator[Finding]:
    yield generator(workspace)
    catalog = discover(workspace)
    for server in catalog.offered(peers=False):
        yield toolchain(server)
    for error in catalog.broken:
        yield Finding(
            group=_GROUP,
            check="manifest",
            level="problem",
            found=error.message,
            meaning="this server is left out",
            todo=error.hint or "mend the manifest",
        )
    yield redis()
    yield links()


def generator(workspace: Workspace) -> Finding:
    """Without it nothing can be measured."""
    try:
        found, level, hint = str(workspace.generator()), "ok", ""
    except HostError as error:
        found, level, hint = error.message, "problem", error.hint or ""
    return Finding(
        group=_GROUP,
        check="load generator",
        level=level,  # type: ignore[arg-type]
        found=found,
        meaning="present" if level == "ok" else "nothing can be measured",
        todo=hint,
    )


def toolchain(server: Server) -> Finding:
    reason = missing_reason(server)
    return Finding(
        group=_GROUP,
        check=f"toolchain of {server.name}",
        level="ok" if reason is None else "warning",
        found=", ".join(server.manifest.toolchain.requires) if reason is None else "missing",
        meaning="it can be built" if reason is None else "its column stays empty, with this reason",
        todo=reason or "",
    )


def redis() -> Finding:
    path = shutil.which("redis-server")
    return Finding(
        group=_GROUP,
        check="Redis",
        level="ok" if path else "warning",
        found=path or "not found",
        meaning="joins nodes of the variants `cluster`; the kit starts one of its own for them"
        if path
        else "the variants `cluster` that need it can be neither verified nor measured",
        todo="" if path else "run `make setup`, or install redis-server (7.0 or newer)",
    )


def links() -> Finding:
    """Whether nodes can get links that are cut, tried out."""
    try:
        with Network(1):
            found = ""
    except HostError as error:
        found = error.message
    return Finding(
        group=_GROUP,
        check="links between nodes",
        level="warning" if found else "ok",
        found=found or "network namespaces can be made",
        meaning="the outage `link_cut` of clusters is not measured"
        if found
        else "a node's link can be cut",
        todo="run as root, where network namespaces may be made, with iproute2" if found else "",
    )

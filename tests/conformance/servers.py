"""The servers under test: which were asked for, and one running instance for each setting."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from chinwag_bench.errors import ChinwagError, ManifestError
from chinwag_bench.paths import find_workspace
from chinwag_bench.servers.build import build
from chinwag_bench.servers.catalog import Catalog, Target, discover
from chinwag_bench.servers.cluster import Cluster
from chinwag_bench.servers.health import ask_health
from chinwag_bench.servers.manifest import Conformance
from chinwag_bench.servers.process import Launch, ServerProcess, start_server
from chinwag_bench.servers.toolchain import missing_reason

from . import skips
from .handshake import Address


@dataclass(frozen=True)
class Choice:
    """One server to test: a target of the catalog, or a server that runs already at ``url``."""

    id: str
    target: Target | None = None
    url: str | None = None

    def skip_reason(self, name: str) -> str | None:
        """Why the manifest leaves this case or test out. ``*`` in its keys stands for anything."""
        declared = self.target.server.manifest.conformance.skip if self.target else {}
        return next((why for key, why in declared.items() if skips.covers(key, name)), None)

    @property
    def transport(self) -> str:
        return self.target.server.manifest.transport if self.target else "websocket"

    @property
    def variant(self) -> str:
        return self.target.variant if self.target else "default"

    @property
    def framing_code_is_due(self) -> bool:
        """Whether F9's close code must be sent, or the end of the TCP connection is enough."""
        if self.target is None:
            return False
        return self.target.server.manifest.conformance.framing_faults == "1002"

    @property
    def has_nodes(self) -> bool:
        """Whether it is made to be one of several nodes."""
        return self.target is not None and self.target.settings.backplane is not None

    @property
    def pending_bytes(self) -> int:
        """What may wait for a member that does not read (L4)."""
        conformance = self.target.server.manifest.conformance if self.target else Conformance()
        return conformance.pending_bytes


@dataclass(frozen=True)
class Running:
    """A server that answers. ``process`` is None if somebody else started it."""

    choice: Choice
    address: Address
    process: ServerProcess | None = None
    elsewhere: tuple[Address, ...] = ()
    """Where the other nodes answer, if it is one of several."""

    @property
    def addresses(self) -> tuple[Address, ...]:
        return (self.address, *self.elsewhere)

    @property
    def health_address(self) -> Address:
        """Where ``/health`` is answered: most often at the server's own address."""
        target = self.choice.target
        host = (target and target.server.manifest.health_host) or self.address.host
        return Address(host, self.address.port)

    def health(self) -> dict[str, Any]:
        health = ask_health(self.health_address.port, self.health_address.host)
        assert health is not None, f"{self.choice.id} does not answer GET /health any more"
        return health


@functools.cache
def catalog() -> Catalog:
    return discover(find_workspace())


def chosen(names: list[str], urls: list[str]) -> list[Choice]:
    """What the command line asks for; without a word, every server in its default variant."""
    if urls:
        return [Choice(id=url, url=url) for url in urls]
    if names:
        targets = [catalog().target(name) for group in names for name in group.split(",")]
    else:
        targets = catalog().targets(["default"])
    for target in targets:
        _check_skips(target)
    return [Choice(id=target.base_id, target=target) for target in targets]


def _check_skips(target: Target) -> None:
    """Raises ``ManifestError`` where a skip covers more than it names."""
    for key in target.server.manifest.conformance.skip:
        if (fault := skips.fault_of(key)) is not None:
            raise ManifestError(
                f"{target.server.folder}/server.toml: `conformance.skip`: {fault}",
                hint="name each case, or give the pattern a longer beginning",
            )


@dataclass
class Fleet:
    """Starts servers when they are first needed and stops them all at the end of the session."""

    logs: Path
    _running: dict[tuple[str, str], Running] = field(default_factory=dict)
    _failed: dict[str, ChinwagError] = field(default_factory=dict)
    _clusters: list[Cluster] = field(default_factory=list)

    def shared(self, choice: Choice, setting: str = "usual", **env: str) -> Running:
        """The instance that all tests with this setting use; two nodes, if it is made for that."""
        key = (choice.id, setting)
        if key not in self._running:
            if choice.has_nodes:
                self._running[key] = self._start_nodes(choice, setting, **env)
            else:
                self._running[key] = self.start(choice, setting, **env)  # type: ignore[arg-type]
        return self._running[key]

    def _start_nodes(self, choice: Choice, setting: str, **env: str) -> Running:
        cluster = self.cluster(choice, setting, **env)
        self._clusters.append(cluster)
        first, *others = addresses(choice, cluster)
        return Running(choice, first, cluster.nodes[0], tuple(others))

    def cluster(self, choice: Choice, setting: str = "own", **env: str) -> Cluster:
        """New nodes, which the caller ends."""
        try:
            return Cluster(self.launch(choice, setting, **env))
        except ChinwagError as error:
            self._failed[choice.id] = error
            pytest.fail(error.text(), pytrace=False)

    def start(
        self,
        choice: Choice,
        setting: str = "own",
        *,
        host: str = "127.0.0.1",
        workers: int = 1,
        **env: str,
    ) -> Running:
        """A new instance, which the caller stops (or leaves to :meth:`stop`)."""
        if choice.url is not None:
            return _already_running(choice)
        launch = self.launch(choice, setting, **env)
        launch = msgspec.structs.replace(launch, host=host, workers=workers)
        try:
            process = start_server(launch)
        except ChinwagError as error:
            self._failed[choice.id] = error
            pytest.fail(error.text(), pytrace=False)
        return Running(choice, Address(launch.host, process.port, choice.transport), process)

    def launch(self, choice: Choice, setting: str, **env: str) -> Launch:
        """How to start an instance; builds the server first if its sources have changed."""
        target = choice.target
        assert target is not None, "a server named by --url is not started here"
        if choice.id in self._failed:
            pytest.fail(f"{choice.id} could not be started before", pytrace=False)
        if (reason := missing_reason(target.server)) is not None:
            pytest.skip(f"{choice.id}: {reason}")
        try:
            build(target.server)
        except ChinwagError as error:
            self._failed[choice.id] = error
            pytest.fail(error.text(), pytrace=False)
        log = self.logs / f"{choice.id.replace(':', '-')}-{setting}.log"
        return Launch(target=target, log=log, env=env)

    def stop(self) -> None:
        for cluster in self._clusters:
            cluster.end()
        for running in self._running.values():
            if running.process is not None:
                running.process.stop()
        self._running.clear()


def addresses(choice: Choice, cluster: Cluster) -> list[Address]:
    nodes = cluster.nodes
    return [Address(node.launch.host, node.port, choice.transport) for node in nodes]


def _already_running(choice: Choice) -> Running:
    parts = urlsplit(choice.url or "")
    if not parts.hostname or not parts.port:
        raise pytest.UsageError(f"--url {choice.url}: give it as http://HOST:PORT")
    return Running(choice, Address(parts.hostname, parts.port))

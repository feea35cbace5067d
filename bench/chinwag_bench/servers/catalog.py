"""The servers that this checkout knows, and the columns that a user's words mean."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

import msgspec

from chinwag_bench.errors import ManifestError, UsageError
from chinwag_bench.paths import Workspace
from chinwag_bench.records import Threads
from chinwag_bench.servers.manifest import (
    Build,
    HotUpgrade,
    Manifest,
    Toolchain,
    Variant,
    fill,
    load_manifest,
)

MANIFEST_GLOBS = (
    "core/app/server.toml",
    "reference-impls/*/server.toml",
    "bindings/hosted/*/server.toml",
)
AGAIN = " (again)"


class Server(msgspec.Struct, frozen=True):
    """A manifest and where it was found."""

    manifest: Manifest
    folder: Path
    workspace: Workspace
    built_for: str | None = None
    """The variant that has this build for itself; ``None`` for the build that the others share."""

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def build_name(self) -> str:
        """What is built at once has one name. No server's name has a dot in it."""
        return self.name if self.built_for is None else f"{self.name}.{self.built_for}"

    @property
    def build_folder(self) -> Path:
        return self.workspace.server_build(self.build_name)

    @property
    def peer_variants(self) -> list[str]:
        """Variants that are optional peers though the server is none."""
        variants = self.manifest.variants.items()
        return [] if self.manifest.peer else [name for name, one in variants if one.peer]

    @property
    def usual_variants(self) -> list[str]:
        """All but those that are there for an experiment."""
        return [name for name, one in self.manifest.variants.items() if not one.experiment]

    def in_variant(self, name: str) -> Target:
        """The column of this variant, with the sources, build and versions that it has for itself.
        Raises ``KeyError`` if the manifest has no such variant.
        """
        program = self.manifest.program_of(name)
        built = self.manifest.variants[program]
        skip = self.manifest.conformance.skip | self.manifest.variants[name].skip
        manifest = msgspec.structs.replace(
            self.manifest,
            loc=self.manifest.loc + built.loc,
            toolchain=_own_toolchain(self.manifest.toolchain, built.toolchain),
            build=_own_build(self.manifest.build, built.build),
            versions=self.manifest.versions | built.versions,
            dependencies=built.dependencies or self.manifest.dependencies,
            conformance=msgspec.structs.replace(self.manifest.conformance, skip=skip),
        )
        built_for = None if built.build is None else program
        server = msgspec.structs.replace(self, manifest=manifest, built_for=built_for)
        return Target(server, name)

    def placeholders(self) -> dict[str, str]:
        return {
            "build": str(self.build_folder),
            "folder": str(self.folder),
            "root": str(self.workspace.root),
            "python": sys.executable,
        }

    def filled(self, command: list[str], extra: dict[str, str] | None = None) -> list[str]:
        values = self.placeholders() | (extra or {})
        return [fill(argument, values) for argument in command]


class Target(msgspec.Struct, frozen=True):
    """A server in one variant: what gets started. ``again`` marks an A/A pair's second name."""

    server: Server
    variant: str = "default"
    again: bool = False

    @property
    def settings(self) -> Variant:
        return self.server.manifest.variants[self.variant]

    @property
    def threads(self) -> Threads:
        return self.settings.threads or self.server.manifest.threads

    @property
    def hot_upgrade(self) -> HotUpgrade:
        """How it is replaced by another build while it serves."""
        return self.settings.hot_upgrade or self.server.manifest.hot_upgrade

    @property
    def as_nodes(self) -> Target | None:
        """Of a default variant: its server's variant of several nodes."""
        if self.variant != "default" or self.again:
            return None
        for name, variant in self.server.manifest.variants.items():
            if variant.backplane is not None:
                return self.server.in_variant(name)
        return None

    @property
    def is_peer(self) -> bool:
        return self.server.manifest.peer or self.settings.peer

    @property
    def base_id(self) -> str:
        """The name by which the command line and the conformance suite know it."""
        return (
            self.server.name if self.variant == "default" else f"{self.server.name}:{self.variant}"
        )

    @property
    def id(self) -> str:
        """The column's name in every record."""
        return self.base_id + AGAIN if self.again else self.base_id


class Catalog(msgspec.Struct):
    servers: dict[str, Server]
    broken: list[ManifestError]

    def target(self, name: str) -> Target:
        """What NAME or NAME:VARIANT means. Raises ``UsageError`` with the nearest known names."""
        server_name, _, variant = name.partition(":")
        server = self.servers.get(server_name)
        if server is None:
            raise self._unknown(server_name)
        if variant and variant not in server.manifest.variants:
            known = ", ".join(server.manifest.variants)
            raise UsageError(f"{server_name} has no variant {variant!r}", hint=f"it has: {known}")
        return server.in_variant(variant or "default")

    def offered(self, *, peers: bool) -> list[Server]:
        """The servers that are meant where none is named, in the catalog's order; optional peers
        only if they are wanted.
        """
        return [server for server in self.servers.values() if peers or not server.manifest.peer]

    def targets(self, variants: list[str], *, peers: bool = False) -> list[Target]:
        """Every server that is offered, in each of the variants that it has, once."""
        every = self.every_variant(peers=peers)
        by_place = {(target.server.name, target.variant): target for target in every}
        places = [(name, variant) for name in self.servers for variant in dict.fromkeys(variants)]
        return [by_place[place] for place in places if place in by_place]

    def every_variant(self, *, peers: bool = False) -> list[Target]:
        """Every server that is offered, in each variant that is neither optional nor there for an
        experiment.
        """
        targets = [
            server.in_variant(variant)
            for server in self.offered(peers=peers)
            for variant in server.usual_variants
        ]
        return [target for target in targets if peers or not target.is_peer]

    def experiments(self) -> list[Target]:
        """What puts a statement of the articles to the test."""
        return [
            server.in_variant(name)
            for server in self.servers.values()
            for name, variant in server.manifest.variants.items()
            if variant.experiment
        ]

    def named(self, names: list[str], *, peers: bool = False) -> list[Target]:
        """What each name means, and with ``peers`` the optional peers' defaults behind them; each
        target once, where it is named first, as its name is its column's. Raises ``UsageError`` for
        a name that means nothing.
        """
        named = [self.target(name) for name in names]
        more = [target for target in self.targets(["default"], peers=peers) if target.is_peer]
        found: dict[str, Target] = {}
        for target in (*named, *more):
            found.setdefault(target.base_id, target)
        return list(found.values())

    def _unknown(self, name: str) -> UsageError:
        for error in self.broken:
            if f"/{name}/server.toml" in error.message:
                return UsageError(f"{name} has a broken manifest: {error.message}", hint=error.hint)
        near = difflib.get_close_matches(name, self.servers, n=3, cutoff=0.5)
        known = ", ".join(self.servers) or "none: no server.toml was found"
        meant = f"did you mean {' or '.join(near)}? " if near else ""
        return UsageError(f"there is no server {name!r}", hint=f"{meant}known: {known}")


def discover(workspace: Workspace) -> Catalog:
    """Reads every manifest. A broken one is kept as its error, so that the others stay usable."""
    servers: dict[str, Server] = {}
    broken: list[ManifestError] = []
    for path in _manifest_paths(workspace.root):
        try:
            server = Server(load_manifest(path), path.parent, workspace)
            if path.parents[1].name == "reference-impls" and server.name != path.parent.name:
                raise ManifestError(
                    f"{path}: `name` is {server.name!r}, its folder is {path.parent.name!r}",
                    hint="give both the same name",
                )
            if server.name in servers:
                other = servers[server.name].folder
                raise ManifestError(f"{path}: `name` {server.name!r} is taken by {other}")
            servers[server.name] = server
        except ManifestError as error:
            broken.append(error)
    return Catalog(servers, broken)


def _own_build(shared: Build, own: Build | None) -> Build:
    """What a variant does not say about its build is as in the shared one."""
    if own is None:
        return shared
    same = {} if own.all_commands() else {"command": shared.command, "commands": shared.commands}
    return msgspec.structs.replace(own, env=shared.env | own.env, **same)


def _own_toolchain(shared: Toolchain, own: Toolchain | None) -> Toolchain:
    if own is None:
        return shared
    return msgspec.structs.replace(
        own, requires=shared.requires + own.requires, checks=shared.checks + own.checks
    )


def _manifest_paths(root: Path) -> list[Path]:
    return [path for pattern in MANIFEST_GLOBS for path in sorted(root.glob(pattern))]

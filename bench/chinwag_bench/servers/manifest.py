"""The manifest of a compared server, ``server.toml``, as types, and its checks.

Adding a server means adding a folder with a manifest; nothing here names one.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import msgspec

from chinwag_bench.decoding import UNDECODABLE
from chinwag_bench.errors import ManifestError
from chinwag_bench.records import Threads

PLACEHOLDERS = frozenset({"build", "folder", "root", "port", "workers", "python"})
_OF_UPGRADES = frozenset({"work", "side_port", "pid"})
TRANSPORTS = ("websocket", "engine.io", "wse", "centrifugo")
NAME_PATTERN = r"^[a-z][a-z0-9-]*$"

_PLACEHOLDER = re.compile(r"(?<!\{)\{([a-z_]+)\}(?!\})")
_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<key>.*)`)?$", re.DOTALL)

_SCHEMA = "bench/chinwag_bench/schemas/manifest.schema.json"

Command = list[str]


class Toolchain(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Commands that must be on PATH, and what to tell the user when one is not."""

    requires: list[str] = []
    checks: list[Command] = []
    """Commands that must succeed, for what is no command itself: a library, a tool's plugin."""
    missing: str = ""


class Build(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How to build. Commands run one after the other in the server's folder."""

    command: Command | None = None
    commands: list[Command] = []
    env: dict[str, str] = {}
    sources: list[str] = msgspec.field(default_factory=lambda: ["."])
    """Files and folders, relative to the server's, whose content decides whether a build is up to
    date.
    """

    def all_commands(self) -> list[Command]:
        return ([self.command] if self.command else []) + self.commands


class VersionQuery(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A command whose first output line, or the first group of ``regex`` in it, is a version."""

    command: Command
    regex: str | None = None


class Dependencies(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How to list libraries once the server is built: each distinct output line, or each first
    group of ``regex``, is one. Those that come with the language do not count.
    """

    direct: VersionQuery
    total: VersionQuery


class Run(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    command: Command
    env: dict[str, str] = {}


KillableUnit = Literal["process", "worker", "connection"]
BackplaneKind = Literal["redis", "distribution"]


UpgradeWay = Literal["code", "handover", "workers", "socket", "port", "restart"]


class HotUpgrade(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How a running server is replaced by another build, by its best way."""

    way: UpgradeWay
    """``code``: into the running program; ``handover``: its process hands its connections to
    another; ``workers``: one worker after the other; ``socket``: a new process gets the same
    listening socket, then the old one is told to stop; ``port``: the same, with a listening socket
    of its own on the same port (SO_REUSEPORT); ``restart``: the old one is stopped first.
    """
    because: str = ""
    """Why no gentler way was there."""
    unasked: str = ""
    """Why clients can't ask for the build, if they can't."""
    prepare: list[Command] = []
    """Run before the server is started, so that all is built and in place by then. ``{work}`` is an
    empty folder of its own, ``{side_port}`` a free port.
    """
    command: Command | None = None
    """Started in place of the usual one."""
    env: dict[str, str] = {}
    commands: list[Command] = []
    """Run when the time has come, where the server or its program does the rest: ``code``,
    ``handover`` and ``workers``. ``{pid}`` is the running process.
    """


class Variant(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One way to run the server. ``command`` replaces ``run.command`` where a variant is another
    binary.
    """

    description: str = ""
    threads: Threads | None = None
    """Where it differs from the server's."""
    smallest_killable_unit: KillableUnit | None = None
    """Where it differs from the server's."""
    peer: bool = False
    """Left out, as a peer is, without ``--peers`` or its name: it needs what few machines have."""
    experiment: str = ""
    """The statement of the articles that it puts to the test, such as ``A54``: it differs from
    another variant in that alone, and only ``chinwag claims --run`` or its name asks for it."""
    program_of: str | None = None
    """The variant whose program this one starts under other settings. Sources, build, toolchain,
    versions and dependencies are that one's."""
    backplane: BackplaneKind | None = None
    """What carries messages between its nodes, where members of a room may be on several:
    ``redis``, which the kit starts and names in ``CHAT_BACKPLANE``; or the runtime's own
    ``distribution``, for which the kit gives each node a name and those of its peers."""
    env: dict[str, str] = {}
    command: Command | None = None
    caveats: list[str] = []
    loc: list[str] = []
    """Source files that it runs on top of the server's own ``loc``, which all variants run."""
    build: Build | None = None
    """A build of its own, in a build folder of its own: what of ``[build]`` differs."""
    toolchain: Toolchain | None = None
    """What a build of its own needs on top; its text is shown in place of the server's."""
    versions: dict[str, VersionQuery] = {}
    """Asked in place of the server's of the same name: only a build of its own can differ."""
    dependencies: Dependencies | None = None
    """Asked in place of the server's, where a build of its own takes other libraries."""
    hot_upgrade: HotUpgrade | None = None
    """Where it differs from the server's."""
    skip: dict[str, str] = {}
    """Cases that it can't be asked on top of the server's, each with the reason."""


class Echo(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Settings under which /echo returns each message to its sender."""

    env: dict[str, str] = {}


class SupervisorLimit(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A part that ends more than ``restarts`` times within ``seconds`` ends its supervisor."""

    part: str
    restarts: int
    seconds: float


class Faults(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How faults are asked for under ``CHAT_FAULTS=1``; see protocol/chat-1.md."""

    form: Literal["type", "content"]
    """By messages of the types ``__crash`` and ``__spin``, or by room messages with that content,
    where a program sees contents alone."""
    parts: dict[str, str] = {}
    """Inner parts that can be killed, by the type of the message that does it."""
    supervisor: SupervisorLimit | None = None
    """How often one of them is started again before its supervisor gives up."""


class Conformance(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What the protocol lets a server choose, and cases that it can't be asked, each with the
    reason.
    """

    framing_faults: str = "1002"
    pending_bytes: int = 1_048_576
    """What may wait for a member that does not read: for a queue that counts messages, its length
    times 4 KiB.
    """
    skip: dict[str, str] = {}


class Manifest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: str
    title: str
    """``{NAME}`` in it is the version read under this name: nothing where none is known."""
    language: str
    description: str
    peer: bool = False
    """A library to compare with on top of the servers that every run has: it is built, verified and
    measured only with ``--peers``, or when it is named.
    """
    smallest_killable_unit: KillableUnit
    """What ends by itself when it is killed: the program's ``process``, one ``worker`` of its
    processes, or in a virtual machine the process of one ``connection``."""
    upgrade: str
    caveats: list[str] = []
    loc: list[str] = []
    """Globs, relative to the server's folder, of the source files that every variant runs. What
    only some of them run stands with those, the default among them.
    """
    deployed: list[str] = []
    """Globs, relative to the server's folder or beginning with a placeholder, of what has to be
    copied to a machine that has the language's runtime. Without any: the whole build folder.
    """
    dependencies: Dependencies | None = None
    published: str | None = None
    """The articles' column that this server stands for."""
    threads: Threads = "one"
    transport: str = "websocket"
    """How messages travel: ``websocket``, as text on /ws; ``engine.io``, as Socket.IO events;
    ``wse``, as text beside wse-server's own pings; ``centrifugo``, as commands and replies of
    Centrifugo's JSON protocol.
    """
    health_host: str | None = None
    """Where /health is asked, on the server's port, if a library answers no HTTP but upgrades."""
    toolchain: Toolchain = msgspec.field(default_factory=Toolchain)
    build: Build = msgspec.field(default_factory=Build)
    versions: dict[str, VersionQuery] = {}
    run: Run
    echo: Echo | None = None
    """The load generator is calibrated by a server that has this table."""
    faults: Faults | None = None
    """A program without one has no handlers of its own: its processes can be killed, no more."""
    hot_upgrade: HotUpgrade = msgspec.field(default_factory=lambda: HotUpgrade(way="restart"))
    variants: dict[str, Variant]
    conformance: Conformance = msgspec.field(default_factory=Conformance)

    def program_of(self, variant: str) -> str:
        """The variant whose program it starts: mostly its own."""
        return self.variants[variant].program_of or variant

    def titled(self, known_versions: dict[str, str]) -> str:
        """The title with the versions that it names."""
        filled = _PLACEHOLDER.sub(lambda found: known_versions.get(found[1], ""), self.title)
        return " ".join(filled.split())


def load_manifest(path: Path) -> Manifest:
    """Reads and checks one manifest. Raises ``ManifestError`` naming the file, the key and what to
    do.
    """
    try:
        manifest = msgspec.toml.decode(path.read_bytes(), type=Manifest)
    except OSError as error:
        raise ManifestError(f"{path}: can't be read: {error.strerror}") from error
    except msgspec.ValidationError as error:
        raise ManifestError(f"{path}: {_located(str(error))}", hint=_hint(str(error))) from error
    except UNDECODABLE as error:
        raise ManifestError(f"{path}: not valid TOML: {error}") from error
    for key, problem, hint in _problems(manifest):
        raise ManifestError(f"{path}: `{key}` {problem}", hint=hint)
    return manifest


def manifest_schema() -> dict[str, Any]:
    """The JSON Schema of ``server.toml``, for editors and for people who add a server."""
    schema = msgspec.json.schema(Manifest)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Chinwag: manifest of a compared server"
    return schema


def _located(message: str) -> str:
    """Puts msgspec's trailing path first: people look for the key, then for the problem."""
    match = _AT.match(message)
    if match is None or not match["key"]:
        return message
    return f"`{match['key']}`: {match['what']}"


def _hint(message: str) -> str:
    if "unknown field" in message:
        return f"remove the key, or look up its name in {_SCHEMA}"
    if "missing required field" in message:
        return "add the key; reference-impls has examples"
    return f"the types are in {_SCHEMA}"


def _problems(manifest: Manifest) -> list[tuple[str, str, str]]:
    """What the types alone can't say: (key, problem, what to do)."""
    found = []
    if not re.match(NAME_PATTERN, manifest.name):
        found.append(
            ("name", f"is {manifest.name!r}", "use lower-case letters, digits and hyphens")
        )
    if manifest.transport not in TRANSPORTS:
        hint = f"use one of: {', '.join(TRANSPORTS)}"
        found.append(("transport", f"is {manifest.transport!r}", hint))
    found += [
        ("title", f"names the version {{{name}}}, which is not read", "add it to [versions]")
        for name in _PLACEHOLDER.findall(manifest.title)
        if name not in manifest.versions
    ]
    if "default" not in manifest.variants:
        found.append(("variants", "has no `default`", "add a [variants.default] section"))
    hint = "say how to install the toolchain: this text is what the user sees"
    found += [
        (f"{key}.missing", "is empty although commands are required", hint)
        for key, toolchain in _toolchains(manifest)
        if (toolchain.requires or toolchain.checks) and not toolchain.missing
    ]
    found += [
        ("versions", f"{name!r} has an invalid regex", "it needs one group around the version")
        for name, query in _versions(manifest)
        if not _valid_regex(query.regex)
    ]
    found += [
        (key, "has an invalid regex", "it needs a group around the name")
        for key, wanted in _dependencies(manifest)
        if not all(_valid_regex(query.regex) for query in (wanted.direct, wanted.total))
    ]
    found += [
        (f"variants.{name}.{key}", "is there without a build", f"add [variants.{name}.build]")
        for name, variant in manifest.variants.items()
        for key in ("toolchain", "versions", "dependencies")
        if getattr(variant, key) and variant.build is None
    ]
    found += [
        (key, f"is {one.way!r} and has no `commands`", "say how the server is asked for it")
        for key, one in _upgrades(manifest)
        if one.way in ("code", "handover", "workers") and not one.commands
    ]
    found += [
        (f"variants.{name}.program_of", *problem)
        for name, variant in manifest.variants.items()
        if (problem := _problem_of_program(manifest, variant)) is not None
    ]
    for key, command in _commands(manifest):
        if not command:
            found.append((key, "is an empty list", "give the program and its arguments"))
        known = PLACEHOLDERS | (_OF_UPGRADES if "hot_upgrade" in key else frozenset())
        unknown = [name for text in command for name in _PLACEHOLDER.findall(text)]
        found += [
            (
                key,
                f"has the unknown placeholder {{{name}}}",
                f"known: {', '.join(sorted(known))}",
            )
            for name in unknown
            if name not in known
        ]
    return found


def _problem_of_program(manifest: Manifest, variant: Variant) -> tuple[str, str] | None:
    name = variant.program_of
    if name is None:
        return None
    other = manifest.variants.get(name)
    if other is None or other.program_of is not None:
        return f"is {name!r}, which has no program of its own", "name the variant that is built"
    own = ("build", "command", "dependencies", "loc", "toolchain", "versions")
    if doubled := next((key for key in own if getattr(variant, key)), None):
        return f"is there beside `{doubled}`", f"remove one of the two: {name}'s holds"
    return None


def _commands(manifest: Manifest) -> list[tuple[str, Command]]:
    named = [("build.command", command) for command in manifest.build.all_commands()]
    named.append(("run.command", manifest.run.command))
    named += [
        (f"{key}.checks", command)
        for key, toolchain in _toolchains(manifest)
        for command in toolchain.checks
    ]
    for key, wanted in _dependencies(manifest):
        named.append((f"{key}.direct", wanted.direct.command))
        named.append((f"{key}.total", wanted.total.command))
    for key, upgrade in _upgrades(manifest):
        named += _commands_of_upgrade(key, upgrade)
    for name, variant in manifest.variants.items():
        if variant.command is not None:
            named.append((f"variants.{name}.command", variant.command))
        if variant.build is not None:
            key = f"variants.{name}.build.command"
            named += [(key, command) for command in variant.build.all_commands()]
    return named


def _upgrades(manifest: Manifest) -> list[tuple[str, HotUpgrade]]:
    own = {
        f"variants.{name}.hot_upgrade": one.hot_upgrade for name, one in manifest.variants.items()
    }
    return [
        ("hot_upgrade", manifest.hot_upgrade),
        *((key, one) for key, one in own.items() if one is not None),
    ]


def _commands_of_upgrade(key: str, upgrade: HotUpgrade) -> list[tuple[str, Command]]:
    own = [] if upgrade.command is None else [(f"{key}.command", upgrade.command)]
    return [
        *own,
        *((f"{key}.prepare", command) for command in upgrade.prepare),
        *((f"{key}.commands", command) for command in upgrade.commands),
    ]


def _toolchains(manifest: Manifest) -> list[tuple[str, Toolchain]]:
    named = [
        (f"variants.{name}.toolchain", variant.toolchain)
        for name, variant in manifest.variants.items()
    ]
    return [("toolchain", manifest.toolchain)] + [
        (key, toolchain) for key, toolchain in named if toolchain is not None
    ]


def _dependencies(manifest: Manifest) -> list[tuple[str, Dependencies]]:
    named = {"dependencies": manifest.dependencies} | {
        f"variants.{name}.dependencies": variant.dependencies
        for name, variant in manifest.variants.items()
    }
    return [(key, wanted) for key, wanted in named.items() if wanted is not None]


def _versions(manifest: Manifest) -> list[tuple[str, VersionQuery]]:
    own = [variant.versions for variant in manifest.variants.values()]
    return [item for versions in (manifest.versions, *own) for item in versions.items()]


def _valid_regex(pattern: str | None) -> bool:
    if pattern is None:
        return True
    try:
        return re.compile(pattern).groups >= 1
    except re.error:
        return False


def fill(text: str, values: dict[str, str]) -> str:
    """Replaces the known placeholders and leaves every other brace alone, such as Go templates'
    double ones.
    """
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)

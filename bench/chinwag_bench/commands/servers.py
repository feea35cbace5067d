"""``list``, ``build``, ``serve``, ``verify``: commands about servers."""

from __future__ import annotations

import signal
import sys
import time
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chinwag_bench.commands import completion, options
from chinwag_bench.errors import EXIT_OK, EXIT_SERVER, HostError, UsageError
from chinwag_bench.machine.open_files import raise_limit
from chinwag_bench.paths import find_workspace
from chinwag_bench.progress import make_reporter, said_when_interrupted
from chinwag_bench.records import Verification
from chinwag_bench.runs.prepare import Obstacles, build_all, check_built, verify_all
from chinwag_bench.servers.build import last_build
from chinwag_bench.servers.catalog import Catalog, Server, Target, discover
from chinwag_bench.servers.process import Launch, ServerProcess, start_server
from chinwag_bench.servers.toolchain import missing_reason

_WATCH_S = 0.2


def list_servers(peers: options.Peers = False, json: options.Json = False) -> None:
    """Shows every server: its variants, whether its toolchain is here, whether it is built."""
    catalog = discover(find_workspace())
    facts = [_facts(server) for server in catalog.offered(peers=peers)]
    if json:
        broken = [{"broken": error.message, "hint": error.hint} for error in catalog.broken]
        print_json(*facts, *broken)
    else:
        Console().print(_server_table(facts))
        Console().print(_what_next(catalog, peers=peers), soft_wrap=True)
        warn_of_broken(catalog)
    raise typer.Exit(UsageError.exit_code if catalog.broken else EXIT_OK)


def build_servers(
    names: options.Names = None,
    peers: options.Peers = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Builds servers whose sources, build commands or toolchain have changed. Logs:
    build/servers/NAME/build.log.
    """
    catalog = discover(find_workspace())
    warn_of_broken(catalog)
    with (
        make_reporter(json=json, quiet=quiet) as reporter,
        said_when_interrupted(reporter, "what was built is kept, the build under way is not"),
    ):
        obstacles = build_all(resolve(catalog, names, peers=peers), reporter)
    raise typer.Exit(_exit_code(obstacles))


def serve(
    name: Annotated[
        str, typer.Argument(help="NAME or NAME:VARIANT.", autocompletion=completion.server_names)
    ],
    port: Annotated[int, typer.Option(help="TCP port to listen on.", min=1, max=65535)] = 4000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    workers: Annotated[
        int, typer.Option(help="Serving processes or threads, where it has the choice.", min=1)
    ] = 1,
    json: options.Json = False,
) -> None:
    """Builds one server where it has to be, and runs it in the foreground until Ctrl-C or SIGTERM;
    nothing of it stays behind.

    Prints one line when it listens. The server's own output goes to standard error. It gets its
    settings from its manifest and the options, not from CHAT_* of this shell.

    [bold]Example[/bold]: chinwag serve go --port 4000
    """
    target = discover(find_workspace()).target(name)
    if check_built([target]):
        with make_reporter(json=json, quiet=False) as reporter:
            obstacles = build_all([target], reporter)
        if obstacles:
            raise typer.Exit(_exit_code(obstacles))
    raise_limit()
    launch = Launch(target=target, log=None, port=port, host=host, workers=workers)
    with start_server(launch) as server:
        try:
            announce(server, json=json)
            watch(server)
        except KeyboardInterrupt:
            server.stop(signal.SIGTERM)


def announce(server: ServerProcess, *, json: bool) -> None:
    """The one line that says where the server listens."""
    name, host, port = server.launch.target.base_id, server.launch.host, server.port
    shown = f"[{host}]" if ":" in host else host  # An IPv6 address, as RFC 3986 has it in a URL.
    if json:
        where = {"server": name, "host": host, "port": port, "pid": server.pid}
        print_json({"event": "listening"} | where)
    else:
        print(f"{name} listens on ws://{shown}:{port}/ws; stop it with Ctrl-C", flush=True)


def watch(server: ServerProcess) -> None:
    """Looks after the server for ever. Raises ``ServerError`` when it ends by itself."""
    while True:
        server.check_alive()
        time.sleep(_WATCH_S)


def verify_servers(
    names: options.Names = None,
    every: Annotated[bool, typer.Option("--all", help="Every server in every variant.")] = False,
    peers: options.Peers = False,
    smoke: Annotated[bool, typer.Option(help="Only the short subset of cases.")] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Builds servers and proves them against the protocol. Logs: build/verify/.

    [bold]Examples[/bold]: chinwag verify go node-ws · chinwag verify --all
    """
    workspace = find_workspace()
    catalog = discover(workspace)
    warn_of_broken(catalog)
    targets = catalog.every_variant(peers=peers) if every else resolve(catalog, names, peers=peers)
    with (
        make_reporter(json=json, quiet=quiet) as reporter,
        said_when_interrupted(reporter, "servers that were not proven yet are not"),
    ):
        unbuilt = build_all(targets, reporter)
        built = [target for target in targets if target.base_id not in unbuilt]
        outcomes, failed = verify_all(
            built, workspace.root / "build" / "verify", reporter, smoke=smoke
        )
    if json:
        print_json(*outcomes)
    else:
        Console().print(_verification_table(outcomes, unbuilt))
    raise typer.Exit(_exit_code(unbuilt | failed))


def _exit_code(obstacles: Obstacles) -> int:
    """A server that is not as it should be weighs more than a toolchain that is not here."""
    if not obstacles:
        return EXIT_OK
    failed = any(status == "failed" for status, _ in obstacles.values())
    return EXIT_SERVER if failed else HostError.exit_code


def resolve(catalog: Catalog, names: list[str] | None, *, peers: bool = False) -> list[Target]:
    """The named targets, else every server's default; with ``peers`` the optional peers, too."""
    if names:
        return catalog.named(names, peers=peers)
    return catalog.targets(["default"], peers=peers)


def warn_of_broken(catalog: Catalog) -> None:
    for error in catalog.broken:
        print(f"warning: {error.text()}", file=sys.stderr, flush=True)


def print_json(*values: Any) -> None:
    for value in values:
        print(msgspec.json.encode(value).decode(), flush=True)


def _facts(server: Server) -> dict[str, Any]:
    built = last_build(server)
    return {
        "name": server.name,
        "title": server.manifest.titled(built.versions if built else {}),
        "language": server.manifest.language,
        "peer": server.manifest.peer,
        "variants": {
            name: server.manifest.variants[name].description for name in server.usual_variants
        },
        "peer_variants": server.peer_variants,
        "experiments": {
            name: variant.experiment
            for name, variant in server.manifest.variants.items()
            if variant.experiment
        },
        "missing": missing_reason(server),
        "built": built is not None,
    }


def _server_table(facts: list[dict[str, Any]]) -> Table:
    """All of it is the manifests' text, which may have brackets in it: no markup."""
    table = Table()
    longest = max((len(fact["name"]) for fact in facts), default=0)
    table.add_column("server", overflow="fold", min_width=longest)
    for title in ("what", "variants", "toolchain", "built"):
        table.add_column(title, overflow="fold")
    for fact in facts:
        missing = fact["missing"]
        table.add_row(
            Text(fact["name"]),
            Text(fact["title"]),
            Text(", ".join(_with_peers_marked(fact))),
            Text(missing, style="yellow") if missing else Text("present", style="green"),
            Text("yes", style="green") if fact["built"] else Text("no"),
        )
    return table


def _with_peers_marked(fact: dict[str, Any]) -> list[str]:
    return [f"{one} (peer)" if one in fact["peer_variants"] else one for one in fact["variants"]]


def _what_next(catalog: Catalog, *, peers: bool) -> Text:
    """A line below the table: how a variant is named, and what is not in it."""
    names = [server.name for server in catalog.servers.values() if server.manifest.peer]
    more = f"; {len(names)} more with --peers" if names and not peers else ""
    return Text(f"A column is NAME or NAME:VARIANT: chinwag verify go:tuned{more}")


def _verification_table(outcomes: list[Verification], unbuilt: Obstacles) -> Table:
    """The last column is what a suite, a server or a compiler said: no markup."""
    table = Table(title="Conformance with chat/1")
    longest = max(map(len, [*(one.column for one in outcomes), *unbuilt]), default=0)
    table.add_column("server", overflow="fold", min_width=longest)
    for title in ("passed", "failed", "skipped", "seconds"):
        table.add_column(title, overflow="fold")
    table.add_column("first failure", overflow="fold")
    for outcome in outcomes:
        table.add_row(
            Text(outcome.column),
            str(outcome.passed),
            Text(str(outcome.failed), style="red" if outcome.failed else ""),
            str(outcome.skipped),
            f"{outcome.seconds:.1f}",
            Text(outcome.failures[0] if outcome.failures else ""),
        )
    for name, (status, reason) in unbuilt.items():
        # What is missing was said above, and is no failure.
        why = reason if status == "failed" else "not built: its toolchain is not here"
        table.add_row(Text(name), "-", "-", "-", "-", Text(why))
    return table

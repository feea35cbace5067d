"""``run``, ``matrix``, ``report``: commands about measuring."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from chinwag_bench.commands import completion, options
from chinwag_bench.commands.servers import print_json, warn_of_broken
from chinwag_bench.errors import EXIT_OK, EXIT_SERVER, HostError, UsageError
from chinwag_bench.judging.evidence import EXPERIMENTS
from chinwag_bench.machine.run_network import RunNetwork, run_network
from chinwag_bench.paths import find_workspace
from chinwag_bench.progress import Reporter, make_reporter, said_when_interrupted
from chinwag_bench.report_server import ReportServer
from chinwag_bench.runs.metric_columns import nodes_of
from chinwag_bench.runs.prepare import build_all, check_built, choose_targets, verify_all
from chinwag_bench.runs.profile import load_run_profile
from chinwag_bench.runs.rawlog import disk_errors
from chinwag_bench.runs.rounds import with_again
from chinwag_bench.runs.session import (
    Request,
    Session,
    began_in_own_network,
    new_store,
    open_session,
    resume_session,
)
from chinwag_bench.runs.store import RunStore, result_directory
from chinwag_bench.servers.catalog import Target, discover

_SEED = 1


def run(
    *,
    profile: Annotated[
        str,
        typer.Argument(
            help="smoke, quick, full, or the path of a .toml.", autocompletion=completion.profiles
        ),
    ] = "quick",
    servers: options.Servers = None,
    peers: options.Peers = False,
    seed: options.Seed = _SEED,
    results: options.Results = None,
    server_cores: options.ServerCores = None,
    cap: options.Cap = None,
    metric: options.Metrics = None,
    host_network: options.HostNetwork = False,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with the run in this result directory.")
    ] = None,
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway", help="Resume although the machine or a build differs; the page says so."
        ),
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measures servers that are built, and only measures: raw results, no verification, no report.

    [bold]Examples[/bold]: chinwag run smoke --servers go,node-ws · chinwag run --metric
    fault_recovery · chinwag run --resume results/2026-01-31-120000-host"""
    if anyway and resume is None:
        raise UsageError("--anyway goes with --resume only", hint="see `chinwag run --help`")
    with (
        make_reporter(json=json, quiet=quiet) as reporter,
        run_network(own=not host_network and _may_be_own(resume)) as network,
        network.entered(),
    ):
        if resume is not None:
            workspace = find_workspace()
            session = resume_session(
                workspace, discover(workspace), result_directory(resume), network, anyway=anyway
            )
        else:
            request = make_request(
                profile, servers, peers, seed, results, server_cores, cap, metric
            )
            store = new_store(request, network)
            with nothing_left_of_nothing(store):
                obstacles = check_built(_with_nodes(request))
                for column, (_, reason) in obstacles.items():
                    reporter.say("warning", f"{column} is not measured: {reason}", column=column)
                session = open_session(request, store, obstacles)
        failed = measure(session, reporter)
        if not session.store.run.verifications:
            session.show_so_far(reporter)  # Once more: now the run is finished.
    finish(session, json=json)
    if session.store.run.verifications:
        # It was begun by `chinwag matrix`, and ends as that does.
        write_report(session.store.folder, json=json)
    elif not json:
        print(f"judge and render it: chinwag report {session.store.folder}")
    raise typer.Exit(EXIT_SERVER if failed else EXIT_OK)


def _may_be_own(resume: Path | None) -> bool:
    """A run goes on in the network that it began in."""
    return resume is None or began_in_own_network(result_directory(resume))


def matrix(
    *,
    profile: Annotated[
        str,
        typer.Option(
            "--profile",
            "-p",
            help="smoke, quick, full, or a .toml.",
            autocompletion=completion.profiles,
        ),
    ] = "quick",
    servers: options.Servers = None,
    peers: options.Peers = False,
    seed: options.Seed = _SEED,
    results: options.Results = None,
    server_cores: options.ServerCores = None,
    cap: options.Cap = None,
    metric: options.Metrics = None,
    host_network: options.HostNetwork = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Builds, verifies and measures, then writes and shows the decision matrix.

    [bold]Examples[/bold]: chinwag matrix · chinwag matrix --profile smoke --servers go,rust
    """
    request = make_request(profile, servers, peers, seed, results, server_cores, cap, metric)
    with (
        make_reporter(json=json, quiet=quiet) as reporter,
        run_network(own=not host_network) as network,
    ):
        session, obstacles = prepare(request, reporter, network)
        with network.entered():
            failed = measure(session, reporter, headroom=True)
    finish(session, json=json)
    if request.profile.experiments:
        measure_experiments(session.store.folder, host_network=host_network, json=json, quiet=quiet)
    write_report(session.store.folder, json=json)
    raise typer.Exit(EXIT_SERVER if failed or obstacles else EXIT_OK)


def measure_experiments(
    below: Path, *, host_network: bool = False, json: bool, quiet: bool
) -> None:
    """What puts single statements of the articles to the test, as a run of its own below a result,
    whose report is the caller's to write anew. Raises as ``matrix`` does.
    """
    folder = below / EXPERIMENTS
    with disk_errors(folder):
        folder.mkdir(exist_ok=True)
    request = make_request(EXPERIMENTS, None, False, _SEED, folder, None)
    with (
        make_reporter(json=json, quiet=quiet) as reporter,
        run_network(own=not host_network) as network,
    ):
        session, _ = prepare(request, reporter, network)
        with network.entered():
            measure(session, reporter)
    finish(session, json=json)
    write_files(session.store.folder, json=json)


def report(
    directory: Annotated[Path, typer.Argument(help="A result directory.")],
    serve: Annotated[
        bool,
        typer.Option(
            "--serve",
            help="Then serve the page to browsers of this machine (127.0.0.1 only), until Ctrl-C.",
        ),
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(help="TCP port of --serve.", show_default="any free one", min=1, max=65535),
    ] = None,
    json: options.Json = False,
) -> None:
    """Judges a result directory again and renders its matrix: matrix.json, matrix.md, report.html,
    and cells.csv with a line for each cell.

    With --serve the page is at /, and the other files of the directory beside it, for reading. Only
    this machine can reach them. A page that is rendered again meanwhile is seen at reload.

    [bold]Examples[/bold]: chinwag report results/MY-RUN · chinwag report results/MY-RUN --serve
    """
    if port is not None and not serve:
        raise UsageError("--port goes with --serve only", hint="see `chinwag report --help`")
    directory = result_directory(directory)
    if not (directory / "run.json").is_file():
        raise UsageError(
            f"{directory} is not a result directory: it has no run.json", hint="see results/"
        )
    if not serve:
        write_report(directory, json=json)
        return
    with ReportServer(directory, port or 0) as server:  # Before judging: it tells of a taken port.
        write_report(directory, json=json)
        serve_report(server, json=json)


def serve_report(server: ReportServer, *, json: bool) -> None:
    """Says where the page is, then serves it until Ctrl-C or SIGTERM."""
    with suppress(KeyboardInterrupt):
        if json:
            print_json({"event": "serving", "url": server.url})
        else:
            print(f"It is served at {server.url} to this machine; stop it with Ctrl-C", flush=True)
        server.serve_forever()


def make_request(
    profile_name: str,
    servers: str | None,
    peers: bool,
    seed: int,
    results: Path | None,
    server_cores: int | None,
    cap: int | None = None,
    metrics: str | None = None,
) -> Request:
    """Resolves names. Raises ``UsageError`` for unknown ones, with the nearest that exist."""
    workspace = find_workspace()
    catalog = discover(workspace)
    warn_of_broken(catalog)
    profile = load_run_profile(profile_name).capped(cap)
    if metrics is not None:
        profile = profile.only([name.strip() for name in metrics.split(",")])
    named = servers if servers is not None or not profile.servers else ",".join(profile.servers)
    targets = with_again(
        choose_targets(catalog, named, profile.variants, peers=peers), profile.again
    )
    if not targets:
        raise UsageError(f"no servers to measure in {workspace.root}", hint="see `chinwag list`")
    return Request(
        workspace=workspace,
        profile=profile,
        targets=targets,
        seed=seed,
        results=results,
        server_cores=server_cores,
    )


def prepare(request: Request, reporter: Reporter, network: RunNetwork) -> tuple[Session, int]:
    """Builds and verifies, in the machine's network: builds download. Returns the session, to be
    measured in the run's, and how many columns will stay empty.
    """
    with network.entered():
        store = new_store(request, network)
    originals = [target for target in _with_nodes(request) if not target.again]
    smoke = request.profile.verify_smoke
    with nothing_left_of_nothing(store):
        with said_when_interrupted(reporter, "nothing was measured, so no result is kept"):
            obstacles = build_all(originals, reporter)
            built = [target for target in originals if target.base_id not in obstacles]
            outcomes, failures = verify_all(built, store.folder / "logs", reporter, smoke=smoke)
        store.run.verifications = outcomes
        store.save_verifications()
        obstacles |= failures
        with network.entered():
            return open_session(request, store, obstacles), len(obstacles)


def _with_nodes(request: Request) -> list[Target]:
    """The columns, and the variants of several nodes that are measured for some of them."""
    return [*request.targets, *nodes_of(request.profile, request.targets)]


@contextmanager
def nothing_left_of_nothing(store: RunStore) -> Iterator[None]:
    """Takes the result directory back when this fails before anything was measured."""
    try:
        yield
    except BaseException:
        if not store.has_records():
            store.remove()
        raise


def measure(session: Session, reporter: Reporter, *, headroom: bool = False) -> int:
    """Measures, with ``headroom`` first what is left to the generator at the lowest rate.

    An interruption says how to go on: everything measured so far is on disk; where that is nothing,
    nothing is kept. So does what the machine refuses, such as space. A bug leaves no more.
    """
    store = session.store
    go_on = f"go on with: chinwag run --resume {store.folder}"
    try:
        with nothing_left_of_nothing(store):
            session.warm(reporter)
            if headroom:
                session.check_headroom(reporter)
            session.calibrate(reporter)
            return session.measure(reporter)
    except KeyboardInterrupt:
        kept = store.has_records()
        text = go_on if kept else "nothing was measured, so no result is kept"
        with suppress(OSError):  # The terminal may be gone, which is why.
            reporter.say("warning", f"interrupted: {text}")
        raise
    except HostError as error:
        if not store.has_records():
            raise
        hints = filter(None, [error.hint, f"what was measured is safe; {go_on}"])
        raise HostError(error.message, hint="\n".join(hints), detail=error.detail) from error


def finish(session: Session, *, json: bool) -> None:
    """Says where the results are."""
    if json:
        print_json({"event": "finished", "results": str(session.store.folder)})
    else:
        print(f"results: {session.store.folder}", flush=True)


def write_report(directory: Path, *, json: bool) -> None:
    """Judges, renders, shows. The renderers pull in plotting libraries, so nobody else pays for
    their import.
    """
    from chinwag_bench.judging.judge import judge
    from chinwag_bench.render.terminal import print_matrix

    paths = write_files(directory, json=json)
    if json:
        return
    print_matrix(judge(directory), Console())
    page = next(path for path in paths if path.name == "report.html")
    print(f"The whole page: {page}")


def write_files(directory: Path, *, json: bool) -> list[Path]:
    """Judges and renders; with ``json`` says which files."""
    from chinwag_bench.render import write_all

    paths = write_all(directory)
    if json:
        print_json({"event": "report", "files": [str(path) for path in paths]})
    return paths

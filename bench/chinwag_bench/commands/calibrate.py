"""``calibrate``: what the load generator can do on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from chinwag_bench import calibration
from chinwag_bench.commands import options
from chinwag_bench.commands.servers import print_json
from chinwag_bench.errors import EXIT_OK, EXIT_SERVER
from chinwag_bench.load_profile import load_profile
from chinwag_bench.machine.cpu_plan import plan_cpus
from chinwag_bench.machine.open_files import raise_limit
from chinwag_bench.machine.run_network import run_network
from chinwag_bench.metrics.cell import Site
from chinwag_bench.paths import find_workspace
from chinwag_bench.progress import make_reporter, said_when_interrupted
from chinwag_bench.runs.prepare import build_all
from chinwag_bench.servers.catalog import discover


def calibrate(
    load: Annotated[
        list[str] | None, typer.Option(help="Load profile to calibrate, again for another one")
    ] = None,
    seed: options.Seed = 1,
    server_cores: options.ServerCores = None,
    host_network: options.HostNetwork = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measures the load generator's own ceiling: messages and deliveries a second, its CPU time for
    each, its lags. About 20 seconds a load. Logs: build/calibrate/.

    [bold]Example[/bold]: chinwag calibrate
    """
    workspace = find_workspace()
    catalog = discover(workspace)
    site = Site(
        folder=workspace.root / "build" / "calibrate",
        generator=workspace.generator(),
        cpus=plan_cpus(server_cores),
        seed=seed,
        open_files=raise_limit(),
    )
    names = calibration.loads_of(load or ["article"])
    loads = {name: load_profile(workspace, name) for name in names}
    _, plain = calibration.echoing(catalog)
    with (
        make_reporter(json=json, quiet=quiet) as reporter,
        said_when_interrupted(reporter, "nothing was measured to its end"),
    ):
        obstacles = build_all([plain], reporter)
        if obstacles:
            raise typer.Exit(EXIT_SERVER)
        with run_network(own=not host_network) as network, network.entered():
            found = calibration.calibrate(site, loads, catalog)
    if json:
        print_json(found)
    else:
        print(*calibration.describe(found), sep="\n")
    known = all(ceiling.reason is None for ceiling in found.ceilings)
    raise typer.Exit(EXIT_OK if known else EXIT_SERVER)

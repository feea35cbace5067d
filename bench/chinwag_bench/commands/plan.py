"""``plan`` and ``cost``: how many machines a load takes, and what they cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from chinwag_bench.commands import options
from chinwag_bench.commands.results import newest
from chinwag_bench.commands.servers import print_json
from chinwag_bench.numbers import check_range
from chinwag_bench.planning import machines
from chinwag_bench.runs.store import result_directory

if TYPE_CHECKING:
    from chinwag_bench.planning.plan import Plan

_Connections = Annotated[float, typer.Option(help="At the same time.")]
_Rate = Annotated[
    float, typer.Option(help="Deliveries a second: messages times those who hear each.")
]
_P99 = Annotated[float, typer.Option(help="At most, ms.")]
_Spare = Annotated[
    int, typer.Option(help="Machines more than it takes, for one that fails.", min=0)
]
_Prices = Annotated[
    Path,
    typer.Option(
        help="A TOML file of machines and prices.", show_default=machines.PRICES_TOML.name
    ),
]


def plan(
    result: options.Result = None,
    *,
    connections: _Connections = 100_000,
    rate: _Rate = 100_000,
    p99: _P99 = 100,
    machine: Annotated[str, typer.Option(help="A kind of the price file.")] = "c6i.4xlarge",
    servers: options.Servers = None,
    spare: _Spare = 0,
    prices: _Prices = machines.PRICES_TOML,
    json: options.Json = False,
) -> None:
    """Says how many machines each server needs for a load, and what binds it first.

    From measured cells: each figure has two sides, and so has the answer. What goes beyond what was
    measured is named.

    [bold]Example[/bold]: chinwag plan --connections 2e6 --rate 500000 --machine c6i.4xlarge
    """
    from chinwag_bench.render.plan import print_plan

    found = _planned(result, connections, rate, p99, [machine], servers, spare, prices)
    if json:
        print_json(found)
    else:
        print_plan(found, Console(highlight=False))


def cost(
    result: options.Result = None,
    *,
    connections: _Connections = 100_000,
    rate: _Rate = 100_000,
    p99: _P99 = 100,
    machine: Annotated[
        str | None,
        typer.Option(help="Kinds of the price file, comma-separated.", show_default="all"),
    ] = None,
    servers: options.Servers = None,
    spare: _Spare = 0,
    prices: _Prices = machines.PRICES_TOML,
    json: options.Json = False,
) -> None:
    """Says what each server costs for a load, on the kind of machine that is cheapest for it.

    A month, for 100,000 connections, for a million deliveries. The prices are those of a dated file
    that you edit.

    [bold]Example[/bold]: chinwag cost --connections 500000 --rate 100000 --prices mine.toml
    """
    from chinwag_bench.render.plan import print_cost

    named = options.names_in(machine, "--machine", "machine")
    kinds = list(machines.read(prices).machines) if named is None else named
    found = _planned(result, connections, rate, p99, kinds, servers, spare, prices)
    if json:
        print_json(found)
    else:
        print_cost(found, Console(highlight=False))


def _planned(
    result: Path | None,
    connections: float,
    rate: float,
    p99: float,
    kinds: list[str],
    servers: str | None,
    spare: int,
    prices: Path,
) -> Plan:
    from chinwag_bench.judging.judge import judge
    from chinwag_bench.planning.capacity import Load
    from chinwag_bench.planning.plan import plan as planned

    for name, value, least in (("connections", connections, 1), ("rate", rate, 0), ("p99", p99, 0)):
        check_range(f"--{name} {value:g}", value, least)
    return planned(
        judge(result_directory(result or newest())),
        Load(connections, rate, p99),
        machines.read(prices),
        [kind.strip() for kind in kinds],
        servers=options.names_in(servers, "--servers", "server") or [],
        spare=spare,
    )

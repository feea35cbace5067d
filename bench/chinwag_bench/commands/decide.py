"""``decide``: which server for given needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from chinwag_bench.commands import options
from chinwag_bench.commands.results import newest
from chinwag_bench.commands.servers import print_json
from chinwag_bench.deciding import needs as asked
from chinwag_bench.errors import UsageError
from chinwag_bench.runs.store import result_directory

_Needs = Annotated[Path | None, typer.Option(help="A TOML file of needs; options go before it.")]
_Preset = Annotated[
    str | None, typer.Option(help="Needs to start from: " + ", ".join(asked.presets()) + ".")
]
_Connections = Annotated[
    float | None, typer.Option(show_default="10,000", help="At the same time.")
]
_Rate = Annotated[
    float | None,
    typer.Option(
        show_default="50,000", help="Deliveries a second: messages times those who hear each."
    ),
]
_RoomSize = Annotated[int | None, typer.Option(show_default="100", help="Who hear a message.")]
_P99 = Annotated[float | None, typer.Option(show_default="100", help="At most, ms.")]
_Cores = Annotated[int | None, typer.Option(show_default="2", help="That the server may use.")]
_Memory = Annotated[
    float | None, typer.Option(help="At most, MB: the server's and the kernel's for it.")
]
_Recovery = Annotated[
    float | None, typer.Option(help="After a crash others hear again within, ms.")
]
_Upgrades = Annotated[
    bool | None, typer.Option("--upgrades", help="A new build ends no connection.")
]
_Nodes = Annotated[int | None, typer.Option(show_default="1", help="Machines that share rooms.")]
_Languages = Annotated[
    str | None, typer.Option(help="That the team writes, comma-separated.", metavar="A,B")
]
_Team = Annotated[int | None, typer.Option(help="Engineers.")]
_Weeks = Annotated[int | None, typer.Option(help="Until it has to be there.")]
_Prototype = Annotated[
    bool | None, typer.Option("--prototype", help="It is to be there soon, and replaced.")
]
_Integrations = Annotated[
    bool | None, typer.Option("--integrations", help="It talks to many services.")
]
_Rest = Annotated[bool | None, typer.Option("--rest", help="It answers HTTP requests, too.")]
_Weigh = Annotated[
    str | None,
    typer.Option(
        help="What counts how much: cpu, p99, memory, recovery, upgrade, nodes; 1 each.",
        metavar="MERIT=N,...",
    ),
]


def decide(
    result: options.Result = None,
    *,
    needs: _Needs = None,
    preset: _Preset = None,
    connections: _Connections = None,
    rate: _Rate = None,
    room_size: _RoomSize = None,
    p99: _P99 = None,
    cores: _Cores = None,
    memory: _Memory = None,
    recovery: _Recovery = None,
    upgrades: _Upgrades = None,
    nodes: _Nodes = None,
    languages: _Languages = None,
    team: _Team = None,
    weeks: _Weeks = None,
    prototype: _Prototype = None,
    integrations: _Integrations = None,
    rest: _Rest = None,
    weigh: _Weigh = None,
    json: options.Json = False,
) -> None:
    """Says which of the measured servers are enough for your needs, in which order, and why.

    Nothing is measured: it reads the cells of a result. What is not told apart is a tie.

    [bold]Examples[/bold]: chinwag decide --preset start-up · chinwag decide --connections 50000
    --rate 200000 --p99 50 --cores 4 --languages go,rust
    """
    from chinwag_bench.deciding.decision import decide as decide_by
    from chinwag_bench.judging.judge import judge
    from chinwag_bench.render.decision import print_decision

    if needs is not None and preset is not None:
        raise UsageError("--needs and --preset exclude each other", hint="give one of them")
    start = asked.read(needs) if needs else asked.preset(preset).needs if preset else asked.Needs()
    wanted = asked.changed(
        start,
        connections=connections,
        deliveries_per_s=rate,
        room_size=room_size,
        p99_ms=p99,
        cores=cores,
        memory_mb=memory,
        recovery_ms=recovery,
        upgrades=upgrades,
        nodes=nodes,
        languages=options.names_in(languages, "--languages", "language"),
        team=team,
        weeks=weeks,
        prototype=prototype,
        integrations=integrations,
        rest=rest,
        weights=_weights(weigh),
    )
    decision = decide_by(judge(result_directory(result or newest())), wanted)
    if json:
        print_json(decision)
    else:
        console = Console(highlight=False)
        if preset:
            _print_preset(asked.preset(preset), console)
        print_decision(decision, console)


def _print_preset(preset: asked.Preset, console: Console) -> None:
    console.print(f"{preset.title} (statement {preset.statement})", markup=False)
    if preset.assumed:
        console.print(f"assumed: {preset.assumed}", markup=False, soft_wrap=True)


def _weights(text: str | None) -> dict[str, float] | None:
    """Raises UsageError for what is no "cpu=2"."""
    if text is None:
        return None
    found = {}
    for part in text.split(","):
        name, equals, number = part.partition("=")
        if name.strip() in found:
            raise UsageError(
                f"--weigh {text}: {name.strip()} stands there twice", hint="give it one weight"
            )
        try:
            found[name.strip()] = float(number)
        except ValueError:
            raise UsageError(
                f"--weigh {text}: {part!r} is no weight", hint="Write, for example, memory=2,p99=1."
            ) from None
        if not equals:
            raise UsageError(f"--weigh {text}: {part!r} has no number", hint="memory=2")
    return found

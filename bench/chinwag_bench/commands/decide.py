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

_Count = Annotated[float | None, typer.Option(show_default="10,000", help="At the same time.")]


def decide(
    result: Annotated[
        Path | None,
        typer.Argument(help="A result directory.", show_default="the newest one"),
    ] = None,
    *,
    needs: Annotated[
        Path | None, typer.Option(help="A TOML file of needs; options go before it.")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="Needs to start from: " + ", ".join(asked.presets()) + "."),
    ] = None,
    connections: _Count = None,
    rate: Annotated[
        float | None,
        typer.Option(
            show_default="50,000", help="Deliveries a second: messages times those who hear each."
        ),
    ] = None,
    room_size: Annotated[
        int | None, typer.Option(show_default="100", help="Who hear a message.")
    ] = None,
    p99: Annotated[float | None, typer.Option(show_default="100", help="At most, ms.")] = None,
    cores: Annotated[
        int | None, typer.Option(show_default="2", help="That the server may use.")
    ] = None,
    memory: Annotated[
        float | None, typer.Option(help="At most, MB: the server's and the kernel's for it.")
    ] = None,
    recovery: Annotated[
        float | None, typer.Option(help="After a crash others hear again within, ms.")
    ] = None,
    upgrades: Annotated[
        bool | None, typer.Option("--upgrades", help="A new build ends no connection.")
    ] = None,
    nodes: Annotated[
        int | None, typer.Option(show_default="1", help="Machines that share rooms.")
    ] = None,
    languages: Annotated[
        str | None, typer.Option(help="That the team writes, comma-separated.", metavar="A,B")
    ] = None,
    team: Annotated[int | None, typer.Option(help="Engineers.")] = None,
    weeks: Annotated[int | None, typer.Option(help="Until it has to be there.")] = None,
    prototype: Annotated[
        bool | None, typer.Option("--prototype", help="It is to be there soon, and replaced.")
    ] = None,
    integrations: Annotated[
        bool | None, typer.Option("--integrations", help="It talks to many services.")
    ] = None,
    rest: Annotated[
        bool | None, typer.Option("--rest", help="It answers HTTP requests, too.")
    ] = None,
    weigh: Annotated[
        str | None,
        typer.Option(
            help="What counts how much: cpu, p99, memory, recovery, upgrade, nodes; 1 each.",
            metavar="MERIT=N,...",
        ),
    ] = None,
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
        languages=_words(languages),
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


def _words(text: str | None) -> list[str] | None:
    return None if text is None else [word.strip() for word in text.split(",") if word.strip()]


def _weights(text: str | None) -> dict[str, float] | None:
    """Raises UsageError for what is no "cpu=2"."""
    if text is None:
        return None
    found = {}
    for part in text.split(","):
        name, equals, number = part.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            raise UsageError(
                f"--weigh {text}: {part!r} is no weight", hint="Write, for example, memory=2,p99=1."
            ) from None
        if not equals:
            raise UsageError(f"--weigh {text}: {part!r} has no number", hint="memory=2")
    return found

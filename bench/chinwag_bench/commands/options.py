"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chinwag_bench.commands import completion
from chinwag_bench.errors import UsageError


def names_in(text: str | None, option: str, of: str) -> list[str] | None:
    """Those of a comma-separated list, ``None`` without one. Raises UsageError for a list that
    names nothing: as no list at all it would mean everything.
    """
    if text is None:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UsageError(
            f"{option} {text!r} names no {of}", hint=f"name one, or leave out {option}"
        )
    return names


Result = Annotated[
    Path | None,
    typer.Argument(help="A result directory.", show_default="the newest one"),
]
Json = Annotated[
    bool, typer.Option("--json", help="Machine-readable output, one JSON value a line.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only warnings and results.")]
Servers = Annotated[
    str | None,
    typer.Option(
        "--servers",
        "-s",
        help="Columns, comma-separated: NAME or NAME:VARIANT.",
        metavar="A,B:VARIANT",
        autocompletion=completion.server_lists,
    ),
]
_SEED_MAX = 2**53 - 1
"""All that reads JSON keeps it exactly; below the generator's 64 bits."""
Seed = Annotated[
    int,
    typer.Option(help="Decides the order of rounds and the generated load.", min=0, max=_SEED_MAX),
]
Results = Annotated[
    Path | None,
    typer.Option(help="Folder that gets the result directory.", show_default="results/"),
]
ServerCores = Annotated[
    int | None,
    typer.Option(help="Physical cores for the server.", show_default="half of them", min=1),
]
Cap = Annotated[
    int | None,
    typer.Option(help="Most connections to try.", show_default="the profile's", min=1),
]
Peers = Annotated[
    bool,
    typer.Option("--peers", help="The optional peers, too: further libraries to compare with."),
]
Metrics = Annotated[
    str | None,
    typer.Option(
        "--metric",
        "-m",
        help="Only these, comma-separated; the profile's otherwise.",
        metavar="A,B",
        autocompletion=completion.metric_lists,
    ),
]
HostNetwork = Annotated[
    bool,
    typer.Option(
        "--host-network",
        help="Measure in the machine's network, not in one of the run's own (which takes root).",
    ),
]
Names = Annotated[
    list[str] | None,
    typer.Argument(
        help="NAME or NAME:VARIANT; all but peers when none is given.",
        autocompletion=completion.server_names,
    ),
]

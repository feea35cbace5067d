"""``chinwag`` alone: the last result, and what can be done; ``--version``."""

from __future__ import annotations

import shutil
import sys
import textwrap
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from chinwag_bench.errors import EXIT_OK, ChinwagError
from chinwag_bench.judging.matrix import Matrix
from chinwag_bench.paths import Workspace, find_workspace
from chinwag_bench.runs.store import newest_result
from chinwag_bench.version import KIT_VERSION


def start(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)
    ] = False,
) -> None:
    """Builds, verifies and measures chat servers side by side, and writes the decision matrix."""
    if version:
        print(f"chinwag {KIT_VERSION}")
        raise typer.Exit(EXIT_OK)
    if context.invoked_subcommand is None:
        print(context.get_help())
        print(*fitted(last_result()), sep="\n")


def fitted(lines: list[str]) -> list[str]:
    """The lines, on a terminal broken between words; what follows stands further right."""
    if not sys.stdout.isatty():
        return lines
    width = shutil.get_terminal_size().columns
    wrapped = (textwrap.wrap(line, width, subsequent_indent="    ") for line in lines)
    return [part for parts in wrapped for part in parts]


def last_result() -> list[str]:
    """What the newest run came to, in a few lines; how to make one where there is none."""
    try:
        workspace = find_workspace()
        folder = newest_result(workspace)
    except ChinwagError as error:
        return [error.message]
    if folder is None:
        return ["There is no result yet. Make one: chinwag matrix --profile smoke (4 minutes)"]
    shown = _shown(workspace, folder)
    try:
        matrix = msgspec.json.decode((folder / "matrix.json").read_bytes(), type=Matrix)
        summary = _summary(folder, shown, matrix)
    except Exception:  # Of a matrix that lacks parts, any: `chinwag report` makes it whole again.
        return [f"Last result: {shown}, without a matrix: chinwag report {shown}"]
    return [f"Last result: {shown}, profile {matrix.run.profile}", *summary]


def _summary(folder: Path, shown: Path, matrix: Matrix) -> list[str]:
    from chinwag_bench.render.headline import facts, headline

    lines = [f"  {headline(matrix)}.", *(f"  {name}: {said}" for name, said in facts(matrix))]
    if matrix.run.finished_at is None:
        lines.append(f"  It was not finished. Go on with: chinwag run --resume {shown}")
    page = folder / "report.html"
    lines += [f"  The whole page: {shown / page.name}"] if page.is_file() else []
    return lines


def _shown(workspace: Workspace, folder: Path) -> Path:
    """From where the reader is, if it is in the checkout."""
    if Path.cwd() == workspace.root:
        return folder.relative_to(workspace.root)
    return folder

"""``claims``, ``compare`` and ``validate``: commands about result directories."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from chinwag_bench.commands import options
from chinwag_bench.commands.servers import print_json
from chinwag_bench.errors import EXIT_FOUND, EXIT_OK, UsageError
from chinwag_bench.judging.evidence import UnreadableResult
from chinwag_bench.machine.run_network import BY_REQUEST
from chinwag_bench.paths import find_workspace
from chinwag_bench.runs.store import newest_result, result_directory


def compare(
    before: Annotated[Path, typer.Argument(help="A result directory.")],
    after: Annotated[Path, typer.Argument(help="Another one.")],
    fail_on_change: Annotated[
        bool,
        typer.Option(
            "--fail-on-change",
            help="Exit with 1 on a significant change, or on another decided verdict.",
        ),
    ] = False,
    whole: Annotated[
        bool, typer.Option("--all", help="Every row, and why some can't be told.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Says what changed between two runs, and whether it is more than noise: cells, and verdicts on
    the articles' statements.

    Medians are compared, not rounds: rounds of different runs share no disturbance. What the load
    generator ended, another machine or other settings measured, is never called a change.

    [bold]Example[/bold]: chinwag compare results/reference results/MY-RUN
    """
    from chinwag_bench.compare import compare as compare_runs
    from chinwag_bench.render.comparison import print_comparison

    found = compare_runs(result_directory(before), result_directory(after))
    if json:
        print_json(
            *({"event": "warning", "text": text} for text in found.warnings),
            *found.differences,
            *found.verdicts.changes,
            {
                "event": "summary",
                "significant": len(found.significant),
                "text": found.summary(),
                "verdicts": found.verdicts.summary(),
            },
        )
    else:
        print_comparison(found, Console(), whole=whole)
    has_changed = bool(found.significant or found.verdicts.decided)
    raise typer.Exit(EXIT_FOUND if fail_on_change and has_changed else EXIT_OK)


def validate(
    directories: Annotated[
        list[Path], typer.Argument(help="Result directories.", metavar="DIR...")
    ],
    reference: Annotated[
        bool,
        typer.Option(
            "--reference", help="Also whether it may be a reference run: every cell quiet."
        ),
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Checks that result directories are whole and agree with themselves; changes nothing.

    Each problem is a line: file, line, what. With --quiet only problems are said. A run that an
    older kit rendered has no cells.csv, which is no problem: `chinwag report` writes it.

    [bold]Example[/bold]: chinwag validate results/reference
    """
    from chinwag_bench.validation import validate as validate_one
    from chinwag_bench.validation.reference import reference_problems

    bad = False
    for directory in map(result_directory, directories):
        found = validate_one(directory)
        if reference:
            with suppress(UnreadableResult):  # Which is among the problems already.
                found.problems += reference_problems(directory)
        bad |= bool(found.problems)
        if json:
            print_json(found)
            continue
        for problem in found.problems:
            print(f"{directory}/{problem.text()}")
        if not quiet:
            print(found.summary())
    raise typer.Exit(EXIT_FOUND if bad else EXIT_OK)


def claims(
    result: options.Result = None,
    measured: Annotated[
        bool,
        typer.Option(
            "--run",
            help="First build, verify and measure what puts single statements to the test (profile "
            "experiments, below the result; half an hour).",
        ),
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Prints every statement of the two articles with its verdict by a result.

    Grouped by verdict, with the reason and the lines of the article; nothing is measured without
    --run.

    [bold]Examples[/bold]: chinwag claims results/reference · chinwag claims --run
    """
    from chinwag_bench.commands.runs import measure_experiments, write_files
    from chinwag_bench.judging.judge import judge
    from chinwag_bench.render.claims import print_claims, tally

    directory = result_directory(result or newest())
    matrix = judge(directory)
    if measured:
        # Judged before, too: half an hour is not spent on a directory that can't be.
        as_asked = matrix.run.plan.get("network") == BY_REQUEST
        measure_experiments(directory, host_network=as_asked, json=json, quiet=quiet)
        write_files(directory, json=json)
        matrix = judge(directory)
    if json:
        print_json(*matrix.claims, {"event": "summary", "run": matrix.run.id, **tally(matrix)})
    else:
        print_claims(matrix, Console(highlight=False))


def newest() -> Path:
    """Raises UsageError where there is none."""
    found = newest_result(find_workspace())
    if found is None:
        raise UsageError("there is no result yet", hint="make one: chinwag matrix --profile smoke")
    return found

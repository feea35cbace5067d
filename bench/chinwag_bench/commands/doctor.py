"""``doctor``: what on this machine would spoil a measurement."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from chinwag_bench.commands import options
from chinwag_bench.commands.servers import print_json
from chinwag_bench.errors import EXIT_ENVIRONMENT, EXIT_OK, UsageError
from chinwag_bench.machine.doctor import ROOT, examine, repairs
from chinwag_bench.machine.doctor.finding import Finding
from chinwag_bench.machine.doctor.repairs import Outcome
from chinwag_bench.paths import find_workspace


def doctor(
    fix: Annotated[
        bool, typer.Option("--fix", help="Change what can be changed and undone, where allowed.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take back what --fix has changed.")] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Looks at what would spoil a measurement here, what it means for the results, what to do.

    Exits with 3 when something is a problem. With --quiet only what is not ok is listed. Changes
    of --fix are kernel settings; they last until --undo or the next boot.

    [bold]Examples[/bold]: chinwag doctor · sudo chinwag doctor --fix · sudo chinwag doctor --undo
    """
    if fix and undo:
        raise UsageError("--fix and --undo contradict each other", hint="choose one")
    workspace = find_workspace()
    undo_file = repairs.undo_file(workspace)
    if undo:
        outcomes = repairs.take_back(undo_file, ROOT)
        _say_outcomes(outcomes, undone=True, json=json, undo_file=undo_file)
        failed = any(one.error is not None for one in outcomes)
        raise typer.Exit(EXIT_ENVIRONMENT if failed else EXIT_OK)
    findings = list(examine(workspace))
    if fix:
        changes = [change for finding in findings for change in finding.changes]
        outcomes = repairs.apply(changes, undo_file, ROOT)
        _say_outcomes(outcomes, undone=False, json=json, undo_file=undo_file)
        findings = list(examine(workspace)) if outcomes else findings
    _say_findings(findings, json=json, quiet=quiet)
    problems = any(finding.level == "problem" for finding in findings)
    raise typer.Exit(EXIT_ENVIRONMENT if problems else EXIT_OK)


def _say_findings(findings: list[Finding], *, json: bool, quiet: bool) -> None:
    from chinwag_bench.render.findings import print_findings, summary

    shown = [one for one in findings if one.level != "ok"] if quiet else findings
    if json:
        print_json(*shown)
        return
    print_findings(shown, Console())
    print(summary(findings))


def _say_outcomes(outcomes: list[Outcome], *, undone: bool, json: bool, undo_file: Path) -> None:
    """Each change with the command that makes it and the one that takes it back."""
    if json:
        event = "undone" if undone else "changed"
        print_json(
            *(
                {
                    "event": event if one.error is None else "refused",
                    "command": _command(one, undone=undone),
                    "undo": None if undone else one.change.undo_command(),
                    "error": one.error,
                }
                for one in outcomes
            )
        )
        return
    if not outcomes:
        print("nothing to change")
    for one in outcomes:
        command = _command(one, undone=undone)
        if one.error is not None:
            print(f"not done ({one.error}); with the rights: {command}")
        elif undone:
            print(f"undone: {command}")
        else:
            print(f"changed: {command}; undo: {one.change.undo_command()}")
    if not undone and any(one.error is None for one in outcomes):
        print(f"undo all of it with `chinwag doctor --undo` ({undo_file})")


def _command(one: Outcome, *, undone: bool) -> str:
    return one.change.undo_command() if undone else one.change.command()

"""The doctor's findings: a table on a terminal, one line each elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from chinwag_bench.machine.doctor.finding import LEVELS, Finding

STYLES = {"ok": "green", "note": "cyan", "warning": "yellow", "problem": "bold red"}


def print_findings(findings: Sequence[Finding], console: Console) -> None:
    """Prints all of them, and one line that sums up."""
    if console.is_terminal and findings:
        console.print(_table(findings))
    else:
        for finding in findings:
            print(line(finding))


def line(finding: Finding) -> str:
    """The whole finding on one line."""
    todo = f"; do: {finding.todo}" if finding.todo else ""
    return (
        f"{finding.level}: {finding.group}: {finding.check}: {finding.found}; "
        f"{finding.meaning}{todo}"
    )


def summary(findings: Sequence[Finding]) -> str:
    """ "no problem, 1 warning, 4 notes, 20 ok"."""
    counts = Counter(finding.level for finding in findings)
    parts = ["no problem"] if not counts["problem"] else []
    for level in reversed(LEVELS):
        plural = "s" if counts[level] > 1 and level != "ok" else ""
        parts += [f"{counts[level]} {level}{plural}"] if counts[level] else []
    return ", ".join(parts)


def _table(findings: Sequence[Finding]) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    table.add_column("", width=7)
    table.add_column("check", max_width=28, overflow="fold")
    table.add_column("found, what it means, what to do", overflow="fold", ratio=1)
    group = ""
    for finding in findings:
        if finding.group != group:
            group = finding.group
            table.add_row("", Text(group, style="bold"), "")
        style = STYLES[finding.level]
        table.add_row(Text(finding.level, style=style), Text(finding.check), _what(finding, style))
    return table


def _what(finding: Finding, style: str) -> Text:
    text = Text(finding.found)
    text.append(f"\n{finding.meaning}", style="dim")
    if finding.todo:
        text.append(f"\n-> {finding.todo}", style=style)
    return text

"""A plan in a terminal: machines for each server, what binds them, what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.text import Text

from chinwag_bench.numbers import number
from chinwag_bench.planning.plan import Entry, Plan
from chinwag_bench.render.tables import print_table

Sides = tuple[float, float | None] | None


def span(sides: Sides, unit: str = "") -> str:
    """ "3", "3 to 5", "3 or more"; "-" where nothing is known."""
    if sides is None:
        return "-"
    low, high = map(_shown, sides)
    if sides[1] is None:
        return f"{low}{unit} or more"
    return f"{low}{unit}" if low == high else f"{low} to {high}{unit}"


def _shown(value: float | None) -> str:
    return f"{value:,}" if isinstance(value, int) else number(value)


def money(sides: Sides) -> str:
    """The same of USD, of which more than two digits would promise too much."""
    if sides is None:
        return "-"
    low, high = (None if side is None else number(side, 2) for side in sides)
    if high is None:
        return f"{low} or more"
    return f"{low}" if low == high else f"{low} to {high}"


def load(plan: Plan) -> str:
    """What was asked, in a line."""
    spare = f", {plan.spare} spare" if plan.spare else ""
    return (
        f"{number(plan.connections)} connections, {number(plan.deliveries_per_s)} deliveries/s, "
        f"p99 <= {number(plan.p99_ms)} ms{spare}"
    )


def print_plan(plan: Plan, console: Console) -> None:
    """Machines and what binds them, a line a server; then what is missing and what is projected."""
    console.print(Text(f"Machines for {load(plan)}", style="bold"), soft_wrap=True)
    _say(console, f"By the cells of {plan.run}. From the side that promises most to the other.")
    lines = [
        [entry.column, entry.machine, span(entry.machines), entry.binds, str(entry.processes)]
        for entry in plan.entries
        if not entry.missing
    ]
    _print(console, ("machine", "machines", "bound by", "processes each"), lines)
    for entry in plan.entries:
        if not entry.missing:
            _print_resources(entry, console)
    _print_rest(plan, console)


def print_cost(plan: Plan, console: Console) -> None:
    """The cheapest kind of machine for each server, by the side that promises less: in USD a month,
    a month for 100,000 connections, and for a million deliveries.
    """
    console.print(Text(f"Cost of {load(plan)}", style="bold"), soft_wrap=True)
    _say(console, f"Prices of {plan.prices_as_of}: {plan.prices_source}.")
    lines = [
        [
            entry.column,
            entry.machine,
            span(entry.machines),
            money(entry.money.a_month),
            money(entry.money.per_100k_connections),
            money(entry.money.per_million_deliveries),
        ]
        for entry in cheapest(plan.entries)
        if entry.money is not None
    ]
    _print(console, ("machine", "machines", "USD a month", "per 100k", "per M deliv."), lines)
    _print_rest(plan, console)


def cheapest(entries: Iterable[Entry]) -> list[Entry]:
    """Of each server its first entry with a price: they come in the order of costs."""
    found: dict[str, Entry] = {}
    for entry in entries:
        if entry.money is not None:
            found.setdefault(entry.column, entry)
    return list(found.values())


def _print(console: Console, heads: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    if not lines:
        console.print("No server has all of what this takes.")
        return
    # Texts: in plain words rich looks for markup, and a price file names machines as it likes.
    texts = [[Text(cell) for cell in line] for line in lines]
    print_table(console, [Text("server"), *map(Text, heads)], texts)


def _print_resources(entry: Entry, console: Console) -> None:
    parts = [f"{one.resource} {span(one.machines)} ({one.text})" for one in entry.resources]
    console.print(
        Text(f"{entry.column}: ", style="bold").append("; ".join(parts), style="dim not bold"),
        soft_wrap=True,
    )


def _print_rest(plan: Plan, console: Console) -> None:
    for column, missing in {one.column: one.missing for one in plan.entries if one.missing}.items():
        has_answer = any(one.column == column and not one.missing for one in plan.entries)
        said = "is not for every machine" if has_answer else "is left out"
        _say(console, f"{column} {said}: {'; '.join(missing)}")
    remarks: dict[str, list[str]] = {}
    for entry in plan.entries:
        for remark in entry.remarks if not entry.missing else ():
            columns = remarks.setdefault(remark, [])
            if entry.column not in columns:
                columns.append(entry.column)
    for remark, columns in remarks.items():
        _say(console, f"{remark} [{', '.join(columns)}]")


def _say(console: Console, text: str) -> None:
    console.print(Text(text, style="dim"), soft_wrap=True)

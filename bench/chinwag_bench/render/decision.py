"""A decision in a terminal: who comes first, each server with its reasons, the articles' rules."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from chinwag_bench.deciding.decision import Choice, Decision, Reason, RuleApplied
from chinwag_bench.deciding.demands import ORDER, Kind
from chinwag_bench.deciding.merits import MEASURES
from chinwag_bench.deciding.needs import Needs
from chinwag_bench.deciding.order import WEIGHTINGS
from chinwag_bench.numbers import number
from chinwag_bench.render.claims import LABELS as VERDICTS
from chinwag_bench.text import listed

LABELS: dict[Kind, str] = {
    "enough": "enough",
    "if_it_scales": "enough, if it scales as far",
    "unknown": "not known",
    "not_enough": "not enough",
}
_STYLES: dict[Kind, str] = {"enough": "green", "not_enough": "red"}
_SHARE_SHOWN = 0.005
_TIMES_SHOWN = 1.005
"""Below, three digits show no difference from the least."""


def asked(needs: Needs) -> str:
    """The needs in a line."""
    parts = [
        f"{number(needs.connections)} connections",
        f"{number(needs.deliveries_per_s)} deliveries/s ({number(needs.messages_per_s)} messages/s,"
        f" each to {needs.room_size})",
        f"p99 <= {number(needs.p99_ms)} ms",
        f"{needs.cores} core{'s' if needs.cores != 1 else ''}",
    ]
    if needs.memory_mb is not None:
        parts.append(f"{number(needs.memory_mb)} MB")
    if needs.recovery_ms is not None:
        parts.append(f"a crash heard by others for at most {number(needs.recovery_ms)} ms")
    if needs.upgrades:
        parts.append("upgrades without loss")
    if needs.nodes > 1:
        parts.append(f"{needs.nodes} nodes")
    if needs.languages:
        parts.append("written in " + " or ".join(needs.languages))
    return ", ".join(parts)


def headline(decision: Decision) -> str:
    """Who comes first, in a sentence."""
    first = decision.first
    if not decision.choices:
        return "No server of these languages was measured."
    if not first:
        return "None of the servers is known to be enough."
    names = listed([one.column for one in first])
    comes = f"{names} comes first" if len(first) == 1 else f"{names} are tied for the first place"
    if first[0].kind == "enough":
        return f"{comes}."
    return f"None is known to be enough; of those that are if they scale as far, {comes}."


def weighings(decision: Decision) -> str:
    """How often the first place changes when merits are weighed in other ways."""
    seen = (one for one in decision.choices if one.wins >= _SHARE_SHOWN)
    winners = sorted(seen, key=lambda one: -one.wins)
    if not winners:
        return ""
    shares = ", ".join(f"{one.column} {one.wins:.0%}" for one in winners)
    if len(winners) == 1:
        return (
            f"{winners[0].column} comes first in all of {WEIGHTINGS:,} weightings, by values alone."
        )
    return f"First in {WEIGHTINGS:,} other weightings of the merits, by values alone: {shares}."


def print_decision(decision: Decision, console: Console) -> None:
    """All of it, the answer first."""
    console.print(Text(headline(decision), style="bold"), soft_wrap=True)
    _say(console, f"Asked: {asked(decision.needs)}.")
    if decision.network_gbit_per_s is not None:
        _say(console, f"Of a network it takes {number(decision.network_gbit_per_s)} Gbit/s.")
    _say(console, f"By the cells of {decision.run}. Merits, of which less is better:")
    for name, share in decision.weights.items():
        _say(console, f"  {name}: {MEASURES[name].title} ({MEASURES[name].unit}), {share:.0%}")
    if found := weighings(decision):
        _say(console, found)
    if decision.left_out:
        any_ = listed(decision.in_any_language) or "none"
        _say(console, f"Left out by language: {', '.join(decision.left_out)}.")
        _say(console, f"In any language first: {any_}.")
    for kind in ORDER:
        choices = [one for one in decision.choices if one.kind == kind]
        if choices:
            console.print()
            console.print(Text(LABELS[kind], style=f"bold {_STYLES.get(kind, '')}"))
        for choice in choices:
            _print_choice(choice, console)
    console.print()
    for rule in decision.rules:
        _print_rule(rule, console)
    console.print(Text("What this can't know", style="bold"))
    for text in decision.not_known:
        _say(console, f"  {text}")


def _say(console: Console, text: str) -> None:
    console.print(Text(text, style="dim"), soft_wrap=True)


def place(choice: Choice) -> str:
    """ "1", "2=" where it is shared, "-" where it has none."""
    if choice.place is None:
        return "-"
    return f"{choice.place}{'=' if choice.tied else ''}"


def _print_choice(choice: Choice, console: Console) -> None:
    """One that comes into question with its merits; another one with what speaks against it."""
    if choice.kind in ("unknown", "not_enough"):
        reasons = "; ".join(one.text for one in _of_kind(choice))
        head = Text(f"  {choice.column}", style="bold").append(f": {reasons}", style="dim not bold")
        console.print(head, soft_wrap=True)
        return
    head = Text(f"  {place(choice):4}").append(choice.column, style="bold")
    head.append(f"  {choice.title}, {choice.language}", style="dim")
    console.print(head, soft_wrap=True)
    for line in (_needs_line(choice), _merits_line(choice)):
        console.print(Text(f"      {line}", style="dim"), soft_wrap=True)


def _needs_line(choice: Choice) -> str:
    """All that it does, or what has to scale for that."""
    said = choice.needs if choice.kind == "enough" else _of_kind(choice)
    return "; ".join(one.text for one in said)


def _of_kind(choice: Choice) -> list[Reason]:
    return [one for one in choice.needs if one.kind == choice.kind]


def _merits_line(choice: Choice) -> str:
    return ", ".join(map(_merit, choice.merits))


def _merit(reason: Reason) -> str:
    text = f"{reason.about} {reason.text}"
    if reason.factor is None:
        return text
    if reason.factor < _TIMES_SHOWN:
        return f"{text} (least)"
    return f"{text} ({number(reason.factor, 2)}x)"


def _print_rule(rule: RuleApplied, console: Console) -> None:
    said = {True: "this answer agrees", False: "this answer does not agree"}
    head = Text("Rule ", style="bold").append(f"{rule.id}: {rule.says}", style="bold")
    console.print(head, soft_wrap=True)
    _say(console, f"  the data: {VERDICTS[rule.verdict]}. {rule.text}".rstrip())
    absent = "none of its servers is in this answer"
    _say(console, f"  {absent if rule.agrees is None else said[rule.agrees]}.")

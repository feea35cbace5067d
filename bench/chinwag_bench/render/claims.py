"""The articles' statements with their verdicts: their order, their words, and a terminal's view."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from chinwag_bench.claims.catalog import load, uses_of
from chinwag_bench.claims.expression import Use
from chinwag_bench.judging.matrix import CaseSide, CaseStudy, Claim, Matrix, Verdict, VerdictKind
from chinwag_bench.numbers import number, span
from chinwag_bench.render import text
from chinwag_bench.text import listed

LABELS: dict[VerdictKind, str] = {
    "reversed": "reversed",
    "impossible": "impossible as stated",
    "faulty": "does not work as printed",
    "differs": "differs",
    "undecided": "not told apart",
    "holds": "holds",
    "too_small": "not at this size",
    "untested": "not tested yet",
    "no_source": "no source given",
    "opinion": "opinion",
    "no_claim": "no claim",
}
"""In the order of how much a reader has to decide anew."""
BY_MEDIANS = "the medians alone would say otherwise"
"""Of a verdict that the noise has changed."""
NO_SIGN = "-"
SIGNS: dict[VerdictKind, str] = {
    "reversed": "⇄",
    "impossible": "✗",
    "faulty": "!",
    "differs": "≠",
    "undecided": "~",
    "holds": "=",
    "too_small": "…",
    "untested": "?",
    "no_source": NO_SIGN,
    "opinion": NO_SIGN,
    "no_claim": NO_SIGN,
}
MEANINGS: dict[VerdictKind, str] = {
    "reversed": "a comparison of servers has the other sign, beyond noise",
    "impossible": "the article's own numbers contradict it",
    "faulty": "the code, as it is printed, does not do what is said of it",
    "differs": "another number, more than a factor of 1.25 away from what was measured",
    "undecided": "what was measured, or its noise, allows both",
    "holds": 'within a factor of 1.25 of what was measured; a published limit ("< 15") is kept',
    "too_small": "this machine ended the measurement before the figure",
    "untested": "this run has no value that says the same",
    "no_source": "a figure of others, without its source",
    "opinion": "nothing that can be measured",
    "no_claim": "headings, and a set-up that is taken as told",
}
_STYLES: dict[VerdictKind, str] = {
    "reversed": "red",
    "impossible": "red",
    "faulty": "red",
    "differs": "yellow",
    "holds": "green",
}
_SHARED_UNITS = ("times", "ms", "MB", "connections", "% of 16 vCPU")
"""In which a figure is measured as it is published. Of others the article means something else: its
messages are read as deliveries, its money is an amount before and one after.
"""
_PLURALS = {"holds": "hold", "differs": "differ", "faulty": "do not work as printed"}


def grouped(matrix: Matrix) -> dict[VerdictKind, list[Claim]]:
    """By verdict, in the order of ``LABELS``; in each group relations first, because ratios travel
    between machines, then in the order of the articles.
    """
    found: dict[VerdictKind, list[Claim]] = {}
    for kind in LABELS:
        claims = [claim for claim in matrix.claims if claim.verdict.kind == kind]
        if claims:
            found[kind] = sorted(claims, key=lambda claim: claim.kind != "relation")
    return found


def tally(matrix: Matrix) -> dict[VerdictKind, int]:
    """How many statements have which verdict; what claims nothing is not counted."""
    counted = Counter(claim.verdict.kind for claim in matrix.claims)
    return {kind: counted[kind] for kind in LABELS if kind != "no_claim"}


def counts(matrix: Matrix) -> str:
    """The tally in words: "7 reversed, 10 impossible as stated, 30 differ"."""
    return ", ".join(
        f"{count} {LABELS[kind] if count == 1 else _PLURALS.get(kind, LABELS[kind])}"
        for kind, count in tally(matrix).items()
        if count
    )


def reversed_in_words(matrix: Matrix) -> list[Claim]:
    """The reversed statements that publish no figure, in the order of the articles."""
    found = [claim for claim in matrix.claims if claim.verdict.kind == "reversed"]
    return [claim for claim in found if claim.published is None]


def most_reversed(matrix: Matrix, most: int) -> list[Claim]:
    """Published ratios that are reversed, those that are furthest from what was measured first; of
    several on one measured ratio, or its inverse, one.
    """
    return distinct(_reversed_ratios(matrix))[:most]


def distinct(claims: Sequence[Claim]) -> list[Claim]:
    """Without those that judge a ratio, or its inverse, of the same columns as one before."""
    found: dict[tuple[frozenset[str], float] | str, Claim] = {}
    for claim in claims:
        key: tuple[frozenset[str], float] | str = claim.id
        if claim.kind == "relation" and isinstance(claim.published, float):
            measured = decades(claim) + math.log10(claim.published)
            key = frozenset(columns(claim)), round(abs(measured), 1)
        found.setdefault(key, claim)
    return list(found.values())


def _reversed_ratios(matrix: Matrix) -> list[Claim]:
    """The furthest from what was measured first."""
    found = [claim for claim in grouped(matrix).get("reversed", []) if has_both(claim)]
    ratios = [claim for claim in found if isinstance(claim.published, float)]
    return sorted(ratios, key=lambda claim: -abs(decades(claim)))


def has_both(claim: Claim) -> bool:
    """Whether both sides are figures, and the measured one was not ended by this machine."""
    verdict = claim.verdict
    is_figure = claim.published is not None and verdict.kind != "too_small"
    return is_figure and verdict.factor is not None and verdict.factor > 0


def decades(claim: Claim) -> float:
    """How far the measured figure is above the published one, of a claim that has both."""
    assert claim.verdict.factor is not None
    return math.log10(claim.verdict.factor)


def columns(claim: Claim) -> list[str]:
    """The columns of the matrix that were set against it, each once, in the order in which its
    expressions name them; none of a statement that the catalogue no longer has.
    """
    return list({use.column: None for use in _uses(claim) if use.column})


def set_against(matrix: Matrix, claim: Claim) -> str:
    """Those columns in words: "go and elixir, defaults" where each has another variant, which a
    reader would take it for; empty without any.
    """
    names = columns(claim)
    # A server's name alone is the id of its default.
    tuned = {column.server for column in matrix.columns if column.variant == "tuned"}
    if not names or not tuned.issuperset(names):
        return listed(names) if names else ""
    return f"{listed(names)}, {'defaults' if len(names) > 1 else 'default'}"


def is_order_open(claim: Claim) -> bool:
    """Whether the medians put the servers in the other order, and the noise does not tell them
    apart: the published ratio differs from either.
    """
    return claim.verdict.kind == "differs" and claim.verdict.within_noise


def under(matrix: Matrix, claim: Claim) -> str:
    """Under which load its first cell was measured, in few words: "at 62,900/s"; empty where its
    row names it.
    """
    words = {
        "common": f"at {text.common_rate(matrix)}/s",
        "throughput": "at its highest rate",
        "broadcast": "in one large room",
    }
    rows = (use.name.partition("_")[0] for use in _uses(claim) if use.kind == "cell")
    return next((words[row] for row in rows if row in words), "")


def _uses(claim: Claim) -> list[Use]:
    statement = next((one for one in load().claim if one.id == claim.id), None)
    return [] if statement is None else uses_of(statement)


def lines(claim: Claim) -> str:
    """Where it stands in its article: "15, 487-489"."""
    return ", ".join(
        str(first) if first == last else f"{first}-{last}" for first, last in claim.lines
    )


def case_place(case: CaseStudy) -> str:
    """The article and its lines: "A 526-530"."""
    first, last = case.lines
    return f"{case.article} {first}-{last}"


def side(side: CaseSide) -> str:
    """What was measured of one side of a case study."""
    return _between(side.measured) or "not measured"


def label(verdict: Verdict) -> str:
    """The verdict in a word or two."""
    return LABELS[verdict.kind]


def published(claim: Claim) -> str:
    """The figure as quoted, with its unit."""
    if claim.published is None:
        return ""
    value = claim.published
    shown = value if isinstance(value, str) else f"{value:,.15g}"
    return f"{shown} {claim.unit}".strip()


def measured(claim: Claim) -> str:
    """What was set against it, between the medians of its sides: ">= 19,500 connections", "1.15 to
    1.19 times". How far noise reaches is said where it decides, in the verdict's text.
    """
    unit = claim.measured_unit or (claim.unit if claim.unit in _SHARED_UNITS else "")
    found = claim.verdict.measured
    return f"{_between(found)} {unit}".strip() if found else ""


def _between(pair: tuple[float, float | None] | None) -> str:
    if pair is None:
        return ""
    low, high = pair
    if high is None:
        return f">= {number(low)}"
    if low <= 0 < high:
        return f"<= {number(high)}"
    return span(low, high)


def print_claims(matrix: Matrix, console: Console) -> None:
    """Every statement, by verdict, with why; then the counts."""
    for kind, claims in grouped(matrix).items():
        heading = Text(f"{LABELS[kind]} ({len(claims)})", style=f"bold {_STYLES.get(kind, '')}")
        console.print(heading.append(f": {MEANINGS[kind]}", style="not bold"))
        for claim in claims:
            _print(claim, console)
        console.print()
    for case in matrix.cases:
        _print_case(case, console)
    console.print(
        Text(f"{sum(tally(matrix).values())} statements: {counts(matrix)}."), soft_wrap=True
    )


def _print_case(case: CaseStudy, console: Console) -> None:
    console.print(
        Text(case.title, style="bold").append(f"  [{case_place(case)}]", style="dim"),
        soft_wrap=True,
    )
    console.print(Text(f"  before: {case.before}; after: {case.after}"), soft_wrap=True)
    for one in case.comparisons:
        sides = [
            f"{side(found)}{f' (told: {found.told})' if found.told else ''}"
            for found in (one.before, one.after)
        ]
        unit = f", {one.unit}" if one.unit else ""
        console.print(Text(f"  {one.what}{unit}: {' -> '.join(sides)}"), soft_wrap=True)
    if case.note:
        console.print(Text(f"  {case.note}", style="dim"), soft_wrap=True)
    console.print()


def _print(claim: Claim, console: Console) -> None:
    noise = f" ({BY_MEDIANS})"
    where = f"{claim.article} {lines(claim)}"
    console.print(
        Text(f"  {claim.id}: {claim.statement}").append(f"  [{where}]", style="dim"),
        soft_wrap=True,
    )
    why = claim.verdict.text + (noise if claim.verdict.within_noise else "")
    if why:
        console.print(Text(f"      {why}", style="dim"), soft_wrap=True)

"""The verdict on one statement, from what its expressions give in a run.

holds: the figure lies within a factor of 1.25 of the measured pair of sides, or the comparison is
true; a figure that is a limit ("<1") allows no such factor. reversed: a comparison of servers has
the other sign. differs: it is another number, and by what factor. undecided: what was measured
allows both. impossible: the articles' own numbers contradict it. too_small: this machine's limits
ended the measurement before the figure. untested: this run has no value that says the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from chinwag_bench.claims import expression, template
from chinwag_bench.claims.catalog import Statement
from chinwag_bench.claims.expression import Missing
from chinwag_bench.claims.quantity import Quantity
from chinwag_bench.claims.quote import Range
from chinwag_bench.claims.values import RunValues
from chinwag_bench.judging.matrix import Verdict, VerdictKind

TOLERANCE = 1.25
_KINDEST = ("holds", "undecided", "too_small", "differs", "reversed", "impossible", "untested")


@dataclass(frozen=True)
class Judge:
    """Judges statements of one run. ``rounds`` has the same values over the range of the rounds."""

    values: RunValues
    rounds: RunValues

    def verdict(self, claim: Statement) -> Verdict:
        """The verdict that counts for the statement, with its words."""
        verdict = self._of(claim, self.values)
        verdict.within_noise = self._of(claim, self.rounds).kind != verdict.kind
        return verdict

    def reading(self, claim: Statement, reading: str) -> Verdict:
        """The verdict by one of a figure's readings, such as the cell in whose place it stands."""
        verdict = _fixed(claim) or _of_reading(claim, reading, self.values)
        verdict = self._against_sum(claim, verdict, self.values)
        return self._worded(claim, verdict)

    def _of(self, claim: Statement, values: RunValues) -> Verdict:
        verdict = self._against_sum(claim, _fixed(claim) or _measured(claim, values), values)
        return self._worded(claim, verdict)

    def _against_sum(self, claim: Statement, verdict: Verdict, values: RunValues) -> Verdict:
        if not claim.sum:
            return verdict
        adds_up = expression.truth(claim.sum, values)
        if not adds_up:
            times = _times(verdict, claim.expected)
            text = f"Measured: {times} that figure." if times else ""
            return Verdict(
                kind="impossible", text=text, factor=verdict.factor, measured=verdict.measured
            )
        if claim.readings or claim.test:
            return verdict
        return Verdict(kind="holds", text="Right by this sum, which measures nothing.")

    def _worded(self, claim: Statement, verdict: Verdict) -> Verdict:
        """With the sum first where that is the reason, and the measurement where it is."""
        because = template.filled(claim.because, self.values)
        if verdict.kind == "untested":
            because = self._whole(claim.because)
        remark = self.values.catalog.remarks.get(claim.remark, "")
        parts = [verdict.text, because, remark]
        if verdict.kind == "holds" and claim.sum and not claim.readings:
            parts = [because, verdict.text]
        if verdict.kind == "impossible":
            parts = [because, self._whole(claim.kinder), verdict.text]
        if verdict.kind == "too_small":
            parts += [template.filled(claim.needs, self.values), self._projected(claim)]
        parts.append(self._whole(claim.inverse))
        verdict.text = " ".join(part for part in parts if part)
        return verdict

    def _whole(self, sentences: str) -> str:
        """Nothing where this run lacks one of their numbers."""
        text = template.filled(sentences, self.values)
        return "" if template.NOT_KNOWN in text else text

    def _projected(self, claim: Statement) -> str:
        if not claim.projection:
            return ""
        try:
            found = expression.value(claim.projection, self.values)
        except Missing:
            return ""
        text = f"Projected, not measured: {template.shown(found)} {claim.unit}".rstrip()
        if claim.expected is not None:
            agrees = _agrees(found, claim.expected)
            text += ", which would agree" if agrees else ", which would not agree"
        return f"{text}."


def _fixed(claim: Statement) -> Verdict | None:
    """Of what nothing is measured for, and no sum is to be checked."""
    if claim.kind in ("no_claim", "opinion"):
        return Verdict(kind="opinion" if claim.kind == "opinion" else "no_claim", text="")
    if claim.source == "none":
        text = "" if claim.because else "The article does not say where this comes from."
        return Verdict(kind="no_source", text=text)
    if claim.kind == "setup" and not claim.sum and not claim.test:
        text = "" if claim.because else "Taken as the article tells it."
        return Verdict(kind="no_claim", text=text)
    if not (claim.readings or claim.test or claim.sum):
        return Verdict(kind="untested", text=claim.untested)
    return None


def _measured(claim: Statement, values: RunValues) -> Verdict:
    if claim.test:
        return _of_test(claim, values)
    if claim.readings:
        found = [_of_reading(claim, reading, values) for reading in claim.readings]
        return min(found, key=lambda one: _KINDEST.index(one.kind))
    return Verdict(kind="untested", text=claim.untested)


def _untested(claim: Statement, why: Missing) -> Verdict:
    return Verdict(kind="untested", text=f"{claim.untested} Here {why}.")


def _of_test(claim: Statement, values: RunValues) -> Verdict:
    try:
        found = expression.truth(claim.test, values)
        both = expression.sides(claim.test, values)
    except Missing as missing:
        return _untested(claim, missing)
    factor = None if both is None else _factor(*both)
    measured = None if both is None else both[0].pair
    if found is None:
        is_open = both is not None and any(side.is_open for side in both)
        kind: VerdictKind = "too_small" if is_open and claim.needs else "undecided"
        text = "" if kind == "too_small" else "What was measured allows both."
        return Verdict(kind=kind, text=text, measured=measured)
    if found:
        return Verdict(kind="holds", text="", factor=factor, measured=measured)
    kind = "reversed" if _compares_servers(claim.test) else "differs"
    return Verdict(kind=kind, text="", factor=factor, measured=measured)


def _factor(left: Quantity, right: Quantity) -> float | None:
    promised = left.low if left.is_open else left.high
    return None if right.is_open or not right.high or not promised else promised / right.high


def _compares_servers(test: str) -> bool:
    """Whether something measured stands on both sides."""
    return all(
        any(use.kind in ("cell", "computed") for use in side) for side in expression.sides_use(test)
    )


def _unanswered(claim: Statement) -> Verdict:
    return Verdict(kind="untested", text=claim.untested)


def _of_reading(claim: Statement, reading: str, values: RunValues) -> Verdict:
    expected = claim.expected
    if expected is None:
        # A figure in words is compared by the statement's test.
        return _of_test(claim, values) if claim.test else _unanswered(claim)
    try:
        found = expression.value(reading, values)
    except Missing as missing:
        return _untested(claim, missing)
    place = expression.only_cell(reading)
    cell = None if place is None else values.found(*place)
    promised = found.low if found.is_open else found.high
    if cell is not None and cell.value is not None:
        promised = cell.value
    return _compared(claim, found, expected, promised)


def _compared(claim: Statement, found: Quantity, expected: Range, promised: float) -> Verdict:
    """``promised``: the side that promises less, which of a rate is the low one."""
    verdict = Verdict(
        kind="differs",
        text="",
        factor=promised / expected.middle if expected.middle else None,
        measured=found.pair,
    )
    if _agrees(found, expected):
        tolerance = 1.0 if expected.is_limit else TOLERANCE
        if found.is_open and expected.high > found.low * tolerance:
            verdict.kind = "too_small" if claim.needs else "undecided"
            verdict.text = "Something else than the server was the limit here."
            return verdict
        verdict.kind = "holds"
        verdict.text = _how_it_holds(found, expected)
        return verdict
    if claim.kind == "relation" and _is_reversed(found, expected):
        verdict.kind = "reversed"
        verdict.text = f"Measured: {template.shown(found)} times, published: {_quoted(expected)}."
        return verdict
    what = "Measured" if _is_measured(claim) else "It"
    verdict.text = f"{what} is {_times(verdict, expected)} the published figure."
    return verdict


def _is_measured(claim: Statement) -> bool:
    return any(
        use.kind in ("cell", "computed")
        for reading in claim.readings
        for use in expression.uses(reading)
    )


def _agrees(found: Quantity, expected: Range) -> bool:
    tolerance = 1.0 if expected.is_limit else TOLERANCE
    return found.low / tolerance <= expected.high and expected.low <= found.high * tolerance


def _is_reversed(found: Quantity, expected: Range) -> bool:
    return (expected.low > 1 and found.high < 1) or (expected.high < 1 and found.low > 1)


def _how_it_holds(found: Quantity, expected: Range) -> str:
    if expected.low < expected.high and expected.low <= found.low and found.high <= expected.high:
        return "What was measured lies within the published range."
    if expected.is_limit:
        return "What was measured keeps the published limit."
    return f"Within a factor of {TOLERANCE} of what was measured."


def _quoted(expected: Range) -> str:
    return f"{expected.middle:.3g}"


def _times(verdict: Verdict, expected: Range | None) -> str:
    """The measured pair as multiples of the published figure; empty where there is none."""
    if verdict.measured is None or expected is None or not expected.middle:
        return ""
    low, high = verdict.measured
    least = _short(low / expected.middle)
    if high is None:
        return f">= {least} x"
    most = _short(high / expected.middle)
    return f"{most} x" if least == most else f"{least} to {most} x"


def _short(value: float) -> str:
    return f"{value:.2g}" if value < 100 else f"{value:,.0f}"

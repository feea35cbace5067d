"""The verdict on one statement, from what its expressions give in a run.

holds: the figure lies within a factor of 1.25 of the measured pair of sides, or the comparison is
true; a figure that is a limit ("<1") allows no such factor. reversed: a comparison of servers has
the other sign. differs: it is another number, and by what factor. undecided: what was measured
allows both, or its noise does. impossible: the articles' own numbers contradict it. faulty: the
code, as it is printed, does not do what is said of it. too_small: this machine's limits ended the
measurement before the figure. untested: this run has no value that says the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from chinwag_bench.claims import expression, template
from chinwag_bench.claims.catalog import Statement
from chinwag_bench.claims.expression import MEASURED, Missing
from chinwag_bench.claims.quantity import Quantity
from chinwag_bench.claims.quote import Range
from chinwag_bench.claims.values import RunValues
from chinwag_bench.judging.matrix import Verdict, VerdictKind

TOLERANCE = 1.25
_DECIDED = ("holds", "reversed", "differs")
_KINDEST = (
    "holds",
    "undecided",
    "too_small",
    "differs",
    "reversed",
    "impossible",
    "faulty",
    "untested",
)
_SHORTLY: dict[VerdictKind, str] = {
    "holds": "it holds",
    "reversed": "it is reversed",
    "differs": "it differs",
    "undecided": "it is not told apart",
}


@dataclass(frozen=True)
class Judge:
    """Judges statements of one run. ``rounds`` has the same values as far apart as noise is."""

    values: RunValues
    rounds: RunValues

    def verdict(self, claim: Statement) -> Verdict:
        """The verdict that counts for the statement, with its words."""
        verdict = self._bare(claim)
        other = self._by_other_row(claim, verdict)
        return self._worded(claim, verdict, other)

    def reading(self, claim: Statement, reading: str) -> Verdict:
        """The verdict by one of a figure's readings, such as the cell in whose place it stands."""
        bare = self._against_sums(claim, _fixed(claim) or self._read(claim, reading))
        return self._worded(claim, bare)

    def _bare(self, claim: Statement) -> Verdict:
        return self._against_sums(claim, _fixed(claim) or self._measured(claim))

    def _measured(self, claim: Statement) -> Verdict:
        if claim.test:
            return self._beyond_noise(lambda run: _of_test(claim, run))
        if not claim.readings:
            return _unanswered(claim)
        found = [self._read(claim, reading) for reading in claim.readings]
        return min(found, key=lambda one: _KINDEST.index(one.kind))

    def _read(self, claim: Statement, reading: str) -> Verdict:
        return self._beyond_noise(lambda run: _of_reading(claim, reading, run))

    def _beyond_noise(self, of: Callable[[RunValues], Verdict]) -> Verdict:
        """What the medians say, as far as the rounds and what one server differs from itself bear
        it out.
        """
        verdict, noisy = of(self.values), of(self.rounds)
        verdict.interval = noisy.measured
        if verdict.kind not in _DECIDED or noisy.kind == verdict.kind:
            return verdict
        verdict.within_noise = True
        between = f" ({_shown_pair(noisy.measured)} with noise)" if noisy.measured else ""
        if (verdict.kind, noisy.kind) == ("reversed", "differs"):
            verdict.kind = "differs"
            verdict.text += (
                f" With noise the servers are not told apart{between}, but the published figure is "
                "none of these."
            )
        else:
            verdict.text = f"{verdict.text} " if verdict.text else ""
            verdict.text += f"By the medians {_SHORTLY[verdict.kind]}; noise allows both{between}."
            verdict.kind = "undecided"
        return verdict

    def _against_sums(self, claim: Statement, verdict: Verdict) -> Verdict:
        """Before whatever was measured: what the article's numbers and code say by themselves."""
        for text, kind, fine in (
            (claim.works, "faulty", "By reading, which measures nothing."),
            (claim.sum, "impossible", "Right by this sum, which measures nothing."),
        ):
            if not text:
                continue
            if not expression.truth(text, self.values):
                return _contradicted(claim, verdict, kind)  # type: ignore[arg-type]
            if not (claim.readings or claim.test):
                return Verdict(kind="holds", text=fine)
        return verdict

    def _by_other_row(self, claim: Statement, verdict: Verdict) -> str:
        """Which of two rows that may be meant it is judged by, and whether the other one would give
        another verdict; empty where a single row may be.
        """
        rows = self.values.catalog.other_rows
        used = next((row for row in rows if _uses_row(claim, row)), None)
        if used is None or verdict.kind not in (*_DECIDED, "undecided"):
            return ""
        said, other = f"Memory is that {rows[used].means}", rows[used].row
        found = self._bare(_with_row(claim, used, other))
        same = found.kind == verdict.kind and not _has_other_sign(claim, verdict, found)
        if same or found.kind not in _SHORTLY:
            return f"{said}."
        pair = f": {_shown_pair(found.measured)}" if found.measured else ""
        return f"{said}; by that {rows[other].means} {_SHORTLY[found.kind]}{pair}."

    def _worded(self, claim: Statement, verdict: Verdict, other_row: str = "") -> Verdict:
        """With the sum first where that is the reason, and the measurement where it is."""
        because = template.filled(claim.because, self.values)
        if verdict.kind == "untested":
            because = self._whole(claim.because)
        remark = self._whole(self.values.catalog.remarks.get(claim.remark, ""))
        parts = [verdict.text, because, remark]
        if verdict.kind == "holds" and (claim.sum or claim.works) and not claim.readings:
            parts = [because, verdict.text]
        if verdict.kind in ("impossible", "faulty"):
            parts = [because, self._whole(claim.kinder), verdict.text]
        if verdict.kind == "too_small":
            parts += [template.filled(claim.needs, self.values), self._projected(claim)]
        parts += [other_row, self._whole(claim.inverse)]
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


def _has_other_sign(claim: Statement, one: Verdict, other: Verdict) -> bool:
    """Of two ratios."""
    if claim.unit != "times" or one.measured is None or other.measured is None:
        return False
    return (one.measured[0] < 1) != (other.measured[0] < 1)


def _uses_row(claim: Statement, row: str) -> bool:
    return any(
        use.kind == "cell" and use.name == row
        for text in (*claim.readings, claim.test)
        if text
        for use in expression.uses(text)
    )


def _with_row(claim: Statement, row: str, other: str) -> Statement:
    """The statement as it would be read by another row."""
    readings = [text.replace(f"{row}[", f"{other}[") for text in claim.readings]
    test = claim.test.replace(f"{row}[", f"{other}[")
    return msgspec.structs.replace(claim, readings=readings, test=test)


def _contradicted(claim: Statement, verdict: Verdict, kind: VerdictKind) -> Verdict:
    times = _times(verdict, claim.expected)
    text = f"Measured: {times} that figure." if times else ""
    return Verdict(
        kind=kind,
        text=text,
        factor=verdict.factor,
        measured=verdict.measured,
        interval=verdict.interval,
    )


def _fixed(claim: Statement) -> Verdict | None:
    """Of what nothing is measured for, and no sum is to be checked."""
    if claim.kind in ("no_claim", "opinion"):
        return Verdict(kind="opinion" if claim.kind == "opinion" else "no_claim", text="")
    if claim.source == "none":
        text = "" if claim.because else "The article does not say where this comes from."
        return Verdict(kind="no_source", text=text)
    if claim.kind == "setup" and not (claim.sum or claim.works or claim.test):
        text = "" if claim.because else "Taken as the article tells it."
        return Verdict(kind="no_claim", text=text)
    if not (claim.readings or claim.test or claim.sum or claim.works):
        return Verdict(kind="untested", text=claim.untested)
    return None


def _untested(claim: Statement, why: Missing) -> Verdict:
    return Verdict(kind="untested", text=f"{claim.untested} Here {why}.")


def _of_test(claim: Statement, values: RunValues) -> Verdict:
    if _compares_servers(claim.test):
        values = values.compared
    try:
        found = expression.truth(claim.test, values)
        both = expression.sides(claim.test, values)
    except Missing as missing:
        return _untested(claim, missing)
    is_in_words = claim.published is not None and claim.expected is None
    factor = None if both is None or is_in_words else _factor(*both)
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
    return all(any(use.kind in MEASURED for use in side) for side in expression.sides_use(test))


def _unanswered(claim: Statement) -> Verdict:
    return Verdict(kind="untested", text=claim.untested)


def _of_reading(claim: Statement, reading: str, values: RunValues) -> Verdict:
    expected = claim.expected
    if expected is None:
        # A figure in words is compared by the statement's test.
        return _of_test(claim, values) if claim.test else _unanswered(claim)
    is_ratio = sum(use.kind in MEASURED for use in expression.uses(reading)) > 1
    if is_ratio:
        values = values.compared
    try:
        found = expression.value(reading, values)
    except Missing as missing:
        return _untested(claim, missing)
    place = expression.only_cell(reading)
    cell = None if place is None else values.found(*place)
    promised = found.low if found.is_open else found.high
    if cell is not None and cell.value is not None:
        promised = cell.value
    return _compared(claim, found, expected, promised, is_ratio=is_ratio)


def _compared(
    claim: Statement, found: Quantity, expected: Range, promised: float, *, is_ratio: bool
) -> Verdict:
    """``promised``: the side that promises less, which of a rate is the low one."""
    verdict = Verdict(
        kind="differs",
        text="",
        factor=promised / expected.middle if expected.middle else None,
        measured=_in_unit(claim, found),
    )
    said = f"Measured: {template.shown(found)} times, published: {_quoted(expected)}."
    if is_ratio and _is_reversed(found, expected):
        verdict.kind, verdict.text = "reversed", said
    elif not _agrees(found, expected):
        what = "Measured" if _is_measured(claim) else "It"
        verdict.text = f"{what} is {_times_of(found, expected)} the published figure."
    elif found.is_open and expected.high > found.low * _tolerance(expected):
        verdict.kind = "too_small" if claim.needs else "undecided"
        verdict.text = "Something else than the server was the limit here."
    elif is_ratio and found.low < 1 < found.high:
        verdict.kind, verdict.text = "undecided", f"{said} It may be more or less than one."
    elif found.low <= 0 < found.high and not expected.is_limit:
        verdict.kind = "undecided"
        bound = f"{template.shown(found)} {claim.unit}".rstrip()
        verdict.text = f"Measured: {bound}, which is all that can be told."
    else:
        verdict.kind, verdict.text = "holds", _how_it_holds(found, expected)
    return verdict


def _in_unit(claim: Statement, found: Quantity) -> tuple[float, float | None]:
    """As the figure is published: of what is measured for 10,000, a connection's part."""
    return Quantity(found.low / claim.measured_per, found.high / claim.measured_per).pair


def _is_measured(claim: Statement) -> bool:
    return any(
        use.kind in MEASURED for reading in claim.readings for use in expression.uses(reading)
    )


def _tolerance(expected: Range) -> float:
    return 1.0 if expected.is_limit else TOLERANCE


def _agrees(found: Quantity, expected: Range) -> bool:
    tolerance = _tolerance(expected)
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
    return _times_of(Quantity(low, math.inf if high is None else high), expected)


def _times_of(found: Quantity, expected: Range) -> str:
    least = _short(found.low / expected.middle)
    if found.is_open:
        return f">= {least} x"
    most = _short(found.high / expected.middle)
    return f"{most} x" if least == most else f"{least} to {most} x"


def _shown_pair(pair: tuple[float, float | None]) -> str:
    low, high = pair
    return template.shown(Quantity(low, math.inf if high is None else high))


def _short(value: float) -> str:
    return f"{value:.2g}" if value < 100 else f"{value:,.0f}"

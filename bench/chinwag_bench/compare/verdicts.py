"""Which statements of the articles two runs judge otherwise, and whether both decide them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chinwag_bench.judging.matrix import Claim, Verdict, VerdictKind

_NOT_MEASURED = ("untested", "impossible", "faulty", "no_source", "opinion", "no_claim")
"""What follows from the articles alone, and is the same in every run, or from no run yet."""


class VerdictChange(msgspec.Struct, kw_only=True, tag="verdict", tag_field="event"):
    """A statement with the verdicts of both runs."""

    claim: str
    statement: str
    before: VerdictKind
    after: VerdictKind
    undecided: bool
    """Whether one of the runs does not decide it, or its noise allows another verdict."""


class Verdicts(msgspec.Struct, kw_only=True):
    """Of the statements that both runs have measured."""

    shared: int
    changes: list[VerdictChange]

    @property
    def decided(self) -> list[VerdictChange]:
        return [one for one in self.changes if not one.undecided]

    def summary(self) -> str:
        """ "statements: 105 of 118 with the same verdict, 13 undecided in one of the runs"; empty
        without any.
        """
        if not self.shared:
            return ""
        same = self.shared - len(self.changes)
        decided = len(self.decided)
        parts = [f"{same} of {self.shared} with the same verdict"]
        if undecided := len(self.changes) - decided:
            parts.append(f"{undecided} undecided in one of the runs")
        if decided:
            parts.append(f"{decided} changed")
        return f"statements: {', '.join(parts)}"


def verdicts(before: Sequence[Claim], after: Sequence[Claim]) -> Verdicts:
    """Statements are paired by their id; what a run has not measured is left out."""
    new = {claim.id: claim for claim in after if claim.verdict.kind not in _NOT_MEASURED}
    tested = [claim for claim in before if claim.verdict.kind not in _NOT_MEASURED]
    shared = [(claim, new[claim.id]) for claim in tested if claim.id in new]
    return Verdicts(
        shared=len(shared),
        changes=[
            VerdictChange(
                claim=old.id,
                statement=old.statement,
                before=old.verdict.kind,
                after=other.verdict.kind,
                undecided=_is_undecided(old.verdict) or _is_undecided(other.verdict),
            )
            for old, other in shared
            if old.verdict.kind != other.verdict.kind
        ],
    )


def _is_undecided(verdict: Verdict) -> bool:
    return verdict.within_noise or verdict.kind in ("undecided", "too_small")

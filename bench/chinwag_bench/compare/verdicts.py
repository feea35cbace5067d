"""Which statements of the articles two runs judge otherwise, and whether noise explains it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chinwag_bench.judging.matrix import Claim, VerdictKind


class VerdictChange(msgspec.Struct, kw_only=True, tag="verdict", tag_field="event"):
    """A statement with the verdicts of both runs."""

    claim: str
    statement: str
    before: VerdictKind
    after: VerdictKind
    within_noise: bool
    """Whether one of the runs says itself that its medians alone would say otherwise."""


class Verdicts(msgspec.Struct, kw_only=True):
    """Of the statements that both runs judge."""

    shared: int
    changes: list[VerdictChange]

    @property
    def beyond_noise(self) -> list[VerdictChange]:
        return [one for one in self.changes if not one.within_noise]

    def summary(self) -> str:
        """ "statements: 164 of 177 with the same verdict, 13 within noise"; empty without any."""
        if not self.shared:
            return ""
        same = self.shared - len(self.changes)
        beyond = len(self.beyond_noise)
        parts = [f"{same} of {self.shared} with the same verdict"]
        if noisy := len(self.changes) - beyond:
            parts.append(f"{noisy} within noise")
        if beyond:
            parts.append(f"{beyond} changed")
        return f"statements: {', '.join(parts)}"


def verdicts(before: Sequence[Claim], after: Sequence[Claim]) -> Verdicts:
    """Statements are paired by their id; what only one run's catalogue has is left out."""
    new = {claim.id: claim for claim in after}
    shared = [(claim, new[claim.id]) for claim in before if claim.id in new]
    return Verdicts(
        shared=len(shared),
        changes=[
            VerdictChange(
                claim=old.id,
                statement=old.statement,
                before=old.verdict.kind,
                after=other.verdict.kind,
                within_noise=old.verdict.within_noise or other.verdict.within_noise,
            )
            for old, other in shared
            if old.verdict.kind != other.verdict.kind
        ],
    )

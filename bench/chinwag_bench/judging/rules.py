"""By what a run's holds are judged: each hold once, however many cells look at it."""

from __future__ import annotations

from dataclasses import dataclass, field

from chinwag_bench.judging.generator_limits import generator_limits
from chinwag_bench.judging.sustained import Failure, SustainedLimits, find_failure, limits_of
from chinwag_bench.records import Hold, Run


@dataclass(frozen=True)
class Rules:
    """Of one run. Holds that were judged must not change."""

    limits: SustainedLimits
    generator_cores: int
    _judged: dict[int, tuple[Hold, Failure | None, bool]] = field(
        default_factory=dict, repr=False, compare=False
    )
    """By identity; that the hold stands beside its verdict keeps the identity its own."""

    def failure(self, hold: Hold) -> Failure | None:
        """The first rule that the hold breaks; ``None`` when it was sustained."""
        return self._of(hold)[1]

    def is_limited(self, hold: Hold) -> bool:
        """Whether the generator held the hold back."""
        return self._of(hold)[2]

    def is_held_back(self, hold: Hold) -> bool:
        """Whether the hold says nothing of the server: the generator was the limit, or did not
        offer the rate.
        """
        failure = self.failure(hold)
        return self.is_limited(hold) or (failure is not None and failure.kind == "generator")

    def is_not_whole(self, hold: Hold) -> bool:
        """Whether a hold whose every delivery was read shows that the server lost some or mixed
        them up. A busy generator explains what is late or lost, and nothing that came twice, in
        another order or changed.
        """
        if hold.duplicated or hold.reordered or hold.corrupted:
            return True
        failure = self.failure(hold)
        return failure is not None and failure.kind == "loss" and not self.is_limited(hold)

    def _of(self, hold: Hold) -> tuple[Hold, Failure | None, bool]:
        known = self._judged.get(id(hold))
        if known is None:
            limited = bool(generator_limits(hold, self.generator_cores))
            known = hold, find_failure(hold, self.limits), limited
            self._judged[id(hold)] = known
        return known


def rules_of(run: Run) -> Rules:
    """Those of the run's plan, or the defaults."""
    return Rules(limits_of(run.plan), max(1, len(run.plan.get("generator_cores", []))))

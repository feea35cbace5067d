"""The articles' rules that speak of some needs, and whether their premises hold in a run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from chinwag_bench.claims.catalog import When, load
from chinwag_bench.deciding.needs import Needs
from chinwag_bench.judging.matrix import Matrix, Verdict


@dataclass(frozen=True)
class Rule:
    """A rule that applies."""

    id: str
    says: str
    picks: str
    """The articles' name of a server: elixir, go, rust, node."""
    verdict: Verdict
    """On the statement: whether what it promises is so."""


def rules(matrix: Matrix, needs: Needs) -> list[Rule]:
    """In the order of the articles."""
    verdicts = {claim.id: claim.verdict for claim in matrix.claims}
    return [
        Rule(claim.id, claim.says, claim.picks, verdicts[claim.id])
        for claim in load().claim
        if claim.id in verdicts and any(applies(when, needs) for when in claim.when)
    ]


def applies(when: When, needs: Needs) -> bool:
    """Whether all that is named is among the needs. What nobody asks for fits no limit."""
    return _numbers_fit(when, needs) and _words_fit(when, needs)


def _numbers_fit(when: When, needs: Needs) -> bool:
    over = (
        (when.connections_over, needs.connections),
        (when.messages_over, needs.messages_per_s),
        (when.nodes_over, needs.nodes),
    )
    memory = needs.memory_mb
    per_10k = None if memory is None else memory / (needs.connections / 10_000)
    under = (
        (when.connections_under, needs.connections),
        (when.p99_under_ms, needs.p99_ms),
        (when.memory_per_10k_under, per_10k),
        (when.weeks_under, needs.weeks),
    )
    is_small = when.team_up_to is None or (needs.team or math.inf) <= when.team_up_to
    return (
        is_small
        and all(limit is None or value > limit for limit, value in over)
        and all(limit is None or (value or math.inf) < limit for limit, value in under)
    )


def _words_fit(when: When, needs: Needs) -> bool:
    asked = (
        (when.upgrades, needs.upgrades),
        (when.recovery, needs.recovery_ms is not None),
        (when.prototype, needs.prototype),
        (when.integrations, needs.integrations),
        (when.rest, needs.rest),
    )
    theirs = {one.lower() for one in needs.languages}
    knows = not when.languages or any(one.lower() in theirs for one in when.languages)
    return knows and all(given or not wanted for wanted, given in asked)

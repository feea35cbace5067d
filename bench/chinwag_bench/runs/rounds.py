"""Shuffled rounds: every round visits every column once, in an order that the seed decides."""

from __future__ import annotations

import random

from chinwag_bench.servers.catalog import Target


def shuffled_rounds(
    targets: list[Target], rounds: int, seed: int, phase: str
) -> list[tuple[int, Target]]:
    """(round, target) in the order of measuring; rounds count from 1. The same seed gives the same
    order again, which is what lets an interrupted run go on.
    """
    source = random.Random(f"{seed}/{phase}")
    order = []
    for number in range(1, rounds + 1):
        order += [(number, target) for target in source.sample(targets, len(targets))]
    return order


def with_again(targets: list[Target], again: str) -> list[Target]:
    """Adds the second name of the A/A pair: of the server called ``again``, else of the first
    target.
    """
    if not targets:
        return []
    chosen = next((target for target in targets if target.base_id == again), targets[0])
    return [*targets, Target(chosen.server, chosen.variant, again=True)]

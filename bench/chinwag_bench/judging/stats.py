"""Medians, intervals and ratios of a few rounds. Nothing here assumes a distribution, but for the
test of a change between runs: that noise multiplies.

Up to seven rounds the interval of the median is the range of the samples: the true median lies
outside of it only if every sample fell on the same side, which has probability 2^(1-n). From eight
rounds a percentile bootstrap of the median is used, seeded so that a matrix can be made again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BOOTSTRAP_FROM_ROUNDS = 8
BOOTSTRAP_COVERAGE = 0.95
BOOTSTRAP_RESAMPLES = 4999
LEAST_NOISE = 0.01
"""As a share: CPU ticks, searches' steps and round figures make equal samples of unequal truths."""
SINGLE_ROUND_MARGIN = 0.10
"""One round shows no noise; the limit that A/A has to keep stands in for it."""


@dataclass(frozen=True)
class Interval:
    """Where the median lies, with the probability that it does."""

    low: float
    high: float
    coverage: float


def median(samples: Sequence[float]) -> float:
    """The middle sample, or the mean of the two in the middle. Raises ValueError without any."""
    if not samples:
        raise ValueError("median of no samples")
    return float(np.median(np.asarray(samples, dtype=float)))


def min_max_coverage(rounds: int) -> float:
    """Probability that the range of so many independent samples holds the median: 1 - 2^(1-n)."""
    if rounds < 1:
        raise ValueError(f"coverage of {rounds} rounds: at least one is needed")
    return float(1.0 - 2.0 ** (1 - rounds))


def interval(samples: Sequence[float], seed: int = 0) -> Interval | None:
    """The interval of the median; ``None`` for fewer than two samples, which show no noise."""
    if len(samples) < 2:
        return None
    low, high = min(samples), max(samples)
    if len(samples) < BOOTSTRAP_FROM_ROUNDS or low == high:
        return Interval(low, high, min_max_coverage(len(samples)))
    return _bootstrap(samples, seed)


def _bootstrap(samples: Sequence[float], seed: int) -> Interval:
    from scipy.stats import bootstrap  # Slow to import: for judging alone.

    result = bootstrap(
        (np.asarray(samples, dtype=float),),
        np.median,
        confidence_level=BOOTSTRAP_COVERAGE,
        n_resamples=BOOTSTRAP_RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    found = result.confidence_interval
    return Interval(float(found.low), float(found.high), BOOTSTRAP_COVERAGE)


def unpaired_ratio(
    before: Sequence[float], after: Sequence[float], seed: int = 0
) -> Interval | None:
    """The interval of median(after) / median(before) for samples of different runs, which share no
    rounds; ``None`` with fewer than two samples on a side. All samples must be above zero.

    With few rounds: the ends of both ranges set against each other, which holds the ratio at least
    whenever each range holds its median."""
    if min(len(before), len(after)) < 2:
        return None
    if min(len(before), len(after)) >= BOOTSTRAP_FROM_ROUNDS:
        return _bootstrap_ratio(before, after, seed)
    coverage = min_max_coverage(len(before)) * min_max_coverage(len(after))
    return Interval(min(after) / max(before), max(after) / min(before), coverage)


def _bootstrap_ratio(before: Sequence[float], after: Sequence[float], seed: int) -> Interval:
    """Percentiles of the ratio, each side drawn by itself."""
    rng = np.random.default_rng(seed)
    medians = [
        np.median(rng.choice(np.asarray(side, dtype=float), (BOOTSTRAP_RESAMPLES, len(side))), 1)
        for side in (before, after)
    ]
    outside = 50 * (1 - BOOTSTRAP_COVERAGE)
    low, high = np.percentile(medians[1] / medians[0], [outside, 100 - outside])
    return Interval(float(low), float(high), BOOTSTRAP_COVERAGE)


def change_p(before: Sequence[float], after: Sequence[float], margin: float) -> float:
    """Probability of samples at least this far apart if the true ratio were within ``margin`` of 1:
    Welch's t test on the logarithms. All samples must be above zero, two or more on each side.

    Samples that agree by luck would look free of noise, so each is taken to be known to
    ``LEAST_NOISE`` only. Raises ValueError with fewer samples.
    """
    from scipy.stats import ttest_ind_from_stats  # Slow to import: for judging alone.

    if min(len(before), len(after)) < 2:
        raise ValueError(f"{len(before)} against {len(after)} samples: two a side are needed")
    old, new = (np.log(np.asarray(side, dtype=float)) for side in (before, after))
    beyond = abs(float(new.mean() - old.mean())) - math.log1p(margin)
    if beyond <= 0:
        return 1.0
    noise = [max(float(side.std(ddof=1)), LEAST_NOISE) for side in (old, new)]
    found = ttest_ind_from_stats(
        beyond, noise[1], len(new), 0.0, noise[0], len(old), equal_var=False
    )
    return float(found.pvalue)


def false_discoveries_controlled(probabilities: Sequence[float]) -> list[float]:
    """The same, adjusted for how many were looked at (Benjamini and Hochberg): of those at most q,
    a share of q is expected to be noise.
    """
    from scipy.stats import false_discovery_control  # Slow to import: for judging alone.

    if not probabilities:
        return []
    return [float(p) for p in false_discovery_control(list(probabilities), method="bh")]


def spread(ratios: Sequence[float]) -> float:
    """How far the median ratio is from 1, as a share: 0.10 for 1.1 as for 1 / 1.1.

    Raises ValueError without ratios. A median of 0 or infinity is an infinite spread.
    """
    middle = median(ratios)
    if middle <= 0 or math.isinf(middle):
        return math.inf
    return max(middle, 1 / middle) - 1

"""Which columns have cells of a metric: all, those that the profile names for it, or one variant a
server, where the best of each is what matters and time is short.
"""

from __future__ import annotations

from collections.abc import Iterable

from chinwag_bench.metrics.registry import BY_NAME
from chinwag_bench.records import Column
from chinwag_bench.runs.profile import RunProfile
from chinwag_bench.servers.catalog import Target

Pair = tuple[str, str]
"""A server's name and a variant's."""


def targets_of(profile: RunProfile, metric: str, targets: list[Target]) -> list[Target]:
    """Those that have cells of the metric, in their order."""
    if BY_NAME[metric].of_nodes:
        return [one for one in targets if one.as_nodes is not None]
    if metric in profile.columns:
        return [one for one in targets if one.id in profile.columns[metric]]
    if metric not in profile.one_variant:
        return targets
    pairs = chosen(((one.server.name, one.variant) for one in targets), profile.variants)
    return [one for one in targets if not one.again and (one.server.name, one.variant) in pairs]


def columns_of(profile: RunProfile, metric: str, columns: list[Column]) -> list[Column]:
    """The same of the columns of a run."""
    if BY_NAME[metric].of_nodes:
        return [one for one in columns if one.nodes_by]
    if metric in profile.columns:
        return [one for one in columns if one.id in profile.columns[metric]]
    if metric not in profile.one_variant:
        return columns
    pairs = chosen(((one.server, one.variant) for one in columns), profile.variants)
    return [one for one in columns if not one.aa_of and (one.server, one.variant) in pairs]


def nodes_of(profile: RunProfile, targets: Iterable[Target]) -> list[Target]:
    """The variants of several nodes that a run needs besides its columns."""
    if not any(metric.of_nodes for metric, _ in profile.metrics()):
        return []
    return [nodes for one in targets if (nodes := one.as_nodes) is not None]


def chosen(pairs: Iterable[Pair], variants: list[str]) -> set[Pair]:
    """Of each server the variant that the profile names last; one that it does not name comes
    before all of those.
    """
    best: dict[str, str] = {}
    for server, variant in pairs:
        if server not in best or _place(variant, variants) > _place(best[server], variants):
            best[server] = variant
    return set(best.items())


def _place(variant: str, variants: list[str]) -> int:
    return variants.index(variant) if variant in variants else -1

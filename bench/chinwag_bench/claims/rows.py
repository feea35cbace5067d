"""Rows that stand in the articles alone: no metric of this version measures them."""

from __future__ import annotations

from collections.abc import Collection

from chinwag_bench.claims.catalog import load
from chinwag_bench.judging.row import Spec, row


def rows(measured: Collection[str]) -> list[Spec]:
    """Those of claims.toml but for what is measured by now."""
    return [
        Spec(
            row("Published only", id_, about.title, about.unit, "none", about.definition),
            "none",
            lambda _: None,
            needs_article=True,
        )
        for id_, about in load().rows.items()
        if id_ not in measured
    ]

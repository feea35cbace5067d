"""Whether the statements cover the articles: every line belongs to one, and to several only where
the article says several things in it.
"""

from __future__ import annotations

from collections import Counter

from chinwag_bench.claims.catalog import Catalog


def problems(catalog: Catalog) -> list[str]:
    """Holes, lines beyond the text, and overlaps that aren't said, or said and not there."""
    found = []
    for name, article in catalog.articles.items():
        ranges = [
            (claim.id, *lines)
            for claim in catalog.claim
            if claim.article == name
            for lines in claim.lines
        ]
        found += [
            f"{name}: {id_} has lines {first}-{last}"
            for id_, first, last in ranges
            if not 1 <= first <= last <= article.lines
        ]
        items: dict[int, Counter[str]] = {}
        for id_, first, last in ranges:
            for line in range(first, last + 1):
                items.setdefault(line, Counter())[id_] += 1
        for line in range(1, article.lines + 1):
            covering = items.get(line, Counter())
            if not covering:
                found.append(f"{name}: no statement covers line {line}")
            elif len(covering) > 1 and line not in article.shared:
                found.append(f"{name}: line {line} is of {', '.join(covering)}")
            elif len(covering) == 1 and line in article.shared:
                found.append(f"{name}: line {line} is of one statement, not shared")
    return found

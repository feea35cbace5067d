"""How the articles' quotes become numbers."""

from __future__ import annotations

import math

import pytest
from chinwag_bench.claims.quote import Range, parse_range


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        (89, Range(89, 89)),
        ("2M+", Range(2e6, math.inf)),
        ("10K-100K", Range(1e4, 1e5)),
        ("~2KB", Range(2e3, 2e3)),
        ("~100KB+", Range(1e5, math.inf)),
        ("<1", Range(0, 1)),
        ("1-10", Range(1, 10)),
        ("built-in", None),
        ("all cores automatically", None),
        ("", None),
    ],
)
def test_quotes_become_ranges(quote: float | str, expected: Range | None) -> None:
    assert parse_range(quote) == expected


@pytest.mark.parametrize(
    ("given", "middle"),
    [(Range(89, 89), 89), (Range(0, 1), 1), (Range(2e6, math.inf), 2e6), (Range(1, 10), 5.5)],
)
def test_what_a_factor_is_taken_against(given: Range, middle: float) -> None:
    assert given.middle == middle


@pytest.mark.parametrize(
    ("given", "limit"),
    [
        (Range(0, 1), True),
        (Range(2e6, math.inf), True),
        (Range(1, 10), False),
        (Range(9, 9), False),
    ],
)
def test_a_limit_is_a_figure_with_one_end(given: Range, limit: bool) -> None:
    assert given.is_limit is limit

"""Sentences of claims.toml: what stands between braces is computed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chinwag_bench.claims.expression import FACT, SAID, Missing, Use, Values, uses, value
from chinwag_bench.claims.quantity import Quantity
from chinwag_bench.numbers import number, span

_BRACES = re.compile(r"\{([^{}]+)\}")
NOT_KNOWN = "(not measured)"


def expressions(template: str) -> Iterator[str]:
    """Those between its braces."""
    for found in _BRACES.finditer(template):
        yield found[1]


def names(template: str) -> Iterator[Use]:
    """What its expressions use. Raises ExpressionError."""
    for text in expressions(template):
        yield from uses(text)


def filled(template: str, values: Values) -> str:
    """The sentence with its numbers: three significant digits, but for the articles' own counts."""

    def shown_(found: re.Match[str]) -> str:
        try:
            quantity = value(found[1], values)
        except Missing:
            return NOT_KNOWN
        stated = all(use.kind in (SAID, FACT) for use in uses(found[1]))
        if stated and quantity.low.is_integer():
            return f"{quantity.low:,.0f}"
        return shown(quantity)

    return _BRACES.sub(shown_, template)


def shown(found: Quantity) -> str:
    """ "at least 603,000" where it is open, "0.93 to 2.53" where its sides differ, "at most 10.3"
    where less can't be told apart; a count as it is.
    """
    if found.is_open:
        return f"at least {number(found.low)}"
    if found.low <= 0 and number(found.low) != number(found.high):
        return f"at most {number(found.high)}"
    return span(found.low, found.high)

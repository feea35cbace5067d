"""How a number reads: three significant digits, thousands set apart."""

from __future__ import annotations

import math

from chinwag_bench.errors import UsageError

SIGNIFICANT = 3
SHORT = 2
MOST = 1e12
"""More than anybody counts here."""


def number(value: float | None, significant: int = SIGNIFICANT) -> str:
    """Three significant digits, thousands set apart; "-" for none."""
    if value is None or math.isnan(value):
        return "-"
    if value == 0:
        return "0"
    if math.isinf(value):
        return "unbounded"
    digits = significant - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, digits)
    return f"{rounded:,.{max(0, min(digits, 6))}f}"


def span(low: float, high: float) -> str:
    """ "0.93 to 2.53", once where both read alike; a count as it is."""
    if low == high and low.is_integer():
        return f"{low:,.0f}"
    return number(high) if number(low) == number(high) else f"{number(low)} to {number(high)}"


def short(value: float) -> str:
    """Two significant digits with k and M: "99k", "1.6M"."""
    rounded = float(f"{value:.{SHORT}g}")
    for size, sign in ((1e6, "M"), (1e3, "k")):
        if abs(rounded) >= size:
            return number(rounded / size, SHORT).removesuffix(".0") + sign
    return number(rounded, SHORT)


def check_range(what: str, value: float, least: float) -> None:
    """Raises UsageError, which says ``what`` it is about, for less, and for what is no count."""
    if not least <= value <= MOST:
        raise UsageError(
            f"{what} is out of range", hint=f"It takes a number from {least:g} to {MOST:,.0f}."
        )

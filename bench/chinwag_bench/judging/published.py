"""The articles' figures, read from published.json and laid onto the matrix's rows and columns.

A figure is quoted as it stands; where a number is needed, a range is read out of the quote.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from chinwag_bench.errors import HostError
from chinwag_bench.judging.matrix import Published
from chinwag_bench.records import Column, Json

PUBLISHED_JSON = Path(__file__).resolve().parents[2] / "published" / "published.json"

# Key in an article's matrix, the row it belongs to, and its unit. One figure may serve two rows:
# the articles' "messages per second" can be read as messages or as deliveries, their p99 as that of
# their mix or of one message to many.
PLACES: dict[str, list[tuple[str, str, str]]] = {
    "A": [
        ("throughput_messages_per_s", "throughput_messages", "messages/s"),
        ("throughput_messages_per_s", "throughput_deliveries", "messages/s"),
        ("p50_ms", "common_p50", "ms"),
        ("p99_ms", "common_p99", "ms"),
        ("p99_ms", "broadcast_p99", "ms"),
        ("memory_mb_per_10k", "memory_joined", "MB"),
        ("cpu_percent_100k_connections", "cpu_at_n", "% at 100k connections"),
        ("max_connections", "max_connections", "connections"),
        ("fault_recovery_ms", "fault_recovery", "ms"),
        ("hot_code_upgrade", "hot_upgrade", ""),
        ("learning_weeks", "learning", "weeks"),
    ],
    "B": [
        ("p99_ms", "common_p99", "ms"),
        ("p99_ms", "broadcast_p99", "ms"),
        ("memory_per_connection", "memory_joined", "per connection"),
        ("max_connections", "max_connections", "connections"),
        ("fault_tolerance", "fault_recovery", ""),
        ("horizontal_scaling", "across_machines", ""),
        ("cpu_utilisation", "cores", ""),
    ],
}
MULTIPLES = {"": 1.0, "K": 1e3, "M": 1e6}
PART = re.compile(r"^(?P<number>\d+(?:\.\d+)?)(?P<multiple>[KM]?)(?:B)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Range:
    """What a quoted figure allows: 89 is (89, 89), "<1" is (0, 1), "2M+" is (2e6, infinity)."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The figure to set a factor against: the end that is finite, or the middle."""
        if math.isinf(self.high):
            return self.low
        return self.high if self.low == 0 else (self.low + self.high) / 2

    def overlaps(self, other: Range) -> bool:
        """Whether one number can be in both."""
        return self.low <= other.high and other.low <= self.high


@cache
def load(path: Path = PUBLISHED_JSON) -> Json:
    """published.json. Raises HostError where the file is missing or isn't JSON."""
    try:
        loaded: Json = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HostError(
            f"{path}: {error}", hint="The published figures come with a checkout of the project."
        ) from error
    return loaded


def article(name: str) -> Json:
    """One article: its title, setup, matrix, cases."""
    found: Json = load()["articles"][name]
    return found


def parse_range(value: float | str) -> Range | None:
    """The numbers in a quote, K and M multiplied out; ``None`` where it is not about a number."""
    if isinstance(value, int | float):
        return Range(float(value), float(value))
    text = value.strip().lstrip("~").replace(",", "")
    if text.startswith("<"):
        top = _number(text[1:])
        return None if top is None else Range(0.0, top)
    if text.endswith("+"):
        bottom = _number(text[:-1])
        return None if bottom is None else Range(bottom, math.inf)
    ends = [_number(part) for part in text.split("-")]
    if len(ends) > 2 or any(end is None for end in ends):
        return None
    return Range(float(ends[0] or 0), float(ends[-1] or 0))


def _number(text: str) -> float | None:
    found = PART.match(text.strip())
    if found is None:
        return None
    return float(found["number"]) * MULTIPLES[found["multiple"].upper()]


def figures(column: Column) -> dict[str, list[Published]]:
    """Row id -> what the articles state for this column.

    The articles' columns are about one server each, so their figures stand beside its default
    variant; a figure that they call tuned stands beside ``tuned``. An A/A column has none.
    """
    found: dict[str, list[Published]] = {}
    if column.published is None or column.aa_of is not None:
        return found
    keys = {"default": column.published, "tuned": f"{column.published}_tuned"}
    key = keys.get(column.variant)
    for name, places in PLACES.items():
        matrix = article(name)["matrix"]
        for figure, row, unit in places:
            value = matrix[figure].get(key)
            if value is not None:
                where = f"matrix.{figure}.{key}"
                found.setdefault(row, []).append(_quote(name, value, unit, where))
    if column.variant == "default":
        _add_from_text(column.published, found)
    return found


def _quote(name: str, value: float | str | bool, unit: str, where: str) -> Published:
    if isinstance(value, bool):
        value = "yes" if value else "no"
    return Published(article=name, value=value, unit=unit, where=where)


def _add_from_text(server: str, found: dict[str, list[Published]]) -> None:
    """Figures that article A gives outside of its table: a ratio of code, a case's savings."""
    if server == "rust":
        low, high = article("A")["ratios"]["rust_code_above_percent"]
        quote = _quote("A", f"{low}-{high} % more code", "", "ratios.rust_code_above_percent")
        found.setdefault("effort_lines_of_code", []).append(quote)
    if server == "elixir":
        saved = article("A")["cases"][0]["to"].split(", ", 3)[-1]
        found.setdefault("cost", []).append(_quote("A", saved, "", "cases.0.to"))


def parse_bits(text: str) -> float:
    """Bits per second out of "1Gbps as stated". Raises ValueError where there is no such figure."""
    found = re.search(r"(\d+(?:\.\d+)?)\s*Gb(?:ps|it/s)", text)
    if found is None:
        raise ValueError(f"no Gbps figure in {text!r}")
    return float(found[1]) * 1e9


def stack(column: Column) -> str | None:
    """The versions that article A names for this column."""
    stacks = article("A")["stacks"]
    return None if column.published is None else stacks.get(column.published)

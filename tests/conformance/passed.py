"""Compares how many cases each column passed with the numbers of passed.json: cases that vanish, or
are skipped at run time, are noticed.

    chinwag verify --all --json | python tests/conformance/passed.py
    chinwag verify --all --json | python tests/conformance/passed.py --write

The second notes new numbers, for a change that adds or removes cases; its diff is then reviewed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

NUMBERS = Path(__file__).with_name("passed.json")


def passed_by_column(lines: Iterable[str]) -> dict[str, int]:
    """What ``chinwag verify --json`` prints: other events have no such fields."""
    records = [json.loads(line) for line in lines if line.startswith("{")]
    return {one["column"]: one["passed"] for one in records if {"column", "passed"} <= one.keys()}


def complaints(found: dict[str, int], expected: dict[str, int]) -> list[str]:
    """A line for each column whose number is another one, or is not known."""
    return [
        f"{column}: {passed} cases passed, {expected.get(column, 'no number')} in {NUMBERS.name}"
        for column, passed in found.items()
        if passed != expected.get(column)
    ]


def main() -> int:
    found = passed_by_column(sys.stdin)
    expected: dict[str, int] = json.loads(NUMBERS.read_text("utf-8"))
    if "--write" in sys.argv[1:]:
        text = json.dumps(expected | found, indent=2, sort_keys=True)
        NUMBERS.write_text(text + "\n", "utf-8")
        return 0
    lines = complaints(found, expected) if found else ["no column was verified"]
    print(*lines, sep="\n", file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())

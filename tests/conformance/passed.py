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
from typing import Any

NUMBERS = Path(__file__).with_name("passed.json")


def verdicts(lines: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What ``chinwag verify --json`` says of each column: other events have no such fields."""
    records = [json.loads(line) for line in lines if line.startswith("{")]
    return {one["column"]: one for one in records if {"column", "passed"} <= one.keys()}


def complaints(found: dict[str, dict[str, Any]], expected: dict[str, int]) -> list[str]:
    """A line for each case that failed, and each column whose number is another one or unknown."""
    lines = []
    for column, verdict in found.items():
        passed = verdict["passed"]
        lines += [f"{column}: {failure}" for failure in verdict.get("failures", [])]
        if passed != expected.get(column):
            known = expected.get(column, "no number")
            lines.append(f"{column}: {passed} cases passed, {known} in {NUMBERS.name}")
    return lines


def main() -> int:
    found = verdicts(sys.stdin)
    expected: dict[str, int] = json.loads(NUMBERS.read_text("utf-8"))
    if "--write" in sys.argv[1:]:
        numbers = {column: verdict["passed"] for column, verdict in found.items()}
        text = json.dumps(expected | numbers, indent=2, sort_keys=True)
        NUMBERS.write_text(text + "\n", "utf-8")
        return 0
    lines = complaints(found, expected) if found else ["no column was verified"]
    print(*lines, sep="\n")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())

"""What ctest and node:test skip passes in silence: every reason stands in tests/skips.txt."""

from __future__ import annotations

import re

import msgspec
import pytest
from tree import ROOT, name, tracked

NAMES = "tests/skips.txt"
REASONS = (ROOT / NAMES).read_text("utf-8").splitlines()

GTEST_SKIP = re.compile(r'GTEST_SKIP\(\)\s*<<\s*"([^"]*)"')
NODE_SKIP = re.compile(r"\b(?:test|it|describe|t)\.(?:skip|todo|only)\b|\b(?:skip|todo|only): *\S")


def test_reasons_of_skipped_units_are_written_down() -> None:
    for path in sorted((ROOT / "tests").rglob("*_test.cpp")):
        text = path.read_text("utf-8")
        reasons = GTEST_SKIP.findall(text)
        assert len(reasons) == text.count("GTEST_SKIP"), f"{path.name}: a skip without a reason"
        for reason in reasons:
            assert reason in REASONS, f"{path.name} skips: {reason}"


def test_no_test_of_the_addon_is_skipped() -> None:
    for path in sorted((ROOT / "tests/bindings/node").glob("*.test.cjs")):
        found = NODE_SKIP.search(path.read_text("utf-8"))
        assert found is None, f"{path.name}: {found and found.group()}"


@pytest.mark.parametrize(
    "manifest", [path for path in tracked() if path.name == "server.toml"], ids=name
)
def test_what_a_server_may_skip_each_of_its_variants_may(manifest) -> None:
    """A line for `NAME *` leaves out `NAME:tuned`, and CI asks it what its sibling is not asked."""
    server = msgspec.toml.decode(manifest.read_bytes())
    variants = server.get("variants", {})
    columns = [server["name"], *(f"{server['name']}:{variant}" for variant in variants)]
    for test, why in server.get("conformance", {}).get("skip", {}).items():
        allowed = {column for column in columns if is_allowed(f"{column} {test}: {why}")}
        assert allowed in (set(), set(columns)), f"{test}: {NAMES} allows {allowed} only"


def is_allowed(reason: str) -> bool:
    """As tests/conformance/skip_gate.py has it: a line is a whole text, * stands for anything."""
    lines = (line for line in REASONS if line and not line.startswith("#"))
    return any(re.fullmatch(".*".join(map(re.escape, line.split("*"))), reason) for line in lines)

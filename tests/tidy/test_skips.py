"""What ctest and node:test skip passes in silence: every reason stands in tests/skips.txt."""

from __future__ import annotations

import re

from tree import ROOT

REASONS = (ROOT / "tests/skips.txt").read_text("utf-8").splitlines()

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

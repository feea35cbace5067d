"""CI's gate for skips: a test that is skipped for a reason that nobody wrote down has failed."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pytest

from .skips import covers

ALLOWED = Path(__file__).parents[1] / "skips.txt"


def is_closed() -> bool:
    """Whether this is CI, where all that is needed is installed."""
    return os.environ.get("CHINWAG_CI") == "1"


@functools.cache
def allowed_reasons() -> tuple[str, ...]:
    lines = ALLOWED.read_text("utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


def is_allowed(reason: str) -> bool:
    return any(covers(allowed, reason) for allowed in allowed_reasons())


def refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turns a skip into a failure unless its reason is in the list. An expected failure is none."""
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = text.removeprefix("Skipped: ")
    if not is_allowed(reason):
        report.outcome = "failed"
        report.longrepr = f"skipped for a reason that {ALLOWED.name} does not have: {reason}"

"""With CHINWAG_CI=1, what is skipped for a reason that tests/skips.txt does not have fails."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from .conformance import skip_gate


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if skip_gate.is_closed():
        skip_gate.refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if skip_gate.is_closed():
        skip_gate.refuse(report)
    return report

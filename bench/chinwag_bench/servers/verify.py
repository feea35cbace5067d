"""Conformance of one column: runs tests/conformance against it and reads the outcome."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree

from chinwag_bench.errors import ServerError
from chinwag_bench.records import Verification
from chinwag_bench.servers.catalog import Target
from chinwag_bench.servers.process_tree import Program, run_to_end
from chinwag_bench.text import last_lines

_TIMEOUT_S = 900
# pytest's exit codes for "all passed" and "some failed"; the others mean that it could not do its
# work.
_PYTEST_RAN = (0, 1)


def verify(target: Target, log: Path, *, smoke: bool = False) -> Verification:
    """Runs the suite, or with ``smoke`` its short subset. Raises ``ServerError`` if the suite
    itself could not run.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        code = _run_suite(target, log, report, smoke=smoke)
        if code not in _PYTEST_RAN or not report.is_file():
            raise ServerError(
                f"{target.base_id}: the conformance suite could not run (pytest: {code})",
                hint=f"the whole log: {log}",
                detail=last_lines(log),
            )
        return read_report(report, target.id, time.monotonic() - started)


def read_report(report: Path, column: str, seconds: float) -> Verification:
    """Counts the cases of a JUnit XML report. An error in a fixture counts as a failure."""
    passed = 0
    skips: list[str] = []
    failures: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = case.get("name", "?")
        trouble = case.find("failure") if case.find("failure") is not None else case.find("error")
        if trouble is not None:
            failures[name] = _first_line(trouble.get("message", ""))
        elif (skip := case.find("skipped")) is not None:
            skips.append(f"{name}: {_first_line(skip.get('message', ''))}")
        else:
            passed += 1
    return Verification(
        column=column,
        passed=passed,
        failed=len(failures),
        skipped=len(skips),
        skips=skips,
        failures=[f"{name}: {text}" if text else name for name, text in failures.items()],
        seconds=seconds,
    )


def _run_suite(target: Target, log: Path, report: Path, *, smoke: bool) -> int:
    workspace = target.server.workspace
    command = [
        sys.executable,
        "-m",
        "pytest",
        str(workspace.conformance),
        "--server",
        target.base_id,
        "-q",
    ]
    command += [f"--junitxml={report}", "-p", "no:cacheprovider"]
    command += ["-m", "smoke"] if smoke else []
    suite = Program(
        name=f"{target.base_id}: the conformance suite",
        command=command,
        folder=workspace.root,
        env=dict(os.environ),
    )
    with log.open("wb") as output:
        try:
            return run_to_end(suite, output, _TIMEOUT_S)
        except TimeoutError as error:
            raise ServerError(str(error), detail=last_lines(log)) from error


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else ""

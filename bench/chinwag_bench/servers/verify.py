"""Conformance of one column: runs tests/conformance against it and reads the outcome."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree

from chinwag_bench.errors import ServerError
from chinwag_bench.records import Verification
from chinwag_bench.servers.catalog import Target
from chinwag_bench.servers.process_tree import ProcessTree, Program
from chinwag_bench.text import last_lines

_TIMEOUT_S = 900
# pytest's exit codes for "all passed" and "some failed"; the others mean that it could not do its
# work.
_PYTEST_RAN = (0, 1)
_PERCENT = re.compile(r"\[ *(\d+)%\]")


class Suite:
    """The suite, running against one column. Leave its ``with`` block and it is gone.

    With ``smoke`` it is the short subset. Its output goes to the file ``log``."""

    def __init__(self, target: Target, log: Path, *, smoke: bool = False) -> None:
        self.target = target
        self._log = log
        self._stack = ExitStack()
        self._started = time.monotonic()
        log.parent.mkdir(parents=True, exist_ok=True)
        folder = self._stack.enter_context(tempfile.TemporaryDirectory())
        self._report = Path(folder, "report.xml")
        program = _program(target, self._report, smoke=smoke)
        output = self._stack.enter_context(log.open("wb"))
        self._tree = self._stack.enter_context(ProcessTree(program, output))

    def outcome(self, timeout_s: float) -> Verification | None:
        """What it found, or ``None`` when it still runs after so many seconds. Raises
        ``ServerError`` if the suite itself could not run, or did not end.
        """
        code = self._tree.wait(timeout_s)
        seconds = time.monotonic() - self._started
        name = self._tree.program.name
        if code is None and seconds <= _TIMEOUT_S:
            return None
        if code is None:
            raise ServerError(
                f"{name} did not end within {_TIMEOUT_S} s", detail=last_lines(self._log)
            )
        if code not in _PYTEST_RAN or not self._report.is_file():
            raise ServerError(
                f"{name} could not run (pytest: {code})",
                hint=f"the whole log: {self._log}",
                detail=last_lines(self._log),
            )
        return read_report(self._report, self.target.id, seconds)

    def share(self) -> float:
        """How much of it is done, 0 to 1, as it says itself."""
        shares = _PERCENT.findall(last_lines(self._log, 2))
        return int(shares[-1]) / 100 if shares else 0.0

    def __enter__(self) -> Suite:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def read_report(report: Path, column: str, seconds: float) -> Verification:
    """Counts the cases of a JUnit XML report. A fixture's error is a failure, and so is a report in
    which nothing passed.
    """
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
    if not passed and not failures:
        failures[column] = "no case passed: a server that was asked nothing is not proven"
    return Verification(
        column=column,
        passed=passed,
        failed=len(failures),
        skipped=len(skips),
        skips=skips,
        failures=[f"{name}: {text}" if text else name for name, text in failures.items()],
        seconds=seconds,
    )


def _program(target: Target, report: Path, *, smoke: bool) -> Program:
    workspace = target.server.workspace
    command = [sys.executable, "-m", "pytest", str(workspace.conformance), "-q"]
    command += ["--server", target.base_id]
    command += [f"--junitxml={report}", "-p", "no:cacheprovider"]
    command += ["-m", "smoke"] if smoke else []
    return Program(
        name=f"{target.base_id}: the conformance suite",
        command=command,
        folder=workspace.root,
        env=dict(os.environ),
    )


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else ""

"""Whether a run may stand as a reference: whole, quiet in every cell that is kept of it, and with
every check passed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chinwag_bench.errors import UsageError
from chinwag_bench.judging.evidence import load
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.repeats import disturbed_by, kept
from chinwag_bench.metrics.latency import Latency
from chinwag_bench.records import Record
from chinwag_bench.runs.rawlog import metric_of
from chinwag_bench.validation.problem import Problem


def reference_problems(directory: Path) -> list[Problem]:
    """What forbids to quote it as a reference. Raises ``UnreadableResult``."""
    evidence = load(directory)
    found = []
    if evidence.run.finished_at is None:
        found.append(Problem("run.json", None, "the run was not finished"))
    if evidence.floor is not None and evidence.floor.disturbance.get("reasons"):
        found.append(_disturbed("floor", evidence.floor.disturbance["reasons"]))
    for name, records in evidence.records.items():
        for one in _kept_of_all(records):
            reasons = disturbed_by(one)
            if reasons:
                found.append(_disturbed(name, reasons, one))
    for check in judge(directory).checks:
        if not check["ok"]:
            what = f"the check {check['name']!r} failed: {check['text']}"
            found.append(Problem("raw", None, what))
    return found


def require_reference(directory: Path) -> None:
    """Raises ``UsageError`` with every cell that stayed disturbed and every check that failed."""
    found = reference_problems(directory)
    if found:
        raise UsageError(
            f"{directory} can't be a reference run:\n  "
            + "\n  ".join(problem.text() for problem in found),
            hint="measure on a quiet machine, with a budget that has room for repeats",
        )


def _kept_of_all(records: list[Record]) -> Iterator[Record]:
    """The record that the judge keeps of each column, point, load and round."""
    by_place: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        point = record.point if isinstance(record, Latency) else ""
        by_place.setdefault((record.column, point, record.load), []).append(record)
    for of_one in by_place.values():
        yield from kept(of_one)


def _disturbed(name: str, reasons: list[str], record: Record | None = None) -> Problem:
    where = name
    if record is not None:
        point = f" at the {record.point} rate" if isinstance(record, Latency) else ""
        load = f" of {record.load}" if record.load else ""
        where = f"{metric_of(record)}{load}{point}, {record.column}, round {record.round}"
    return Problem(f"raw/{name}.ndjson", None, f"{where} stayed disturbed: {'; '.join(reasons)}")

"""Reads a result directory: run.json and the raw records, as they were written."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import msgspec

from chinwag_bench.clusters.trial import NODES
from chinwag_bench.decoding import UNDECODABLE
from chinwag_bench.errors import UsageError
from chinwag_bench.judging.rules import Rules, rules_of
from chinwag_bench.judging.sustained import SustainedLimits
from chinwag_bench.metrics.latency import Latency
from chinwag_bench.metrics.registry import BY_NAME, KINDS
from chinwag_bench.records import Calibration, Floor, Record, Run, Threads
from chinwag_bench.run_json import decode_run
from chinwag_bench.runs.promised import promised_metrics

EXPERIMENTS = "experiments"
"""The folder in a result directory where runs are that put statements of the articles to the
test: result directories themselves."""
OTHER_VERSION = "Was it written by another version of the kit? Run the matrix again."
_ANEW = "measure anew: chinwag matrix"

_Record = TypeVar("_Record", bound=msgspec.Struct)
_OfRun = TypeVar("_OfRun", Floor, Calibration)


class UnreadableResult(UsageError):
    """A result directory that can't be judged; the message says which file and why."""


@dataclass
class Evidence:
    """All that a run has written. ``records`` has them in the order of writing."""

    directory: Path
    run: Run
    records: dict[str, list[Record]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    floor: Floor | None = None
    calibration: Calibration | None = None
    """The last one; a run that was resumed has one all the same."""
    _rules: dict[tuple[SustainedLimits, int], Rules] = field(
        default_factory=dict, repr=False, compare=False
    )

    def rules_of(self, column: str, source: str) -> Rules:
        """By what the source's holds of a column are judged: one object for all that are judged
        alike, as each hold is judged once.
        """
        name = "latency" if source in ("common", "half") else source
        metric = BY_NAME.get(name)
        nodes = NODES if metric is not None and metric.of_nodes else 1
        found = rules_of(self.run, self._threads.get(column), name, nodes)
        return self._rules.setdefault((found.limits, found.server_cores), found)

    @cached_property
    def _threads(self) -> dict[str, Threads | None]:
        return {column.id: column.threads for column in self.run.columns}

    def of(self, source: str, column: str, load: str = "") -> list[Record]:
        """The records of one column. ``common`` is latency's point, as ``half`` was in older
        runs; ``load`` is one of the source's, where it has several.
        """
        if source in ("common", "half"):
            points = [r for r in self.records["latency"] if isinstance(r, Latency)]
            return [r for r in points if r.column == column and (r.point == source or _is_void(r))]
        found = self.records.get(source, [])
        return [r for r in found if r.column == column and r.load == load]


def load(directory: Path) -> Evidence:
    """Reads the directory. Raises UnreadableResult; a line cut off at the end is only noted."""
    path = directory / "run.json"
    if not path.is_file():
        raise UnreadableResult(
            f"{directory} has no run.json", hint="Name a directory that `chinwag matrix` wrote."
        )
    try:
        run = decode_run(path.read_bytes())
    except UNDECODABLE as error:
        raise UnreadableResult(f"{path}: {error}", hint=OTHER_VERSION) from error
    evidence = Evidence(directory, run)
    expected = promised_metrics(run) if run.finished_at is not None else set()
    for name, kind in KINDS.items():
        file = directory / "raw" / f"{name}.ndjson"
        evidence.records[name] = _records(file, kind, evidence)
        if name in expected and not evidence.records[name]:
            raise UnreadableResult(
                f"{file} {'has no records' if file.is_file() else 'is missing'}, and run.json "
                f"says that the run is finished and measured {name}",
                hint=f"copy the whole directory anew, or {_ANEW}",
            )
    evidence.floor = _kept_floor(_of_run(Floor, evidence))
    calibrations = _of_run(Calibration, evidence)
    evidence.calibration = calibrations[-1] if calibrations else None
    return evidence


def experiments_of(directory: Path) -> Path | None:
    """The newest run below it that puts statements to the test; ``None`` without any."""
    found = sorted(path.parent for path in (directory / EXPERIMENTS).glob("*/run.json"))
    return found[-1] if found else None


def _kept_floor(made: list[Floor]) -> Floor | None:
    """The latest undisturbed one, or the latest."""
    in_peace = [record for record in made if not record.disturbance.get("reasons")]
    found = in_peace or made
    return found[-1] if found else None


def _of_run(kind: type[_OfRun], evidence: Evidence) -> list[_OfRun]:
    name = f"{kind.__struct_config__.tag}.ndjson"
    return _records(evidence.directory / "raw" / name, kind, evidence)


def _records(path: Path, kind: type[_Record], evidence: Evidence) -> list[_Record]:
    lines = _lines(path)
    decoder = msgspec.json.Decoder(kind)
    found: list[_Record] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(decoder.decode(line))
        except UNDECODABLE as error:
            if number == len(lines) and not line.endswith(b"\n"):
                evidence.notes.append(f"{path.name}: the last line was cut off and is left out")
                continue
            raise UnreadableResult(f"{path}:{number}: {error}", hint=OTHER_VERSION) from error
    return found


def _lines(path: Path) -> list[bytes]:
    """None where there is no file: a run may not have come so far."""
    if not path.exists() and not path.is_symlink():
        return []
    try:
        return path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        what = f"{error.strerror}, of what it links to" if path.is_symlink() else error.strerror
        raise UnreadableResult(
            f"{path} can't be read: {what}", hint=f"put the file in its place, or {_ANEW}"
        ) from error


def _is_void(record: Latency) -> bool:
    """A round that failed before its first point speaks for both points."""
    return record.status == "failed" and record.step is None

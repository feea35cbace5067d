"""A result directory: run.json, raw records, logs."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from chinwag_bench.decoding import UNDECODABLE
from chinwag_bench.errors import UsageError
from chinwag_bench.metrics.registry import ANY_RECORD, KINDS
from chinwag_bench.paths import Workspace
from chinwag_bench.records import KINDS_OF_RUN, OfRun, Record, Run, Verification
from chinwag_bench.run_json import decode_run
from chinwag_bench.runs.folder_lock import FolderLock
from chinwag_bench.runs.rawlog import (
    append_record,
    disk_errors,
    drop_torn_line,
    metric_of,
    read_records,
    replace_file,
)
from chinwag_bench.text import is_utf8, shown


class RunStore:
    """Writes as soon as there is something to write, so it can be judged at any time."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.folder = folder
        self.run = run
        self.lock: FolderLock | None = None
        """Kept as long as this store, where it writes."""

    def save_run(self) -> None:
        """Raises ``HostError`` when the disk is full; the previous run.json stays."""
        replace_file(self.folder / "run.json", _pretty(self.run))

    def save_verifications(self) -> None:
        replace_file(self.folder / "verify.json", _pretty(self.run.verifications))

    def append(self, record: Record | OfRun) -> None:
        append_record(self._raw(metric_of(record)), record)

    def has(self, kind: type[OfRun]) -> bool:
        """Whether the run has a record of something that is measured once."""
        path = self._raw(metric_of(kind))
        return path.is_file() and path.stat().st_size > 0

    def has_records(self) -> bool:
        """Whether anything was measured that another run would have to measure again."""
        return any(path.stat().st_size for path in (self.folder / "raw").glob("*.ndjson"))

    def remove(self) -> None:
        """Takes the directory back, of a run that has nothing to keep. What can't be removed
        stays.
        """
        shutil.rmtree(self.folder, ignore_errors=True)

    def append_cell(self, records: Sequence[Record]) -> None:
        """All records of one cell, or none of them: whoever goes on with the run takes a cell that
        has a record for measured. What is half-written when this process ends is completed by
        :meth:`reopen`.
        """
        if len(records) > 1:
            replace_file(self._half_written, msgspec.json.encode(records))
        for record in records:
            self.append(record)
        self._half_written.unlink(missing_ok=True)

    def records(self) -> list[Record]:
        return [record for metric in KINDS for record in read_records(self._raw(metric))]

    @property
    def _half_written(self) -> Path:
        return self.folder / "raw" / "cell.json"

    def _complete_cell(self) -> None:
        """Writes those records of an interrupted :meth:`append_cell` that had not been written."""
        if not self._half_written.is_file():
            return
        present = self.records()
        try:
            intended = msgspec.json.decode(self._half_written.read_bytes(), type=list[ANY_RECORD])
        except UNDECODABLE as error:
            raise UsageError(
                f"{self._half_written}: {error}",
                hint="remove the file: its cell will be measured again, but for what is in raw/",
            ) from error
        for record in intended:
            if record not in present:
                self.append(record)
        self._half_written.unlink()

    def _raw(self, metric: str) -> Path:
        return self.folder / "raw" / f"{metric}.ndjson"

    @classmethod
    def reopen(cls, folder: Path) -> RunStore:
        """The directory of an interrupted run. Raises ``UsageError`` when it is none."""
        store = cls(folder, read_run(folder))
        for metric in (*KINDS, *KINDS_OF_RUN):
            drop_torn_line(store._raw(metric))
        store._complete_cell()
        return store


def read_run(folder: Path) -> Run:
    """What a result directory says of its run. Raises ``UsageError`` when it is none."""
    path = folder / "run.json"
    try:
        return decode_run(path.read_bytes())
    except (OSError, *UNDECODABLE) as error:
        raise UsageError(f"{folder} is not a result directory: {path.name}: {error}") from error


def newest_result(workspace: Workspace) -> Path | None:
    """The directory of the newest run, else of the newest reference run; ``None`` without any."""
    for folder in (workspace.results, workspace.results / "reference"):
        runs = sorted(folder.glob("*/run.json"), key=lambda path: path.stat().st_mtime)
        if runs:
            return runs[-1].parent
    return None


def result_directory(named: Path) -> Path:
    """The result directory that is meant: the named one, or the only one in it. Raises
    ``UsageError`` where several are in it.
    """
    if (named / "run.json").is_file():
        return named
    inside = sorted(path.parent for path in named.glob("*/run.json"))
    if len(inside) > 1:
        listed = ", ".join(map(str, inside))
        raise UsageError(f"{named} has {len(inside)} runs in it", hint=f"name one of: {listed}")
    return inside[0] if inside else named


def new_folder(results: Path, hostname: str) -> Path:
    """Makes results/<date>-<time>-<host>, which never existed before. Raises ``UsageError`` for a
    folder whose name is no UTF-8, ``HostError`` where none can be made.
    """
    host = re.sub(r"[^A-Za-z0-9.-]+", "-", hostname) or "host"
    name = f"{time.strftime('%Y-%m-%d-%H%M%S')}-{host}"
    if not is_utf8(str(results)):
        raise UsageError(
            f"{shown(str(results))} is not UTF-8, and results say where they lie",
            hint="name another folder with --results",
        )
    number, folder = 1, results / name
    with disk_errors(results):
        while True:
            try:
                folder.mkdir(parents=True)
                return folder
            except FileExistsError:
                number += 1
                folder = results / f"{name}-{number}"


def _pretty(value: Run | list[Verification]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"

"""Raw records on disk: one NDJSON line each, complete or absent, never changed afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from chinwag_bench.decoding import UNDECODABLE
from chinwag_bench.errors import HostError, UsageError, host_refusal
from chinwag_bench.metrics.registry import ANY_RECORD
from chinwag_bench.records import OfRun, Record


def metric_of(record: Record | OfRun | type[Record] | type[OfRun]) -> str:
    """The metric's name: the tag of the record, and the name of its file."""
    return str(record.__struct_config__.tag)


def append_record(path: Path, record: Record | OfRun) -> None:
    """Writes one line and makes it durable. A line that does not fit on the disk is taken back:
    ``HostError``.
    """
    line = msgspec.json.encode(record) + b"\n"
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            before = os.fstat(number).st_size
            _write_or_undo(number, line, before)
        finally:
            os.close(number)


def read_records(path: Path) -> list[Record]:
    """All whole records of a file; none when it does not exist. A torn last line (power cut) is
    left out. Raises ``UsageError`` naming a line that is no record.
    """
    if not path.is_file():
        return []
    found: list[Record] = []
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], 1):
        try:
            found += [msgspec.json.decode(line, type=ANY_RECORD)] if line else []
        except UNDECODABLE as error:
            raise UsageError(
                f"{path}:{number}: {error}",
                hint="the line is no record; `chinwag validate` names all such lines",
            ) from error
    return found


def drop_torn_line(path: Path) -> None:
    """Cuts off what a power cut left of a last line, so that the next record starts on its own."""
    if path.is_file():
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole != len(content):
            with disk_errors(path):
                os.truncate(path, whole)


def replace_file(path: Path, content: bytes) -> None:
    """Writes a whole file so that readers see the old one or the new one, and each of several
    writers the own one, or a later one's. Raises ``HostError``.
    """
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    with disk_errors(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _drop_leftovers(path)
            with fresh.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turns what the file system refuses into one clear message."""
    try:
        yield
    except OSError as error:
        refusal = host_refusal(error, path)
        raise HostError(
            f"{path} can't be written: {error.strerror or error}",
            hint=refusal.hint if refusal else None,
        ) from error


def _drop_leftovers(path: Path) -> None:
    """What writers of this file left that were killed meanwhile."""
    for left in path.parent.glob(f"{path.name}.*.new"):
        writer = left.name.removeprefix(f"{path.name}.").removesuffix(".new")
        if writer.isdecimal() and not Path("/proc", writer).exists():
            left.unlink(missing_ok=True)


def _write_or_undo(number: int, line: bytes, before: int) -> None:
    try:
        left = line
        while left:
            left = left[os.write(number, left) :]
        os.fsync(number)
    except OSError:
        os.ftruncate(number, before)
        raise

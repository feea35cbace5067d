"""Raw records on disk: one NDJSON line each, complete or absent, never changed afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from chinwag_bench.errors import HostError, host_refusal
from chinwag_bench.records import OfRun, Raw


def metric_of(record: Raw | OfRun | type[Raw] | type[OfRun]) -> str:
    """The metric's name: the tag of the record, and the name of its file."""
    return str(record.__struct_config__.tag)


def append_record(path: Path, record: Raw | OfRun) -> None:
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


def read_records(path: Path) -> list[Raw]:
    """All whole records of a file; none when it does not exist. A torn last line (power cut) is
    left out.
    """
    if not path.is_file():
        return []
    lines = path.read_bytes().split(b"\n")
    return [msgspec.json.decode(line, type=Raw) for line in lines[:-1] if line]


def drop_torn_line(path: Path) -> None:
    """Cuts off what a power cut left of a last line, so that the next record starts on its own."""
    if path.is_file():
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole != len(content):
            with disk_errors(path):
                os.truncate(path, whole)


def replace_file(path: Path, content: bytes) -> None:
    """Writes a whole file so that readers see the old one or the new one. Raises ``HostError``."""
    fresh = path.with_name(path.name + ".new")
    with disk_errors(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
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


def _write_or_undo(number: int, line: bytes, before: int) -> None:
    try:
        left = line
        while left:
            left = left[os.write(number, left) :]
        os.fsync(number)
    except OSError:
        os.ftruncate(number, before)
        raise

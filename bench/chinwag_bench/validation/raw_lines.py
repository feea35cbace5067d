"""Raw records with the places they stand at, so that a problem can be pointed to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from chinwag_bench.decoding import UNDECODABLE
from chinwag_bench.records import Calibration, Floor, Record
from chinwag_bench.validation.problem import Problem

AnyRecord = TypeVar("AnyRecord", Record, Floor, Calibration)


@dataclass(frozen=True)
class RawLine(Generic[AnyRecord]):
    """A record and its place."""

    file: str
    number: int
    record: AnyRecord

    def problem(self, what: str) -> Problem:
        return Problem(self.file, self.number, what)


def read_raw(
    directory: Path, name: str, kind: type[AnyRecord], problems: list[Problem]
) -> list[RawLine[AnyRecord]]:
    """All records of ``raw/NAME.ndjson`` that fit their type; the others become problems. A file
    that does not exist has no records: a run may not have come so far.
    """
    file = f"raw/{name}.ndjson"
    path = directory / file
    if not path.exists() and not path.is_symlink():
        return []
    try:
        content = path.read_bytes()
    except OSError as error:
        problems.append(Problem(file, None, f"can't be read: {error.strerror}"))
        return []
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind)
    found = []
    for number, line in enumerate(content.splitlines(keepends=True), 1):
        try:
            found.append(RawLine(file, number, decoder.decode(line)))
        except UNDECODABLE as error:
            torn = "" if line.endswith(b"\n") else "the line was cut off: "
            problems.append(Problem(file, number, f"{torn}{error}"))
    return found

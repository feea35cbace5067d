"""Changes that can be taken back: applied where the rights allow, with a file that undoes them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from chinwag_bench.decoding import UNDECODABLE
from chinwag_bench.errors import HostError, UsageError
from chinwag_bench.machine.doctor.finding import Change, read
from chinwag_bench.paths import Workspace
from chinwag_bench.runs.rawlog import replace_file


class Outcome(msgspec.Struct, frozen=True):
    """What became of one change. ``error`` is ``None`` when it was made."""

    change: Change
    error: str | None = None


def undo_file(workspace: Workspace) -> Path:
    return workspace.root / "build" / "doctor-undo.json"


def apply(changes: Iterable[Change], undo: Path, root: Path) -> list[Outcome]:
    """Makes the changes. Each is in the undo file before it is made, so that a crash leaves
    nothing behind that can't be undone. Raises ``HostError`` when that file can't be written.
    """
    outcomes = []
    for change in changes:
        remembered = _remembered(undo)
        known = {one.path: one for one in remembered}
        # Changed twice, it is the value before the first change that has to come back.
        first = known.get(change.path, change).before
        known[change.path] = Change(change.path, first, change.after)
        _remember(undo, list(known.values()))
        error = _write(root, change.path, change.after)
        if error is not None:
            _remember(undo, remembered)
        outcomes.append(Outcome(change, error))
    return outcomes


def take_back(undo: Path, root: Path) -> list[Outcome]:
    """Restores what the undo file remembers, latest first. What somebody else has changed meanwhile
    stays as it is and is forgotten; what the rights do not allow stays remembered. Raises
    ``UsageError`` when there is nothing to undo.
    """
    remembered = _remembered(undo)
    if not remembered:
        raise UsageError("there is nothing to undo", hint=f"{undo} does not exist")
    outcomes, refused = [], []
    for change in reversed(remembered):
        present = read(root, change.path)
        if present is None or present.split() != change.after.split():
            why = f"it is {present!r} now, not {change.after!r}: somebody else changed it"
            outcomes.append(Outcome(change, why))
            continue
        error = _write(root, change.path, change.before)
        refused += [change] if error is not None else []
        outcomes.append(Outcome(change, error))
    _remember(undo, refused[::-1])
    return outcomes


def _write(root: Path, path: str, value: str) -> str | None:
    """Why it could not be written, or ``None``."""
    try:
        (root / path.lstrip("/")).write_text(value)
    except OSError as error:
        return error.strerror or str(error)
    return None


def _remembered(undo: Path) -> list[Change]:
    if not undo.is_file():
        return []
    try:
        return msgspec.json.decode(undo.read_bytes(), type=list[Change])
    except UNDECODABLE as error:
        raise UsageError(
            f"{undo}: {error}", hint="look into it, undo by hand, and remove it"
        ) from error


def _remember(undo: Path, changes: list[Change]) -> None:
    if not changes:
        undo.unlink(missing_ok=True)
        return
    try:
        replace_file(undo, msgspec.json.format(msgspec.json.encode(changes), indent=1) + b"\n")
    except HostError as error:
        raise HostError(
            error.message, hint="without it nothing could be undone, so nothing more was changed"
        ) from error

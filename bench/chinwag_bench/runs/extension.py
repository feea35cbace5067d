"""Profiles that extend one another: ``extends`` names the one whose tables they begin with, and
``without`` those of its tables that they leave out.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from chinwag_bench.decoding import UNDECODABLE
from chinwag_bench.errors import UsageError

EXTENDS = "extends"
WITHOUT = "without"
Tables = dict[str, Any]
Profile = TypeVar("Profile")


def read(name: str, folder: Path, check: Callable[[Tables, Path], Profile]) -> Profile:
    """The profile of a name in ``folder``, or of a path to a TOML file, as ``check`` makes it of
    its tables. What a profile extends is checked by itself first, so that a fault is named where
    it stands. Raises ``UsageError``.
    """
    path = _path(name, folder)
    return check(_whole(path, folder, check, []), path)


def _whole(
    path: Path, folder: Path, check: Callable[[Tables, Path], Any], below: Sequence[Path]
) -> Tables:
    """The file's tables over those that it extends. ``below`` are the files that led here."""
    if path.resolve() in below:
        names = " -> ".join(one.stem for one in [*below, path])
        raise UsageError(
            f"{path}: run profiles extend each other in a circle: {names}",
            hint=f"take `{EXTENDS}` out of one of them",
        )
    own = _own(path)
    base_name, without = own.pop(EXTENDS, None), own.pop(WITHOUT, None)
    if base_name is None:
        if without is not None:
            raise UsageError(f"{path}: `{WITHOUT}` without `{EXTENDS}` leaves nothing out")
        return own
    if not isinstance(base_name, str):
        raise UsageError(f"{path}: `{EXTENDS}` must be the name of a run profile")
    try:
        base_path = _path(base_name, folder, path.parent)
    except UsageError as error:
        raise UsageError(f"{path}: `{EXTENDS}`: {error.message}", hint=error.hint) from error
    base = _whole(base_path, folder, check, [*below, path.resolve()])
    check(base, base_path)
    for key in _names(without, path):
        _leave_out(base, key, path, base_name)
    return _merged(base, own)


def _path(name: str, folder: Path, beside: Path = Path()) -> Path:
    """Of the file; a path counts from ``beside``. Raises ``UsageError`` where there is none."""
    path = beside / name if name.endswith(".toml") else folder / f"{name}.toml"
    if not path.is_file():
        known = sorted(found.stem for found in folder.glob("*.toml"))
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        meant = f"did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"there is no run profile {name!r}",
            hint=f"{meant}known: {', '.join(known)}, or a path to a .toml",
        )
    return path


def _own(path: Path) -> Tables:
    try:
        tables: Tables = msgspec.toml.decode(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from error
    except UNDECODABLE as error:
        raise UsageError(f"{path}: {error}") from error
    return tables


def _names(without: Any, path: Path) -> list[str]:
    names = [] if without is None else without
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UsageError(f'{path}: `{WITHOUT}` must be a list of keys, such as ["memory.ramp"]')
    return names


def _leave_out(base: Tables, key: str, path: Path, base_name: str) -> None:
    *tables, last = key.split(".")
    place: Any = base
    for name in tables:
        place = place.get(name) if isinstance(place, dict) else None
    if not isinstance(place, dict) or last not in place:
        raise UsageError(
            f"{path}: `{WITHOUT}` names {key!r}, which run profile {base_name!r} does not have"
        )
    del place[last]


def _merged(base: Tables, own: Tables) -> Tables:
    """Tables within tables, too; whatever else stands in both is the own one's."""
    both = dict(base)
    for key, value in own.items():
        here = base.get(key)
        is_table = isinstance(here, dict) and isinstance(value, dict)
        both[key] = _merged(here or {}, value) if is_table else value
    return both

"""Reads TOML files that users name or edit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from chinwag_bench.decoding import UNDECODABLE
from chinwag_bench.errors import HostError, UsageError, host_refusal


def read_toml(path: Path, kind: Any, *, absent: str, wrong: str) -> Any:
    """A value of ``kind``; ``absent`` and ``wrong`` are the hints of the errors. Raises UsageError
    for what is none, HostError where the file can't be read.
    """
    try:
        return msgspec.toml.decode(path.read_bytes(), type=kind)
    except OSError as error:
        refused = host_refusal(error, path)
        raise refused or HostError(f"{path}: {error.strerror}", hint=absent) from error
    except UNDECODABLE as error:
        raise UsageError(f"{path}: {error}", hint=wrong) from error

"""The package `attack` by its name, and the built server."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))


@pytest.fixture(scope="session")
def chinwagd() -> Path:
    path = Path(os.environ.get("CHINWAGD", ROOT / "build/release/core/chinwagd"))
    assert path.is_file(), f"{path} is missing: run `make native`, or set CHINWAGD"
    return path

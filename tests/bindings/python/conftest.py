"""The package as it lies in the build folder."""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

import pytest
import websockets

BUILT = Path(__file__).resolve().parents[3] / "build/release/bindings/python"
# Where children find what the package needs. They run without `site`, so that no editable install
# comes first.
LIBRARIES = Path(websockets.__file__ or "").resolve().parents[1]
PACKAGE = Path(os.environ.get("CHINWAG_PACKAGE", BUILT))


def load() -> None:
    """Imports this package and no other. An editable install puts a finder in front of sys.path,
    which would give the one beside the sources instead."""
    sys.path.insert(0, str(PACKAGE))
    spec = PathFinder.find_spec("chinwag", [str(PACKAGE)])
    assert spec is not None, f"there is no package in {PACKAGE}"
    assert spec.loader is not None
    sys.modules["chinwag"] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules["chinwag"])


@pytest.fixture
def environment() -> dict[str, str]:
    """Of a child that imports the package."""
    paths = os.pathsep.join(map(str, (PACKAGE, LIBRARIES)))
    return {**os.environ, "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1"}


if PACKAGE.is_dir():
    load()
else:  # `make everything` builds it
    collect_ignore_glob = ["test_*.py"]

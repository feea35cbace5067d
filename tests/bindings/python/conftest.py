"""The package as it lies in the build folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

BUILT = Path(__file__).resolve().parents[3] / "build/release/bindings/python"
PACKAGE = Path(os.environ.get("CHINWAG_PACKAGE", BUILT))
if PACKAGE.is_dir():
    sys.path.insert(0, str(PACKAGE))
else:  # `make everything` builds it
    collect_ignore_glob = ["test_*.py"]

"""The `chinwag` command's first step: the package installs without what only the kit needs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn

_INTERRUPTED = 130


def main() -> NoReturn:
    """Runs the kit, or says how to get what it needs (exit code 3). Ctrl-C while its parts are
    still loading ends it as later.
    """
    try:
        _kit()()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    sys.exit(0)


def _kit() -> Callable[[], NoReturn]:
    try:
        from chinwag_bench.cli import main as kit
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "chinwag_bench":
            raise
        print(
            f"error: the kit needs {error.name}: pip install 'chinwag[kit] @ file:///path/to/it'\n"
            "(the server alone does not: `chinwagd --help`, `import chinwag`)",
            file=sys.stderr,
        )
        sys.exit(3)
    return kit

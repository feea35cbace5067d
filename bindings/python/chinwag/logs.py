"""The package's log, which is never in the way of what it tells of."""

from __future__ import annotations

import logging
import sys
import traceback
from contextlib import suppress

log = logging.getLogger("chinwag")


def tell(level: int, text: str, *given: object, error: BaseException | None = None) -> None:
    """Logs a line. ``logging`` lets through what a program's own handler or filter raises; here it
    goes to standard error, as what the handlers of ``logging`` raise does."""
    try:
        log.log(level, text, *given, exc_info=error)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException:
        if logging.raiseExceptions:
            with suppress(Exception):
                print(f"--- a handler of logging failed on {text!r} ---", file=sys.stderr)
                traceback.print_exc()

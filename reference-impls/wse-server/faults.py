"""What a defect in a handler would do. A kit asks for it and measures what follows."""

import os
import time
from typing import Any

_ASKED = os.environ.get("CHAT_FAULTS") == "1"
_BUILD = os.environ.get("CHAT_BUILD", "1")
"""What a new build is told from the old one by."""


def commit_fault(request: dict[str, Any]) -> dict[str, str] | None:
    """Raises, or does not come to an end for ``ms``, if ``CHAT_FAULTS`` is 1. Who asks for the
    build is answered with these fields.
    """
    if _ASKED and request["type"] == "__build":
        return {"build": _BUILD}
    if _ASKED and request["type"] == "__crash":
        raise RuntimeError("__crash was asked for")
    if _ASKED and request["type"] == "__spin":
        end_s = time.monotonic() + request["ms"] / 1000
        while time.monotonic() < end_s:
            continue
    return None

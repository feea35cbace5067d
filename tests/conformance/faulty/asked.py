"""Faults that a client asks for."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from fault import has
from wire import Violation

_ASKED = os.environ.get("CHAT_FAULTS") == "1"


def commit(request: dict[str, Any]) -> dict[str, str] | None:
    """What is answered, if anything is. Raises Violation for a crash: that costs the connection."""
    if not (_ASKED or has("obeys whoever asks for faults")):
        return None
    if request["type"] == "__build":
        build = os.environ.get("CHAT_BUILD", "1")
        return {"build": "another" if has("tells the build of another server") else build}
    if request["type"] == "__crash":
        if not has("says nothing of a crash"):
            print("__crash was asked for", file=sys.stderr, flush=True)
        raise Violation(1011)
    if request["type"] == "__spin" and not has("goes on while a handler is stuck"):
        time.sleep(request["ms"] / 1000)
    return None

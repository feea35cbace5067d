"""The one fault that this process has on purpose."""

import os

_FAULT = os.environ.get("CHAT_FAULT", "")


def has(name: str) -> bool:
    """Each fault is asked for where it does its harm; test_suite_catches_faults.py lists them."""
    return name == _FAULT

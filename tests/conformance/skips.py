"""Keys of a manifest's `skip`: names of golden cases, test functions or `function[parameter]`."""

from __future__ import annotations

import re

STEM_LETTERS_MIN = 8
"""What a ``*`` may stand for must be named: `test_*` or `*` would skip what nobody thought of."""


def covers(key: str, name: str) -> bool:
    """Whether the key names this case. ``*`` in it stands for anything, and nothing else does."""
    return re.fullmatch(".*".join(map(re.escape, key.split("*"))), name, re.DOTALL) is not None


def fault_of(key: str) -> str | None:
    """What is wrong with a key that covers more than it names; None if nothing is."""
    if "*" not in key:
        return None
    letters = sum(character.isalpha() for character in key.partition("*")[0])
    if letters >= STEM_LETTERS_MIN:
        return None
    return f"{key!r} has {letters} letters before its `*`; at least {STEM_LETTERS_MIN} are needed"

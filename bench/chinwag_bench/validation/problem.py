"""One thing that is wrong in a result directory."""

from __future__ import annotations

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """Where it is, and what. ``file`` is relative to the result directory, ``line`` counts from 1;
    ``None`` where the file as a whole is meant.
    """

    file: str
    line: int | None
    what: str

    def text(self) -> str:
        """As compilers write it: file, line, what."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.what}"

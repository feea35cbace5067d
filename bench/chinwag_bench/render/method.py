"""What the metrics' numbers mean, collected from their files: for CHANGELOG.md and for the page.

``python -m chinwag_bench.render.method --write CHANGELOG.md`` renews the one between the marks.
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from chinwag_bench.errors import EXIT_OK, EXIT_SERVER, EXIT_USAGE, UsageError
from chinwag_bench.metrics import floor
from chinwag_bench.metrics.registry import METRICS

BEGIN, END = "<!-- metrics -->", "<!-- /metrics -->"
_COLUMNS = 120
_NAMED = re.compile(r"\*\*(.+?)\.?\*\*\s+(.*)", re.DOTALL)


def paragraphs() -> Iterator[tuple[str, str]]:
    """Name and text of each, in the order of measuring; what is measured once comes last."""
    for method in (*(metric.method for metric in METRICS), floor.METHOD):
        for paragraph in method.strip().split("\n\n"):
            found = _NAMED.fullmatch(" ".join(paragraph.split()))
            if found is None:
                raise ValueError(f"a paragraph of a metric's method has no name: {paragraph}")
            yield found.group(1), found.group(2)


def markdown() -> str:
    """All paragraphs, as CHANGELOG.md has them."""
    return "\n\n".join(
        textwrap.fill(
            f"**{name}.** {text}", _COLUMNS, break_long_words=False, break_on_hyphens=False
        )
        for name, text in paragraphs()
    )


def renewed(document: str) -> str:
    """The document with what the metrics say now. Raises ``UsageError`` without both marks."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UsageError(f"the document has no {BEGIN} followed by {END}")
    return f"{before}{BEGIN}\n{markdown()}\n{END}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Checks or writes; answers the exit code: 0 ok, 1 stale, 2 usage."""
    parser = argparse.ArgumentParser(prog="python -m chinwag_bench.render.method")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", type=Path, metavar="CHANGELOG.md")
    mode.add_argument("--write", type=Path, metavar="CHANGELOG.md")
    given = parser.parse_args(arguments)
    path = given.check or given.write
    try:
        present = path.read_text(encoding="utf-8")
        wanted = renewed(present)
    except (OSError, UsageError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return EXIT_USAGE
    if given.write:
        path.write_text(wanted, encoding="utf-8")
    elif present != wanted:
        command = f"python -m chinwag_bench.render.method --write {path}"
        print(f"{path} isn't what the metrics say: run {command}", file=sys.stderr)
        return EXIT_SERVER
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())

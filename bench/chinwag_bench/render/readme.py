"""The short table in README.md, between two marks, and the picture beside it in docs/matrix.svg;
checked in CI so that they can't go stale.

``python -m chinwag_bench.render.readme --check|--write README.md --results DIR``
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from chinwag_bench.errors import EXIT_OK, EXIT_SERVER, EXIT_USAGE, UsageError
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import Matrix
from chinwag_bench.render import glance, headline, markdown, picture, text
from chinwag_bench.validation.reference import require_reference

BEGIN = "<!-- matrix:begin -->"
END = "<!-- matrix:end -->"
PICTURE = Path("docs/matrix.svg")
"""From the document's folder."""


def table(matrix: Matrix) -> str:
    """Servers down, the main rows across, with what follows and where it was measured."""
    index = text.Index(matrix)
    heads = glance.heads(matrix)
    titles = [f"{head.title}<br>{markdown.escape(head.unit)}" for head in heads]
    body = [
        [markdown.escape(column.title), *(_value(index, head.row, column.id) for head in heads)]
        for column in glance.in_order(matrix)
    ]
    noise = [_noise(matrix, index, head.row) for head in heads]
    if any(noise):
        body.append(["*same server twice*", *noise])
    found = [headline.promptness(matrix), headline.tally_sentence(matrix)]
    lines = [
        f"**{markdown.escape(headline.headline(matrix))}.** "
        + " ".join(markdown.escape(one) for one in found if one),
        "",
        *markdown.table(["server", *titles], body),
        "",
        f"{markdown.escape(text.machine(matrix))}; {text.date(matrix.run.started_at)[:10]}; "
        f"profile {markdown.escape(matrix.run.profile)}. Bold: the best within the noise. Two "
        "numbers: the true value lies between them. >=: the load generator ended first.",
    ]
    lines += [
        f"{markdown.escape(column.title)}: {markdown.escape(text.first_line(column.reason))}."
        for column in index.unmeasured_columns()
    ]
    return "\n".join(lines)


def _value(index: text.Index, row: str, column: str) -> str:
    cell = index.cell(row, column)
    value = "-" if cell is None else markdown.escape(text.measured(cell))
    return f"**{value}**" if cell is not None and cell.tie_with_best else value


def _noise(matrix: Matrix, index: text.Index, row: str) -> str:
    if not text.ranks(matrix, index.row(row)):
        return "ranks nobody"
    return text.noise(matrix, row)


def replaced(document: str, content: str) -> str:
    """The document with ``content`` between the marks. Raises UsageError without both of them."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UsageError(
            f"the document has no {BEGIN} followed by {END}",
            hint="Put the two marks where the table belongs.",
        )
    return f"{before}{BEGIN}\n{content}\n{END}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Checks or writes table and picture; answers the exit code: 0 ok, 1 stale, 2 usage."""
    parser = argparse.ArgumentParser(prog="python -m chinwag_bench.render.readme")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", type=Path, metavar="README.md")
    mode.add_argument("--write", type=Path, metavar="README.md")
    parser.add_argument("--results", type=Path, required=True, metavar="DIR")
    given = parser.parse_args(arguments)
    path = given.check or given.write
    drawing = path.parent / PICTURE
    try:
        if given.write:
            require_reference(given.results)
        present = path.read_text(encoding="utf-8")
        matrix = judge(given.results)
        wanted = {path: replaced(present, table(matrix)), drawing: picture.draw(matrix)}
    except (OSError, UsageError) as error:
        print(
            f"{path}: {error.text() if isinstance(error, UsageError) else error}", file=sys.stderr
        )
        return EXIT_USAGE
    if given.write:
        drawing.parent.mkdir(exist_ok=True)
        for file, content in wanted.items():
            file.write_text(content, encoding="utf-8")
        return EXIT_OK
    stale = [file for file, content in wanted.items() if _content(file) != content]
    for file in stale:
        print(
            f"{file} isn't that of {given.results}: run "
            f"python -m chinwag_bench.render.readme --write {path} --results {given.results}",
            file=sys.stderr,
        )
    return EXIT_SERVER if stale else EXIT_OK


def _content(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None


if __name__ == "__main__":
    sys.exit(main())

"""The short table in README.md, between two marks, the picture beside it in docs/matrix.svg, the
figures of docs/fairness.md, and the list of servers; checked in CI so that they can't go stale.

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
from chinwag_bench.paths import find_workspace
from chinwag_bench.render import (
    absent,
    fairness,
    headline,
    markdown,
    picture,
    servers,
    text,
)
from chinwag_bench.servers.catalog import discover
from chinwag_bench.validation.reference import require_reference

BEGIN = "<!-- matrix:begin -->"
END = "<!-- matrix:end -->"
PICTURE = Path("docs/matrix.svg")
"""From the document's folder; so is the next, which is left out where there is none."""
FAIRNESS = Path("docs/fairness.md")
SERVERS = Path("reference-impls/README.md")


def table(matrix: Matrix) -> str:
    """Servers down, the main rows across, with what follows and where it was measured."""
    index = text.Index(matrix)
    short = markdown.short_table(matrix)
    is_near = any(text.NEAR_CEILING in line for line in short)
    lines = [
        f"**{markdown.escape(headline.headline(matrix))}.**",
        "",
        *(f"- {name}: {markdown.escape(sentence)}" for name, sentence in headline.facts(matrix)),
        "",
        *short,
        "",
        f"{markdown.escape(text.machine(matrix))}; {text.date(matrix.run.started_at)[:10]}; "
        f"profile {markdown.escape(matrix.run.profile)}. Bold: the best, and those that "
        "may be it: a server is behind only where its best round is behind the best one's worst, "
        "by more than one server differs from itself. Two numbers: the value lies between them; "
        "with slashes: the rounds, too far apart for one value. >=: "
        "the server may do more, the load generator or the run's time ended first. 1 of 3 rounds: "
        "so many found the value, and it is less certain than others; pooled: none did by itself."
        + (f" {markdown.escape(text.near_ceiling(matrix))}" if is_near else ""),
    ]
    lines += [
        f"{markdown.escape(column.title)}: {markdown.escape(text.first_line(column.reason))}."
        for column in index.unmeasured_columns()
    ]
    for sentence in absent.sentences(matrix):
        lines += ["", sentence]
    return "\n".join(lines)


def replaced(document: str, content: str, marks: tuple[str, str] = (BEGIN, END)) -> str:
    """The document with ``content`` between the marks. Raises UsageError without both of them."""
    before, begin, rest = document.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not begin or not end:
        raise UsageError(
            f"the document has no {marks[0]} followed by {marks[1]}",
            hint="Put the two marks where the table belongs.",
        )
    return f"{before}{begin}\n{content}\n{end}{after}"


def _wanted(path: Path, results: Path, matrix: Matrix) -> dict[Path, str]:
    """Each file with what it should hold."""
    present = path.read_text(encoding="utf-8")
    wanted = {
        path: replaced(present, table(matrix)),
        path.parent / PICTURE: picture.draw(matrix),
    }
    beside = path.parent / FAIRNESS
    if beside.is_file():
        figures = fairness.figures(matrix, results.resolve())
        marks = fairness.BEGIN, fairness.END
        wanted[beside] = replaced(beside.read_text(encoding="utf-8"), figures, marks)
    index = (path.parent / SERVERS).resolve()
    if index.is_file():
        tables = servers.tables(discover(find_workspace()), index.parent)
        marks = servers.BEGIN, servers.END
        wanted[index] = replaced(index.read_text(encoding="utf-8"), tables, marks)
    return wanted


def main(arguments: Sequence[str] | None = None) -> int:
    """Checks or writes table and picture; answers the exit code: 0 ok, 1 stale, 2 usage."""
    parser = argparse.ArgumentParser(prog="python -m chinwag_bench.render.readme")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", type=Path, metavar="README.md")
    mode.add_argument("--write", type=Path, metavar="README.md")
    parser.add_argument("--results", type=Path, required=True, metavar="DIR")
    given = parser.parse_args(arguments)
    path = given.check or given.write
    try:
        if given.write:
            require_reference(given.results)
        wanted = _wanted(path, given.results, judge(given.results))
    except (OSError, UsageError) as error:
        print(
            f"{path}: {error.text() if isinstance(error, UsageError) else error}", file=sys.stderr
        )
        return EXIT_USAGE
    if given.write:
        (path.parent / PICTURE).parent.mkdir(exist_ok=True)
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

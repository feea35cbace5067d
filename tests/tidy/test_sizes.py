"""Small pieces: a reader holds a file, a function and a line in the head."""

from __future__ import annotations

import re
import statistics
from pathlib import Path

import pytest
import tomllib
from functions import functions
from tree import CODE, lines, name, tracked

FILE_LINES_MAX = 500
FILE_LINES_MEDIAN_MAX = 150
FUNCTION_LINES_MAX = 70
FUNCTION_LINES_MEDIAN_MAX = 10
LINE_COLUMNS_MAX = 100
SERVER_LINES_MAX = 400

CODE_FILES = [path for path in tracked() if path.suffix in CODE]
SERVERS = sorted(path.parent for path in tracked() if path.match("reference-impls/*/server.toml"))
COMMENT = re.compile(r"\s*(//|/\*|\*|#(?!\s*(include|pragma|if|endif|define|!?\[)))")
# Elixir writes its documentation into attributes: comments, for whoever counts code.
DOCUMENTATION = re.compile(
    r'^ *@(?:module|type)?doc (?:"""\n.*?^ *"""|"[^\n]*")$', re.MULTILINE | re.DOTALL
)


def count_code(text: str) -> int:
    code = DOCUMENTATION.sub("", text).splitlines()
    return sum(bool(line.strip()) and not COMMENT.match(line) for line in code)


def test_no_file_is_longer_than_its_limit() -> None:
    too_long = {name(p): len(lines(p)) for p in CODE_FILES if len(lines(p)) > FILE_LINES_MAX}
    assert not too_long


def test_the_median_file_is_short() -> None:
    assert statistics.median(len(lines(path)) for path in CODE_FILES) <= FILE_LINES_MEDIAN_MAX


def test_no_function_is_longer_than_its_limit() -> None:
    spans = [span for path in CODE_FILES for span in functions(path)]
    assert len(spans) > 300, "the finder of functions finds too few to be trusted"
    assert not [span for span in spans if span[1] > FUNCTION_LINES_MAX]


def test_the_median_function_is_short() -> None:
    sizes = [size for path in CODE_FILES for _, size in functions(path)]
    assert statistics.median(sizes) <= FUNCTION_LINES_MEDIAN_MAX


def test_no_line_is_wider_than_a_screen() -> None:
    wide = [
        f"{name(path)}:{number}"
        for path in CODE_FILES
        for number, line in enumerate(lines(path), 1)
        if len(line) > LINE_COLUMNS_MAX and "://" not in line
    ]
    assert not wide


@pytest.mark.parametrize("server", SERVERS, ids=lambda path: path.name)
def test_a_compared_server_is_small_enough_to_read(server: Path) -> None:
    """Code alone: the manifest's files without blanks and comments."""
    globs = tomllib.loads((server / "server.toml").read_text(encoding="utf-8"))["loc"]
    files = {path for pattern in globs for path in server.glob(pattern)}
    code = {path.name: count_code(path.read_text(encoding="utf-8")) for path in sorted(files)}
    assert 0 < sum(code.values()) <= SERVER_LINES_MAX, code


def test_documentation_is_not_code() -> None:
    heredoc = '  @moduledoc """\n  What it is.\n\n  And "why".\n  """\n'
    assert count_code(f'defmodule A do\n{heredoc}  @doc "One."\n  # Two.\n  def b, do: """\n') == 2
    assert count_code(heredoc + "  @spec b :: 1\n" + heredoc) == 1

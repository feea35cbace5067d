"""Small pieces: a reader holds a file, a function and a line in the head."""

from __future__ import annotations

from pathlib import Path

import pytest
from chinwag_bench.servers.lines_of_code import lines_of_code
from chinwag_bench.servers.manifest import load_manifest
from functions import functions
from tree import CODE, lines, name, tracked

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
LINE_COLUMNS_MAX = 100
SERVER_LINES_MAX = 450  # of which about 50 are HTTP that a library leaves to its user

CODE_FILES = [path for path in tracked() if path.suffix in CODE]
SERVERS = sorted(path.parent for path in tracked() if path.match("reference-impls/*/server.toml"))


def test_no_file_is_longer_than_its_limit() -> None:
    too_long = {name(p): len(lines(p)) for p in CODE_FILES if len(lines(p)) > FILE_LINES_MAX}
    assert not too_long


def test_no_function_is_longer_than_its_limit() -> None:
    spans = [span for path in CODE_FILES for span in functions(path)]
    assert len(spans) > 300, "the finder of functions finds too few to be trusted"
    assert not [span for span in spans if span[1] > FUNCTION_LINES_MAX]


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
    """By the same count as the matrix's row "Lines of code"."""
    code = lines_of_code(server, load_manifest(server / "server.toml").loc)
    assert 0 < sum(code.values()) <= SERVER_LINES_MAX, code

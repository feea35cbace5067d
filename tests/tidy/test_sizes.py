"""Small pieces: a reader holds a file, a function and a line in the head."""

from __future__ import annotations

import pytest
from chinwag_bench.paths import Workspace
from chinwag_bench.servers.catalog import Server, discover
from chinwag_bench.servers.lines_of_code import lines_of_code
from functions import functions
from tree import CODE, ROOT, lines, name, tracked

FILE_LINES_MAX = 550
FUNCTION_LINES_MAX = 70
LINE_COLUMNS_MAX = 100
SERVER_LINES_MAX = 560  # of a default; about 50 are HTTP that a library leaves to its user
PEER_LINES_MAX = 720  # of some the point is what they leave to their user

CODE_FILES = [path for path in tracked() if path.suffix in CODE]
COMPARED = [
    server
    for server in discover(Workspace(ROOT)).servers.values()
    if server.folder.parent.name == "reference-impls"
]


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


@pytest.mark.parametrize("server", COMPARED, ids=lambda server: server.name)
def test_a_compared_server_s_default_is_small_enough_to_read(server: Server) -> None:
    """By the same count as the matrix's row "Lines of code". A default is what one reads to know a
    server; the other variants may take as many lines as their libraries' advice does.
    """
    default = server.in_variant("default").server
    code = lines_of_code(default.folder, default.manifest.loc)
    most = PEER_LINES_MAX if default.manifest.peer else SERVER_LINES_MAX
    assert 0 < sum(code.values()) <= most, code

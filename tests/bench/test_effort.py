"""Effort: counted from the tree and from the last build."""

from chinwag_bench.servers.build import build
from chinwag_bench.servers.effort import count_lines, read_effort


def test_lines_are_counted_without_blanks(tmp_path):
    (tmp_path / "a.py").write_text("one\n\n  \ntwo")
    (tmp_path / "b.txt").write_text("three\n")
    assert count_lines(tmp_path, ["*.py"]) == 2
    assert count_lines(tmp_path, ["*.py", "a.*", "*.txt"]) == 3
    assert count_lines(tmp_path, []) is None


def test_builds_are_known_once_they_were_made(checkout):
    server = checkout.add_server()
    assert read_effort(server).build_cold_s is None
    build(server)
    effort = read_effort(server)
    assert effort.build_cold_s > 0
    assert effort.build_warm_s is None
    assert effort.deployed_bytes == (server.folder / "toy_server.py").stat().st_size
    assert (effort.dependencies_direct, effort.dependencies_total) == (None, None)


def test_the_manifest_says_what_is_deployed(checkout):
    deployed = 'deployed = ["*.py", "{build}/server.py", "{build}/absent"]\nloc = '
    server = checkout.add_server(replace=("loc = ", deployed))
    build(server)
    size = (server.folder / "toy_server.py").stat().st_size
    assert read_effort(server).deployed_bytes == 2 * size


def test_libraries_are_counted_once_each(checkout):
    section = """[dependencies]
direct = { command = ["printf", "own v1\\nlib-a v1\\nlib-a v1\\n\\n"], regex = "^(lib-.*)" }
total = { command = ["printf", "lib-a\\n  lib-b\\n\\n"] }

[run]"""
    server = checkout.add_server(replace=("[run]", section))
    build(server)
    effort = read_effort(server)
    assert (effort.dependencies_direct, effort.dependencies_total) == (1, 2)


def test_a_tool_that_fails_counts_nothing(checkout):
    section = """[dependencies]
direct = { command = ["false"] }
total = { command = ["no-such-tool"] }

[run]"""
    server = checkout.add_server(replace=("[run]", section))
    build(server)
    effort = read_effort(server)
    assert (effort.dependencies_direct, effort.dependencies_total) == (None, None)

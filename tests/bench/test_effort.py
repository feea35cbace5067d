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
    assert effort.build_folder_bytes == (server.folder / "toy_server.py").stat().st_size

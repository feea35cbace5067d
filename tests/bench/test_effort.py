"""Effort: counted from the tree and from the last build."""

from pathlib import Path

import msgspec
import pytest
from chinwag_bench.paths import Workspace
from chinwag_bench.servers.build import build
from chinwag_bench.servers.catalog import discover
from chinwag_bench.servers.effort import read_effort
from chinwag_bench.servers.lines_of_code import lines_of_code

ROOT = Path(__file__).resolve().parents[2]
COMPARED = [
    server
    for server in discover(Workspace(ROOT)).servers.values()
    if server.folder.parent.name == "reference-impls"
]


def test_lines_of_code_are_those_of_the_files_that_the_manifest_names(checkout):
    server = checkout.add_server()
    (sources,) = lines_of_code(server.folder, ["*.py"]).values()
    assert sources > 40
    assert read_effort(server).lines_of_code == sources


def test_a_manifest_that_names_no_sources_has_no_lines_of_code(checkout):
    server = checkout.add_server(replace=('loc = ["*.py"]\n', ""))
    assert read_effort(server).lines_of_code is None


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


def test_a_variant_that_is_built_from_other_libraries_has_its_own_counted(checkout):
    sections = """[dependencies]
direct = { command = ["echo", "lib-a"] }
total = { command = ["printf", "lib-a\\nlib-b\\n"] }

[variants.other]
build = { env = { CHOICE = "other" } }

[variants.other.dependencies]
direct = { command = ["printf", "lib-a\\nlib-c\\n"] }
total = { command = ["printf", "lib-a\\nlib-b\\nlib-c\\n"] }

[run]"""
    server = checkout.add_server(replace=("[run]", sections))
    counted = {}
    for variant in ("default", "other"):
        target = server.in_variant(variant)
        build(target.server)
        effort = read_effort(target.server)
        counted[variant] = (effort.dependencies_direct, effort.dependencies_total)
    assert counted == {"default": (1, 2), "other": (2, 3)}


@pytest.mark.parametrize("server", COMPARED, ids=lambda server: server.name)
def test_every_compared_server_says_what_its_effort_is_read_from(server):
    manifest = server.manifest
    assert manifest.loc
    assert manifest.deployed
    assert manifest.dependencies
    for name, variant in manifest.variants.items():
        assert not variant.versions or variant.dependencies, f"{name} has other libraries"


@pytest.mark.parametrize(
    "target",
    [
        target
        for target in discover(Workspace(ROOT)).every_variant(peers=True)
        if target.server.folder.parent.name == "reference-impls"
    ],
    ids=lambda target: target.base_id,
)
def test_no_glob_of_a_column_s_sources_is_empty(target):
    """A file that was moved would leave its column with fewer lines."""
    server = target.server
    counted = [lines_of_code(server.folder, [glob]) for glob in server.manifest.loc]
    assert all(counted)


def test_a_column_has_the_lines_that_all_variants_run_and_its_own_but_no_other_s(checkout):
    own = '[variants.default]\nloc = ["default.py"]\n\n[variants.other]\nloc = ["other.py"]\n'
    server = checkout.add_server(replace=("[variants.default]", own))
    shared = read_effort(server).lines_of_code
    for name, lines in (("default.py", 3), ("other.py", 20)):
        (server.folder / name).write_text("a = 1\n" * lines)
    server = msgspec.structs.replace(
        server, manifest=msgspec.structs.replace(server.manifest, loc=["toy_server.py"])
    )
    counted = {
        name: read_effort(server.in_variant(name).server).lines_of_code
        for name in ("default", "tuned", "other")
    }
    assert counted == {"default": shared + 3, "tuned": shared, "other": shared + 20}

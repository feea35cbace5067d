"""Builds: once for the same content, with a log, without lies about what is up to date."""

import threading

import pytest
from chinwag_bench.errors import HostError, ServerError
from chinwag_bench.runs.prepare import check_built
from chinwag_bench.servers.build import build, last_build
from chinwag_bench.servers.catalog import discover
from chinwag_bench.servers.stamp import content_stamp, source_files
from chinwag_bench.servers.toolchain import ask, missing_reason, pick_version, read_versions


def test_a_build_runs_once_for_the_same_sources(checkout):
    server = checkout.add_server()
    first, second = build(server), build(server)
    assert (first.skipped, second.skipped) == (False, True)
    assert (server.build_folder / "server.py").is_file()
    assert "building" in (server.build_folder / "build.log").read_text()


def test_a_version_that_only_the_build_makes_readable_is_no_change(checkout):
    late = '[versions]\nlate = { command = ["cat", "{build}/server.py"], regex = "(TOY)" }'
    server = checkout.add_server(replace=("[versions]", late))
    assert build(server).versions["late"] == "TOY"
    assert build(server).skipped


def test_changed_sources_are_built_again_and_counted_as_warm(checkout):
    server = checkout.add_server()
    cold = build(server)
    (server.folder / "more.py").write_text("1")
    warm = build(server)
    assert cold.warm_s is None
    assert not warm.skipped
    assert warm.cold_s == cold.cold_s
    assert warm.warm_s is not None


def test_what_builds_make_is_not_a_source(checkout):
    server = checkout.add_server()
    before = content_stamp(server, {})
    for name in ("node_modules", "target", "__pycache__"):
        (server.folder / name).mkdir()
        (server.folder / name / "made").write_text("x")
    assert content_stamp(server, {}) == before
    assert content_stamp(server, {"compiler": "2"}) != before
    assert sorted(path.name for path in source_files(server)) == ["server.toml", "toy_server.py"]


def test_sources_may_lie_elsewhere(checkout):
    (checkout.root / "shared.h").write_text("1")
    server = checkout.add_server(replace=("[build]", '[build]\nsources = ["../../shared.h"]'))
    before = content_stamp(server, {})
    (checkout.root / "shared.h").write_text("2")
    assert content_stamp(server, {}) != before


def test_a_failed_build_shows_its_log_and_leaves_no_stamp(checkout):
    server = checkout.add_server(replace=("echo building", "echo 'no such symbol'; exit 3"))
    with pytest.raises(ServerError, match="`sh` exited with 3") as caught:
        build(server)
    assert "no such symbol" in (caught.value.detail or "")
    assert str(server.build_folder / "build.log") in (caught.value.hint or "")
    assert last_build(server) is None


def test_a_build_that_did_not_make_what_runs_has_failed(checkout):
    other = ('["{python}", "{build}/server.py"]', '["{build}/elsewhere"]')
    server = checkout.add_server(replace=other)
    with pytest.raises(ServerError, match=r"it made no .*/elsewhere, which is what runs"):
        build(server)
    assert last_build(server) is None


def test_what_was_built_and_is_gone_is_built_again(checkout):
    steps = "cp toy_server.py {build}/server.py && ln -sf $(command -v sh) ./shell"
    server = checkout.add_server(replace=("cp toy_server.py {build}/server.py", steps))
    manifest = server.folder / "server.toml"
    manifest.write_text(
        manifest.read_text().replace('["{python}", "{build}', '["./shell", "{build}')
    )
    target = discover(checkout.workspace).target("toy")
    assert not build(target.server).skipped
    assert check_built([target]) == {}
    (server.folder / "shell").unlink()
    assert "not built" in check_built([target])["toy"][1]
    assert not build(target.server).skipped


def test_builds_and_questions_have_the_manifest_s_environment_and_no_other_machine_s(
    checkout, monkeypatch
):
    for name in ("CARGO_BUILD_TARGET", "CHAT_ADAPTER", "GOOS", "KEPT"):
        monkeypatch.setenv(name, "from-outside")
    own = '[build.env]\nGOWORK = "off"\n\n[versions]'
    server = checkout.add_server(replace=("[versions]", own))
    answer = ask(server, ["env"]).stdout.splitlines()
    assert [line for line in answer if line.endswith("=from-outside")] == ["KEPT=from-outside"]
    assert "GOWORK=off" in answer
    made = ("echo building", "env > {build}/seen")
    manifest = server.folder / "server.toml"
    manifest.write_text(manifest.read_text().replace(*made))
    build(discover(checkout.workspace).servers["toy"])
    seen = (server.build_folder / "seen").read_text().splitlines()
    assert [line for line in seen if line.endswith("=from-outside")] == ["KEPT=from-outside"]
    assert "GOWORK=off" in seen


def test_sources_edited_during_the_build_are_built_again(checkout):
    server = checkout.add_server(replace=("echo building", "echo 1 >> ./edited.py"))
    assert not build(server).skipped
    assert not build(server).skipped


def test_two_builds_of_one_server_take_turns(checkout):
    slow = "sleep 0.2; test ! -e {build}/busy; touch {build}/busy; sleep 0.2; rm {build}/busy"
    server = checkout.add_server(replace=("echo building", slow))
    results = []
    threads = [threading.Thread(target=lambda: results.append(build(server))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.skipped for result in results) == [False, True]


def test_a_missing_toolchain_is_said_in_the_manifest_s_words(checkout):
    server = checkout.add_server(replace=('requires = ["sh"]', 'requires = ["sh", "frobnicate"]'))
    assert missing_reason(server) == "frobnicate not found. there is no shell"
    with pytest.raises(HostError, match="frobnicate not found"):
        build(server)


def test_what_is_no_command_is_checked_by_one(checkout):
    checks = 'requires = ["sh"]\nchecks = [["true"], ["sh", "-c", "exit 1"]]'
    server = checkout.add_server(replace=('requires = ["sh"]', checks))
    assert missing_reason(server) == "there is no shell"
    with pytest.raises(HostError, match="there is no shell"):
        build(server)


def test_a_variant_may_need_more_and_says_so_itself(checkout):
    more = """[variants.other]
build = { env = { CHOICE = "other" } }
toolchain = { checks = [["false"]], missing = "needs hex" }

[variants.default]"""
    server = checkout.add_server(replace=("[variants.default]", more))
    assert missing_reason(server.in_variant("default").server) is None
    assert missing_reason(server.in_variant("other").server) == "needs hex"


def test_versions_are_asked_for_and_never_guessed(checkout):
    more = '[versions]\nabsent = { command = ["frobnicate"] }\nfailing = { command = ["false"] }'
    server = checkout.add_server(replace=("[versions]", more))
    assert list(read_versions(server)) == ["python"]


@pytest.mark.parametrize(
    ("output", "regex", "version"),
    [
        ("go1.26\nrest", None, "go1.26"),
        ("tool 1.2 (x)\nlib 3.4", r"lib (\S+)", "3.4"),
        ("tool 1.2", r"lib (\S+)", None),
        ("", None, None),
    ],
)
def test_a_version_is_the_first_line_or_the_first_group(output, regex, version):
    assert pick_version(output, regex) == version

"""Nothing stray, nothing of one machine, the names that this project settled on."""

from __future__ import annotations

import json
import re

import tomllib
from tree import CODE, ROOT, name, tracked, under

TOP = {
    ".ci", ".clang-format", ".clang-tidy", ".gitignore", ".npmrc", "ARCHITECTURE.md",
    "CHANGELOG.md", "CMakeLists.txt", "CMakePresets.json", "CONTRIBUTING.md", "LICENSE", "Makefile",
    "README.md", "SECURITY.md", "bench", "bindings", "cmake", "constraints.txt", "core", "docs",
    "examples",
    "notebooks", "package-lock.json", "package.json", "protocol", "pyproject.toml",
    "reference-impls", "results", "scripts", "tests",
}  # fmt: skip
BANNED_PARTS = {"utils", "util", "helpers", "helper", "common", "misc"}
# Built from parts so that this file does not name what it forbids.
HOSTS = [
    "registry." + "npmjs", "pypi." + "org/simple", "files." + "pythonhosted",
    "proxy." + "golang", "static." + "crates", "deb." + "debian",
]  # fmt: skip
PATHS = re.compile(r"(?<![\w.{}])/(" + "work|root|home/[a-z]+" + r")/")
UNFINISHED = re.compile(r"\b(TO" + "DO|FIX" + "ME|XX" + r"X)\b")
# The core's own words (see CONTRIBUTING.md, Names): what the left column is never called.
NOT_OUR_WORDS = re.compile(r"\b(subscribers?|unicast|whisper|reactor|kick_?out)\b", re.IGNORECASE)
MERGE = re.compile(r"^(<{7} |={7}$|>{7} )", re.MULTILINE)
TEXT = CODE | {".md", ".toml", ".json", ".txt", ".html", ".css", ".ipynb", ".mod", ".sum", ".lock"}


def text_files() -> list[tuple[str, str]]:
    files = (p for p in tracked() if p.suffix in TEXT or p.name in {"Makefile", "CMakeLists.txt"})
    return [
        (name(path), path.read_text(encoding="utf-8"))
        for path in files
        if not path.is_relative_to(ROOT / "results")
    ]


def test_nothing_stray_at_the_top() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} <= TOP


def test_no_drawer_for_everything() -> None:
    assert not [
        name(path)
        for path in tracked()
        if BANNED_PARTS & {part.split(".")[0] for part in path.relative_to(ROOT).parts}
    ]


def test_no_registry_host_and_no_path_of_a_machine() -> None:
    found = [
        (where, bad)
        for where, text in text_files()
        for bad in [*(host for host in HOSTS if host in text), *PATHS.findall(text)]
    ]
    assert not found


def test_results_name_no_path_of_a_machine() -> None:
    assert not [
        name(path)
        for path in under("results")
        if path.suffix in TEXT | {".ndjson", ".log"} and PATHS.search(path.read_text("utf-8"))
    ]


def test_nothing_is_left_for_later_in_the_code() -> None:
    assert not [where for where, text in text_files() if UNFINISHED.search(text)]


def test_the_core_uses_the_project_s_words() -> None:
    assert not [
        (name(path), NOT_OUR_WORDS.findall(path.read_text("utf-8")))
        for path in under("core", "bench/load", suffixes=CODE)
        if NOT_OUR_WORDS.search(path.read_text("utf-8"))
    ]


def test_json_files_are_json() -> None:
    for path in tracked():
        if path.suffix in {".json", ".ipynb"}:
            json.loads(path.read_text(encoding="utf-8"))


def test_notebooks_are_stored_without_output() -> None:
    for path in under("notebooks", suffixes={".ipynb"}):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            assert not cell.get("outputs"), name(path)


def test_every_cargo_package_is_a_workspace_of_its_own() -> None:
    """Else Cargo refuses it in a checkout below someone's workspace."""
    manifests = [path for path in tracked() if path.name == "Cargo.toml"]
    assert manifests
    assert not [name(p) for p in manifests if "workspace" not in tomllib.loads(p.read_text())]


def test_no_file_has_both_sides_of_a_merge() -> None:
    assert [path for path, text in text_files() if MERGE.search(text)] == []

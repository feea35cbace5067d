"""Manifests: what is accepted, what is refused and how clearly, and the schema beside them."""

import json
import re
from pathlib import Path

import jsonschema
import msgspec
import pytest
from chinwag_bench.errors import ManifestError
from chinwag_bench.servers import manifest as manifests
from chinwag_bench.servers.lines_of_code import lines_of_code
from chinwag_bench.servers.manifest import fill, load_manifest, manifest_schema

ROOT = Path(__file__).resolve().parents[2]
TOY = (Path(__file__).parent / "fixtures" / "toy.toml").read_text()
SCHEMA = Path(manifests.__file__).parents[1] / "schemas" / "manifest.schema.json"
SOURCE = {".cpp", ".hpp", ".go", ".java", ".rs", ".ex", ".exs", ".js", ".mjs", ".cjs", ".ts", ".py"}
NO_CODE = re.compile(
    r"/(tests?|pgo|node_modules|target|deps|_build|\.\w+)/|_test\.go$|/\.\w+\.exs$|/[Ff]aults\.\w+$"
)
REAL = [*ROOT.glob("reference-impls/*/server.toml"), *ROOT.glob("core/app/server.toml")]
EVERY = [*REAL, *ROOT.glob("bindings/hosted/*/server.toml")]


def load(folder, text):
    path = folder / "server.toml"
    path.write_text(text)
    return load_manifest(path)


def test_a_whole_manifest_is_read(tmp_path):
    manifest = load(tmp_path, TOY)
    assert manifest.name == "toy"
    assert manifest.versions["python"].regex == "Python (.*)"
    assert manifest.variants["tuned"].env == {"TOY_SETTING": "{port}"}
    assert manifest.build.sources == ["."]


def test_a_title_says_which_version_of_a_library_runs(tmp_path):
    manifest = load(tmp_path, TOY.replace('title = "', 'title = "On {python} · '))
    said = manifest.title.removeprefix("On {python} ")
    assert manifest.titled({"python": "3.14"}) == f"On 3.14 {said}"
    assert manifest.titled({}) == f"On {said}", "nothing where the version is not known"


@pytest.mark.parametrize(
    ("old", "new", "said", "hint"),
    [
        ('name = "toy"', 'name = "Toy"', "`name` is 'Toy'", "lower-case"),
        ('title = "', 'title = "{ruby} ', "`title` names the version {ruby}", "[versions]"),
        ('language = "Python"\n', "", "missing required field `language`", "add the key"),
        ('language = "Python"', "language = 3", "`language`: Expected `str`", "schema"),
        ("[build]", "[build]\ncomand = []", "`build`: Object contains unknown", "remove"),
        ("[variants.default]", "[variants.plain]", "`variants` has no `default`", "add a ["),
        ('["{python}", "{build}/server.py"]', "[]", "`run.command` is an empty list", "program"),
        ("{build}/server.py", "{bild}/server.py", "unknown placeholder {bild}", "build"),
        ('missing = "there is no shell"', "", "`toolchain.missing` is empty", "how to"),
        ('requires = ["sh"]', "checks = [[]]", "`toolchain.checks` is an empty list", "program"),
        ("Python (.*)", "Python .*", "'python' has an invalid regex", "group"),
        (
            "[variants.tuned]",
            '[variants.tuned.versions]\nx = { command = ["x"] }\n[variants.tuned]',
            "`variants.tuned.versions` is there without a build",
            "add [variants.tuned.build]",
        ),
        (
            "[variants.tuned]",
            "[variants.tuned.dependencies]\n"
            'direct = { command = ["x"] }\ntotal = { command = ["x"] }\n[variants.tuned]',
            "`variants.tuned.dependencies` is there without a build",
            "add [variants.tuned.build]",
        ),
        (
            "[variants.tuned]",
            '[variants.tuned.build]\ncommand = ["{bild}/x"]\n[variants.tuned]',
            "`variants.tuned.build.command` has the unknown placeholder {bild}",
            "build",
        ),
    ],
)
def test_a_broken_manifest_says_where_what_and_what_to_do(tmp_path, old, new, said, hint):
    assert old in TOY
    with pytest.raises(ManifestError) as caught:
        load(tmp_path, TOY.replace(old, new))
    assert str(tmp_path / "server.toml") in caught.value.message
    assert said in caught.value.message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    "content",
    [b'name = "\xff"', b"a = " + b"[" * 100_000, b"a = " + b"9" * 5_000],
    ids=["bytes", "brackets", "digits"],
)
def test_bytes_that_are_no_toml_are_an_error_of_the_manifest(tmp_path, content):
    path = tmp_path / "server.toml"
    path.write_bytes(content)
    with pytest.raises(ManifestError) as caught:
        load_manifest(path)
    assert caught.value.message.startswith(f"{path}: not valid TOML: ")


def test_invalid_toml_names_the_line(tmp_path):
    with pytest.raises(ManifestError, match=r"not valid TOML: .*line 2"):
        load(tmp_path, 'name = "toy"\n= 3\n')


def test_an_absent_manifest_is_an_error(tmp_path):
    with pytest.raises(ManifestError, match="can't be read"):
        load_manifest(tmp_path / "server.toml")


def test_placeholders_are_filled_and_templates_left_alone():
    values = {"build": "/b", "port": "1"}
    assert fill("{build}/x --port={port}", values) == "/b/x --port=1"
    assert (
        fill("{{.Version}} {{build}} {3} {other}", values) == "{{.Version}} {{build}} {3} {other}"
    )


def test_the_schema_beside_the_code_is_up_to_date():
    assert json.loads(SCHEMA.read_text()) == manifest_schema()


def test_the_schema_accepts_what_the_types_accept():
    toy = msgspec.toml.decode(TOY)
    jsonschema.validate(toy, manifest_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(toy | {"name": 3}, manifest_schema())


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.parent.name)
def test_every_manifest_of_this_checkout_is_usable(path):
    assert load_manifest(path).variants


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.parent.name)
def test_every_manifest_says_what_its_server_uses_of_a_machine(path):
    """In so many words: one that leaves it out may only have forgotten it."""
    assert msgspec.toml.decode(path.read_bytes()).get("threads") in ("one", "cores", "workers")


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.parent.name)
def test_each_source_of_a_server_counts_as_its_code_in_some_variant(path):
    """But for tests, faults that a run asks for, and what makes a profile for the compiler. A
    source that no glob names would make a server look simpler than it is.
    """
    manifest = load_manifest(path)
    folders = [path.parent]
    if path.parent.name == "app":  # the core's own server
        folders += [path.parent.parent / name for name in ("src", "include")]
    sources = {
        found.resolve()
        for folder in folders
        for found in folder.rglob("*")
        if found.suffix in SOURCE and not NO_CODE.search(str(found.relative_to(ROOT)))
    }
    globs = [*manifest.loc, *(glob for one in manifest.variants.values() for glob in one.loc)]
    counted = {found.resolve() for found in lines_of_code(path.parent, globs)}
    assert sources
    assert sources - counted == set()


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.parent.name)
def test_no_toolchain_s_check_asks_for_what_the_build_itself_makes(path):
    manifest = load_manifest(path)
    toolchains = [manifest.toolchain, *(one.toolchain for one in manifest.variants.values())]
    words = [word for one in toolchains if one for check in one.checks for word in check]
    made = ("node_modules/", "{build}")
    assert not [word for word in words if word.startswith(made)]

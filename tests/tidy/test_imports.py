"""The arrows of ARCHITECTURE.md: who may use whom. A shared bug would hide itself."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tree import CPP, ROOT, name, tracked, under

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.MULTILINE)
OWN_INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def includes(path: Path) -> list[str]:
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


def own_includes(path: Path) -> list[str]:
    """Those of this repository: between quotes. Libraries stand between angle brackets."""
    return OWN_INCLUDE.findall(path.read_text(encoding="utf-8"))


def core_headers() -> set[str]:
    return {path.name for path in under("core/src", "core/include", suffixes={".hpp"})}


def own_headers(folder: str) -> set[str]:
    return {path.name for path in under(folder, suffixes={".hpp"})}


def foreign_uses(folder: str) -> list[str]:
    """Includes in `folder` that can only mean a header of the core."""
    core = core_headers() - own_headers(folder)
    return [
        f"{name(path)} includes {header}"
        for path in under(folder, suffixes=CPP)
        for header in own_includes(path)
        if header.startswith("chinwag/") or "core/" in header or Path(header).name in core
    ]


def test_the_load_generator_never_uses_the_core() -> None:
    assert not foreign_uses("bench/load")


def test_what_measures_the_kernel_alone_uses_nothing_that_is_measured_against_it() -> None:
    assert not foreign_uses("bench/floor")
    load = own_headers("bench/load")
    for path in under("bench/floor", suffixes=CPP):
        assert not load & set(own_includes(path)), name(path)


def test_the_compared_servers_never_use_the_core() -> None:
    assert not foreign_uses("reference-impls")


def test_the_core_uses_neither_the_bench_nor_the_tests() -> None:
    outside = ("bench", "tests", "reference-impls", "bindings")
    assert not [
        f"{name(path)} includes {header}"
        for path in under("core", suffixes=CPP)
        for header in includes(path)
        if any(part in outside for part in Path(header).parts)
    ]


# The core's folders, from the one that stands alone to the one that uses all others.
FLOORS = ("wire", "host", "state", "connection", "chat", "cluster", "handover", "loop")


def test_a_folder_of_the_core_uses_those_below_it_only() -> None:
    folders = {path.parent.name for path in under("core/src", suffixes=CPP)}
    assert folders == set(FLOORS)
    assert not [
        f"{name(path)} includes {header}"
        for path in under("core/src", suffixes=CPP)
        for header in own_includes(path)
        if not header.startswith("chinwag/")
        and FLOORS.index(header.split("/")[0]) > FLOORS.index(path.parent.name)
    ]


def test_bindings_use_public_headers_only() -> None:
    private = {path.name for path in under("core/src", suffixes={".hpp"})}
    assert not [
        f"{name(path)} includes {header}"
        for path in under("bindings", suffixes=CPP)
        for header in includes(path)
        if Path(header).name in private and not header.startswith("chinwag/")
    ]


def test_public_headers_of_the_core_include_no_private_one() -> None:
    private = {path.name for path in under("core/src", suffixes={".hpp"})}
    public = {path.name for path in under("core/include", suffixes={".hpp"})}
    assert not [
        f"{name(path)} includes {header}"
        for path in under("core/include", suffixes=CPP)
        for header in includes(path)
        if Path(header).name in private - public
    ]


def test_beast_is_compiled_once() -> None:
    users = [
        name(path)
        for path in under("core", suffixes=CPP)
        if any(header.startswith("boost/beast") for header in includes(path))
    ]
    assert len(users) == 1, users


def test_the_kit_imports_nothing_of_the_tests() -> None:
    for path in under("bench/chinwag_bench", suffixes={".py"}):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("tests"), name(path)


def test_every_header_is_included_by_someone() -> None:
    used = {
        Path(header).name for path in tracked() if path.suffix in CPP for header in includes(path)
    }
    headers = [path for path in under("core", "bench", suffixes={".hpp"})]
    assert headers, f"no header found below {ROOT}"
    assert not [name(path) for path in headers if path.name not in used]


def kit_imports(path: Path, modules: set[str]) -> set[str]:
    """Modules of the kit that a module needs while it is loaded; what a function imports comes
    later.
    """
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                found.add(submodule if submodule in modules else node.module)
    return found & modules


def test_the_modules_of_the_kit_import_each_other_in_no_circle() -> None:
    folder = ROOT / "bench"
    modules = {
        ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__"): path
        for path in under("bench/chinwag_bench", suffixes={".py"})
    }
    left = {module: kit_imports(path, set(modules)) for module, path in modules.items()}
    assert left
    while ready := {module for module, needs in left.items() if not needs & left.keys() - {module}}:
        for module in ready:
            del left[module]
    assert not left, f"in a circle, or behind one: {sorted(left)}"


def test_waiting_with_a_limit_forgets_no_cancellation() -> None:
    """``asyncio.wait_for()`` does, before Python 3.12: see ``chinwag/deadline.py``."""
    assert not [
        name(path)
        for path in under("bindings/python", "tests/conformance", suffixes={".py"})
        if "wait_for(" in path.read_text(encoding="utf-8").replace("``asyncio.wait_for()``", "")
    ]

"""Where functions begin and end, well enough to hold them to a size."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tree import CPP, lines

Span = tuple[str, int]

_CONTROL = re.compile(
    r"^\s*(\}\s*)?(if|for|while|switch|else|do|try|catch|namespace|struct|class|enum|union)\b"
)
_OPENS = re.compile(r"\)\s*(const|noexcept|override|final|mutable|->\s*[\w:<>,&*\s]+|:\s.*)*\s*\{$")


def functions(path: Path) -> list[Span]:
    """(where, lines) of every function in a Python or C++ file; nothing for other languages."""
    if path.suffix == ".py":
        return list(_python(path))
    if path.suffix in CPP:
        return list(_cpp(path))
    return []


def _python(path: Path) -> Iterator[Span]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path.name}:{node.lineno} {node.name}", (node.end_lineno or 0) - node.lineno + 1


def _cpp(path: Path) -> Iterator[Span]:
    """A body opens on a line that ends with a parameter list (or a constructor's initialisers) and
    a brace; it ends at the first closing brace that is not indented deeper."""
    text = lines(path)
    for start, line in enumerate(text):
        if not _OPENS.search(line) or _CONTROL.match(line):
            continue
        closing = re.compile(rf"^ {{0,{len(line) - len(line.lstrip())}}}\}}")
        for end in range(start + 1, len(text)):
            if closing.match(text[end]):
                yield f"{path.name}:{start + 1}", end - start + 1
                break

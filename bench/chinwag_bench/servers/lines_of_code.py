"""Lines of code: the lines that hold anything but blanks, comments and documentation.

Pygments, which colours sources, knows what a comment is in each language.
"""

from __future__ import annotations

import re
from pathlib import Path

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_for_filename
from pygments.lexers.special import TextLexer
from pygments.token import Comment, String
from pygments.util import ClassNotFound

# What Pygments files under comments although it is compiled: `#include` and the like.
_COMPILED = (Comment.Preproc, Comment.PreprocFile)
# Elixir writes its documentation into attributes, which to Pygments are strings like others.
_ELIXIR_DOCUMENTATION = re.compile(
    r'^ *@(?:module|type)?doc (?:"""\n.*?^ *"""|"[^\n]*")$', re.MULTILINE | re.DOTALL
)


# The file that commits the faults that a run asks for, in every language: part of the measurement.
_FAULTS = "faults"


def lines_of_code(folder: Path, globs: list[str]) -> dict[Path, int]:
    """By file, how many lines of code the files have that the globs, relative to ``folder``, name.
    The bytes of a file that is not UTF-8 are read as far as they go.
    """
    files = {
        path
        for pattern in globs
        for path in folder.glob(pattern)
        if path.is_file() and path.stem.lower() != _FAULTS
    }
    return {path: count_code(path.name, path.read_text("utf-8", "replace")) for path in files}


def count_code(name: str, text: str) -> int:
    """Lines of code in the text of a file of this name. In a language that Pygments does not know
    every line counts that is not blank.
    """
    lexer = _lexer(name)
    if lexer.name == "Elixir":
        text = _ELIXIR_DOCUMENTATION.sub("", text)
    line = 0
    found: set[int] = set()
    for kind, piece in lexer.get_tokens(text):
        if not _is_prose(kind):
            parts = enumerate(piece.split("\n"), line)
            found.update(number for number, part in parts if part.strip())
        line += piece.count("\n")
    return len(found)


def _lexer(name: str) -> Lexer:
    try:
        return get_lexer_for_filename(name, stripnl=False)
    except ClassNotFound:
        return TextLexer(stripnl=False)


def _is_prose(kind: tuple[str, ...]) -> bool:
    return kind in String.Doc or (
        kind in Comment and not any(kind in compiled for compiled in _COMPILED)
    )

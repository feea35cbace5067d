"""The Jinja environment of the report. Everything that isn't marked as markup is escaped."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from chinwag_bench.numbers import number
from chinwag_bench.render import claims, loads, notes, text

TEMPLATES = Path(__file__).with_name("templates")


def data_file(name: str) -> str:
    """The text of a file beside the templates."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _breakable(name: str) -> Markup:
    """Names, which a narrow column may break behind their marks and nowhere else."""
    found = escape(name)
    for mark in ":/":
        found = found.replace(mark, Markup(f"{mark}<wbr>"))
    return found


ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.filters |= {
    "number": number,
    "measured": text.measured,
    "whole_bound": lambda shown: shown.replace("= ", "=\N{NO-BREAK SPACE}"),
    "note": notes.sentence,
    "breakable": _breakable,
    "apart": lambda row, matrix: text.apart(matrix, row),
    "rounds": lambda row, matrix: text.rounds(matrix, row),
    "load_of": lambda group, matrix: loads.of_group(matrix, group),
    "noise": lambda row, matrix: text.noise(matrix, row).replace(" x", "\N{NO-BREAK SPACE}x"),
    "ranks": lambda row, matrix: text.ranks(matrix, row),
    "interval": text.interval,
    "ended": text.ended,
    "library": text.library,
    "rounds_of": text.rounds_of,
    "of_what": text.of_what,
    "quoted": text.quoted,
    "factor": text.factor,
    "verdict_label": claims.label,
    "is_order_open": claims.is_order_open,
    "claim_lines": claims.lines,
    "claim_published": claims.published,
    "claim_measured": claims.measured,
    "case_place": claims.case_place,
    "case_side": claims.side,
    "date": text.date,
    "first_line": text.first_line,
    "row_title": text.row_title,
}

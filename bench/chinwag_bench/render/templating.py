"""The Jinja environment of the report. Everything that isn't marked as markup is escaped."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from chinwag_bench.render import notes, text
from chinwag_bench.render.numbers import number

TEMPLATES = Path(__file__).with_name("templates")


def data_file(name: str) -> str:
    """The text of a file beside the templates."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


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
    "note": notes.sentence,
    "noise": lambda row, matrix: text.noise(matrix, row),
    "ranks": lambda row, matrix: text.ranks(matrix, row),
    "interval": text.interval,
    "ended": text.ended,
    "quoted": text.quoted,
    "factor": text.factor,
    "verdict_label": text.verdict_label,
    "claim_label": text.claim_label,
    "date": text.date,
    "first_line": text.first_line,
    "row_title": text.row_title,
}

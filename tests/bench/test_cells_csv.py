"""cells.csv: every cell by its schema, and back; nothing that a spreadsheet would execute."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, get_args

import jsonschema
import msgspec
import pytest
from chinwag_bench.judging.matrix import Matrix, Note, Published, Verdict, VerdictKind
from chinwag_bench.render import cells_csv, load
from chinwag_bench.render.cells_csv import FIELDS, Field, guarded
from hypothesis import given
from hypothesis import strategies as st

(RUN,) = (
    path.parent
    for path in (Path(__file__).resolve().parents[2] / "results" / "reference").glob("*/run.json")
)
# Python's reader of CSV takes no NUL before 3.11; lone surrogates are no text.
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
_BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "string": _TEXT,
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "integer": st.integers(),
    "array": st.lists(st.dictionaries(_TEXT, _TEXT | st.integers(-9, 9) | st.none()), min_size=1),
}
_LINES = st.fixed_dictionaries({f.name: st.none() | _BY_TYPE[f.type] for f in FIELDS})


@pytest.fixture(scope="module")
def matrix() -> Matrix:
    return load(RUN / "matrix.json")


@pytest.fixture
def schema() -> dict[str, Any]:
    return dict(json.loads((RUN / cells_csv.CELLS_SCHEMA).read_text()))


def rows(directory: Path) -> list[dict[str, str]]:
    """As a stranger reads it, who knows RFC 4180 and nothing of the kit."""
    with (directory / cells_csv.CELLS).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


@given(st.lists(_LINES, max_size=4))
def test_whatever_is_written_is_read_again(lines: list[cells_csv.Line]) -> None:
    assert [line for _, line in cells_csv.read(cells_csv.write(lines))] == lines


@given(_TEXT)
def test_no_text_is_a_formula_and_every_one_comes_back(text: str) -> None:
    shown = guarded(text)
    assert shown.strip()[:1] not in {"=", "+", "-", "@"}
    assert shown.removeprefix("'") == text or shown == text
    assert (shown == text) == (not shown.startswith("'"))


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1", "'quoted"]
)
def test_what_a_spreadsheet_would_execute_has_an_apostrophe_before_it(text: str) -> None:
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["go:tuned", "<1", "~2KB", "10K-100K", "C++ · Boost.Beast", ""])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert guarded(text) == text


def test_negative_numbers_are_numbers() -> None:
    line: cells_csv.Line = dict.fromkeys((field.name for field in FIELDS), None)
    written = cells_csv.write([line | {"value": -1.5, "low": 1e-7, "high": 12.0}])
    assert written.splitlines()[1] == ",,,,,,,-1.5,1e-07,12,,,,,,,,,"


def test_header_and_schema_agree(schema: dict[str, Any]) -> None:
    names = [field["name"] for field in schema["fields"]]
    assert list(rows(RUN)[0]) == names == [field.name for field in FIELDS]
    assert schema == json.loads(cells_csv.schema())
    assert len(set(names)) == len(names)
    assert set(schema["primaryKey"]) <= set(names)
    for field in schema["fields"]:
        assert field["title"] and field["description"].endswith("."), field["name"]
    verdict = next(field for field in schema["fields"] if field["name"] == "verdict")
    assert verdict["constraints"]["enum"] == list(get_args(VerdictKind))


def test_the_schema_is_a_table_schema(schema: dict[str, Any]) -> None:
    """By the properties and types of Frictionless Table Schema that are used here."""
    described = {
        "type": "object",
        "required": ["fields"],
        "properties": {
            "fields": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["name", "type", "title", "description"],
                    "properties": {
                        "name": {"pattern": "^[a-z_]+$"},
                        "type": {"enum": ["string", "number", "integer", "array"]},
                        "title": {"type": "string"},
                        "description": {"type": "string"},
                        "constraints": {
                            "properties": {
                                "required": {"type": "boolean"},
                                "enum": {"type": "array", "uniqueItems": True},
                            },
                            "additionalProperties": False,
                        },
                    },
                    "additionalProperties": False,
                },
            },
            "missingValues": {"type": "array", "items": {"type": "string"}},
            "primaryKey": {"type": "array", "items": {"type": "string"}},
        },
    }
    jsonschema.Draft202012Validator(described).validate(schema)


def test_every_line_of_the_reference_fits_the_schema(schema: dict[str, Any]) -> None:
    found = rows(RUN)
    parsers = {"string": str, "number": float, "integer": int, "array": json.loads}
    for field in schema["fields"]:
        given_values = [row[field["name"]] for row in found if row[field["name"]] != ""]
        constraints = field.get("constraints", {})
        for value in given_values:
            parsers[field["type"]](value)
            assert value in constraints.get("enum", [value])
        if constraints.get("required"):
            assert len(given_values) == len(found), field["name"]
    keys = [tuple(row[name] for name in schema["primaryKey"]) for row in found]
    assert len(set(keys)) == len(keys)


def test_every_cell_of_the_reference_is_in_it_unrounded(matrix: Matrix) -> None:
    found = rows(RUN)
    assert len(found) == len(matrix.cells) > 1000
    titles = {column.id: column.title for column in matrix.columns}
    for row, cell in zip(found, matrix.cells, strict=True):
        assert (row["run"], row["row"], row["column"]) == (matrix.run.id, cell.row, cell.column)
        assert row["column_title"] == titles[cell.column]
        low, high = cell.interval or (None, None)
        numbers = {"value": cell.value, "low": cell.low, "high": cell.high}
        numbers |= {"interval_low": low, "interval_high": high}
        for name, value in numbers.items():
            assert (float(row[name]) if row[name] else None) == value, (row, name)
        assert (int(row["rounds"]), int(row["samples"])) == (cell.rounds, len(cell.samples))
        assert row["limited_by"] == (cell.limited_by or "")
        assert row["reason_code"] == (cell.reason.code if cell.reason else "")
        assert bool(row["reason"]) == bool(row["reason_code"]) == (not row["value"])
        assert row["verdict"] == (cell.verdict.kind if cell.verdict else "")
        published = json.loads(row["published"] or "[]")
        assert [one["value"] for one in published] == [one.value for one in cell.published]


def test_the_reference_s_lines_are_those_that_are_written_today(matrix: Matrix) -> None:
    content = (RUN / cells_csv.CELLS).read_bytes()
    assert content.decode() == cells_csv.document(matrix)
    assert content.count(b"\r\n") == content.count(b"\n") == len(matrix.cells) + 1
    assert [line for _, line in cells_csv.read(content.decode())] == [*cells_csv.lines(matrix)]


def test_the_reference_s_matrix_is_valid_by_the_schema_beside_it() -> None:
    stored = json.loads((RUN / "matrix.json").read_text())
    schema = json.loads((RUN / "matrix.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(stored)
    assert schema == json.loads(msgspec.json.encode(msgspec.json.schema(Matrix)))


def test_texts_of_others_are_guarded_quoted_and_one_line(matrix: Matrix) -> None:
    """A server's title, the end of its log, and what an article states."""
    hostile = msgspec.convert(msgspec.to_builtins(matrix), type=Matrix)
    column, cell = hostile.columns[0], hostile.cells[0]
    column.title = '=HYPERLINK("http://x","a,b")'
    cell.value = cell.low = cell.high = cell.interval = None
    cell.reason = Note(code="without_value", args={"why": "-died,\nits log"})
    cell.published = [Published(article="A", value='=1"', unit="ms")]
    cell.verdict = Verdict(kind="opinion", text="")
    written = cells_csv.document(hostile)
    assert '"\'=HYPERLINK(""http://x"",""a,b"")"' in written
    first = next(csv.DictReader(written.splitlines()))
    assert first["reason"] == "'-died,"
    assert json.loads(first["published"])[0]["value"] == '=1"'
    assert (first["value"], first["verdict"]) == ("", "opinion")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "line 1: the head line is not run,row,"),
        ("a,b\r\n", "line 1: the head line is not run,row,"),
        ("HEAD\r\n1,2\r\n", "line 2: 2 fields, and the head line has 19"),
        ("HEAD\r\n,,,,,,,many,,,,,,,,,,,\r\n", "line 2: could not convert string to float"),
        ("HEAD\r\n,,,,,,,,,,,,1.5,,,,,,\r\n", "line 2: invalid literal for int"),
        ("HEAD\r\n,,,,,,,,,,,,,,,,,,[\r\n", "line 2: "),
        ('HEAD\r\n"a"b\r\n', "line 2: "),
    ],
)
def test_what_is_no_such_table_is_named_by_its_line(content: str, said: str) -> None:
    head = ",".join(field.name for field in FIELDS)
    with pytest.raises(ValueError, match=f"^{said}"):
        list(cells_csv.read(content.replace("HEAD", head)))


def test_a_field_is_described_with_its_constraints() -> None:
    field = Field("a", "string", "A", lambda _: "b", "An A.", required=True, choices=("b", "c"))
    described = field.descriptor()
    assert described["constraints"] == {"required": True, "enum": ["b", "c"]}
    assert "constraints" not in Field("a", "string", "A", lambda _: "b", "An A.").descriptor()

"""A sound result directory passes; each kind of damage is found, with its place."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from chinwag_bench.errors import UsageError
from chinwag_bench.judging.judge import judge
from chinwag_bench.render import cells_csv
from chinwag_bench.validation import validate

REFERENCE = Path(__file__).resolve().parents[2] / "results" / "reference"
(RUN,) = (path.parent for path in REFERENCE.glob("*/run.json"))


COLUMNS = {"chinwagd", "cpp-beast:tuned", "node-ws:tuned"}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference run as it were with three columns: it is judged many times here."""
    run = Path(shutil.copytree(RUN, tmp_path_factory.mktemp("sound") / "run"))
    edit(
        run / "run.json",
        lambda one: one.update(columns=[c for c in one["columns"] if c["id"] in COLUMNS]),
    )
    for raw in run.glob("raw/*.ndjson"):
        lines = raw.read_text().splitlines(keepends=True)
        kept = [line for line in lines if json.loads(line).get("column", "chinwagd") in COLUMNS]
        raw.write_text("".join(kept))
    told = "".join(raw.read_text() for raw in run.glob("raw/*.ndjson"))
    for histogram in run.glob("raw/hdr/*"):
        if histogram.name not in told:
            histogram.unlink()
    matrix = judge(run)
    (run / "matrix.json").write_bytes(msgspec.json.encode(matrix))
    (run / "cells.csv").write_bytes(cells_csv.document(matrix).encode())
    assert problems(run) == []
    return run


@pytest.fixture
def result(sound: Path, tmp_path: Path) -> Path:
    """A copy, to damage."""
    return Path(shutil.copytree(sound, tmp_path / "run"))


def edit(path: Path, change: Callable[[Any], None], line: int = 0) -> None:
    """Changes one line's JSON, or a whole file's with ``line`` 0."""
    lines = path.read_text().splitlines() if line else [path.read_text()]
    value = json.loads(lines[max(0, line - 1)])
    change(value)
    lines[max(0, line - 1)] = json.dumps(value)
    path.write_text("\n".join(lines) + "\n")


def problems(directory: Path) -> list[str]:
    return [problem.text() for problem in validate(directory).problems]


def test_a_matrix_of_another_version_is_to_be_made_again(result: Path) -> None:
    edit(result / "matrix.json", lambda one: one.update(schema="chinwag-matrix/2"))
    (found,) = problems(result)
    assert "is chinwag-matrix/2, and this kit makes chinwag-matrix/3" in found
    assert "`chinwag report` makes it again" in found


def test_the_reference_run_is_sound() -> None:
    found = validate(RUN)
    assert found.problems == []
    assert found.records > 50
    assert found.histograms > 10
    assert found.cells
    assert found.cells_csv is True
    assert "no cells.csv" not in found.summary()


def test_a_line_that_does_not_fit_its_type_is_named(result: Path) -> None:
    edit(result / "raw/start.ndjson", lambda record: record.update(round="one"), line=3)
    assert any(
        one.startswith("raw/start.ndjson:3: Expected `int`, got `str`") for one in problems(result)
    )


def test_a_torn_line_is_named(result: Path) -> None:
    path = result / "raw/start.ndjson"
    last = len(path.read_text().splitlines())
    path.write_bytes(path.read_bytes()[:-40])
    start = f"raw/start.ndjson:{last}: the line was cut off: "
    assert any(one.startswith(start) for one in problems(result))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"delivered": 10**9}, "delivered, but only"),
        ({"lost": 5}, "delivered + 5 lost is not"),
        ({"sent": 1}, "sent"),
        ({"duplicated": -1}, "negative counts: duplicated"),
        ({"outstanding_after_drain": -1}, "negative counts: outstanding_after_drain"),
        ({"deliveries_per_s": -5.0}, "no rate or time can be so: deliveries_per_s"),
        ({"hold_s": 0.0}, "no rate or time can be so: hold_s"),
        ({"deliveries_per_s": 1e9}, "1,000,000,000 deliveries/s for 2 s can't be of "),
        ({"closes": {"reset": 3}}, "called sustained, but connections ended: 3 x reset"),
    ],
)
def test_sums_that_do_not_add_up(result: Path, change: dict[str, Any], said: str) -> None:
    path = result / "raw/latency.ndjson"
    records = map(json.loads, path.read_text().splitlines())
    line = next(n for n, record in enumerate(records, 1) if record["step"]["sustained"])
    edit(path, lambda record: record["step"]["hold"].update(change), line=line)
    found = [
        one for one in problems(result) if one.startswith(f"raw/latency.ndjson:{line}: step: ")
    ]
    assert any(said in one for one in found), found


def faster(record: dict[str, Any], *parts: str) -> None:
    """Ten times the rate in the best step, and where it stands among the steps."""
    index = record["steps"].index(record["best"])
    for step in (record["best"], record["steps"][index])[: len(parts)]:
        step["hold"]["deliveries_per_s"] *= 10


def test_a_best_that_is_none_of_its_steps(result: Path) -> None:
    path = result / "raw/throughput.ndjson"
    edit(path, lambda record: faster(record, "best"), line=1)
    found = problems(result)
    assert any(
        one.startswith("raw/throughput.ndjson:1: best, with ") and "none of the record's" in one
        for one in found
    ), found


def test_a_rate_of_more_than_was_delivered(result: Path) -> None:
    path = result / "raw/throughput.ndjson"
    edit(path, lambda record: faster(record, "best", "steps"), line=1)
    found = [one for one in problems(result) if one.startswith("raw/throughput.ndjson:1: ")]
    assert not any("none of the record's" in one for one in found)
    assert sum("deliveries/s for 2.5 s can't be of" in one for one in found) == 2, found


def test_percentiles_and_quotients_are_checked(result: Path) -> None:
    def change(record: dict[str, Any]) -> None:
        record["step"]["hold"]["latency_ms"]["p50"] = 5_000.0
        record["step"]["cpu_us_per_delivery"] *= 2

    edit(result / "raw/latency.ndjson", change, line=2)
    found = "\n".join(problems(result))
    assert "raw/latency.ndjson:2: step: p50 5000 ms is over p90" in found
    assert "us each, not" in found


def test_a_histogram_that_is_gone_unreadable_or_another_one(result: Path) -> None:
    first, second, third = sorted((result / "raw/hdr").iterdir())[:3]
    first.unlink()
    second.write_text(second.read_text().replace(",HIST", ",HISTrubbish"))
    lines = (result / "raw/latency.ndjson").read_text().splitlines()
    number = next(n for n, line in enumerate(lines, 1) if third.name in line)
    edit(
        result / "raw/latency.ndjson",
        lambda record: record["step"]["hold"]["latency_ms"].update(p99_9=0.0001, p99=0.0001),
        line=number,
    )
    found = "\n".join(problems(result))
    assert f"its histogram raw/hdr/{first.name} does not exist" in found
    assert f"raw/hdr/{second.name}: is not a readable histogram log" in found
    assert f"raw/hdr/{third.name}: its p99 is " in found


def test_a_matrix_that_judging_does_not_give(result: Path) -> None:
    def change(matrix: dict[str, Any]) -> None:
        cell = next(one for one in matrix["cells"] if one["value"])
        cell["value"] += 1
        empty = next(one for one in matrix["cells"] if one["value"] is None)
        empty["reason"] = None

    edit(result / "matrix.json", change)
    found = "\n".join(problems(result))
    assert "matrix.json: $.cells[throughput_deliveries, " in found
    assert "judging the raw data gives" in found
    assert "neither value nor reason" in found


def test_a_matrix_that_does_not_fit_its_schema(result: Path) -> None:
    edit(
        result / "matrix.schema.json",
        lambda schema: schema["$defs"]["Cell"]["required"].append("weather"),
    )
    assert "'weather' is a required property" in "\n".join(problems(result))


def test_a_cell_that_is_not_the_matrix_s_is_named_by_its_line(result: Path) -> None:
    path = result / "cells.csv"
    lines = path.read_bytes().decode().split("\r\n")
    number = next(n for n, line in enumerate(lines) if ",deliveries/s,chinwagd," in line)
    parts = lines[number].split("Chinwag · chinwagd,")
    lines[number] = f"{parts[0]}Chinwag · chinwagd,1{parts[1]}"
    path.write_bytes("\r\n".join(lines).encode())
    (found,) = problems(result)
    value = parts[1].split(",")[0]
    assert found.startswith(f"cells.csv:{number + 1}: value is 1{value}")
    assert f", matrix.json gives {value}" in found


def test_cells_that_are_missing_or_unreadable(result: Path) -> None:
    path = result / "cells.csv"
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"\r\n", 0, -2) + 2])
    (found,) = problems(result)
    assert found.startswith("cells.csv: has ") and "`chinwag report` writes it again" in found
    path.write_bytes(content.replace(b",limited_by,", b",ended_by,"))
    (found,) = problems(result)
    assert found.startswith("cells.csv: line 1: the head line is not run,")
    path.write_bytes(b"\xff")
    (found,) = problems(result)
    assert found.startswith("cells.csv: 'utf-8' codec can't decode")


def test_a_schema_of_other_cells(result: Path) -> None:
    path = result / "cells.schema.json"
    edit(path, lambda schema: schema["fields"].pop())
    assert problems(result) == [
        "cells.schema.json: is not this kit's: `chinwag report` writes it again"
    ]
    path.write_text("{")
    assert problems(result) == ["cells.schema.json: Input data was truncated"]
    path.unlink()
    (found,) = problems(result)
    assert found.startswith("cells.schema.json: can't be read: No such file or directory; `chinwag")


def test_a_run_of_an_older_kit_is_told_how_to_get_its_cells(result: Path) -> None:
    (result / "cells.schema.json").unlink()
    (result / "cells.csv").unlink()
    found = validate(result)
    assert (found.problems, found.cells_csv) == ([], False)
    assert f"no cells.csv (`chinwag report {result}` writes it): no problem" in found.summary()
    (result / "matrix.json").unlink()
    assert validate(result).cells_csv is None


def test_what_was_promised_and_not_measured(result: Path) -> None:
    path = result / "raw/memory.ndjson"
    column = json.loads(path.read_text().splitlines()[0])["column"]
    path.write_text("\n".join(path.read_text().splitlines()[1:]) + "\n")
    assert f"run.json: {column}: memory was not measured in 1 of the promised rounds" in problems(
        result
    )
    edit(result / "run.json", lambda run: run.update(finished_at=None))
    assert any("1 of " in one and "--resume" in one for one in problems(result))


def test_a_cell_that_was_measured_twice_and_is_no_repeat(result: Path) -> None:
    path = result / "raw/start.ndjson"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines, lines[0]]))
    record = json.loads(lines[0])
    cell = f"{record['column']}, round {record['round']}, start: measured in line 1 already"
    last = f"raw/start.ndjson:{len(lines) + 1}: {cell}"
    assert any(one.startswith(last) for one in problems(result)), problems(result)
    attempt = record["disturbance"].get("attempt", 1)
    edit(path, lambda one: one["disturbance"].update(attempt=attempt + 7), line=len(lines) + 1)
    assert not any("measured in line" in one for one in problems(result))


def test_a_column_that_stands_twice(result: Path) -> None:
    edit(result / "run.json", lambda run: run["columns"].append(run["columns"][0]))
    (first,) = [one["id"] for one in json.loads((result / "run.json").read_text())["columns"]][:1]
    assert f"run.json: column {first!r} stands there 2 times" in problems(result)


def test_a_directory_without_a_run_and_none_at_all(tmp_path: Path) -> None:
    assert problems(tmp_path) == ["run.json: can't be read: No such file or directory"]
    with pytest.raises(UsageError, match="is not a directory"):
        validate(tmp_path / "nowhere")

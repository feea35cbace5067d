"""A reference run is whole, and no cell that is kept of it was disturbed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from chinwag_bench.errors import UsageError
from chinwag_bench.records import Record
from chinwag_bench.runs.rawlog import append_record, read_records
from chinwag_bench.validation.reference import reference_problems, require_reference

from .conftest import Checkout
from .result_builder import build, change_run, quiet, rewrite

COMMITTED = Path(__file__).resolve().parents[2] / "results" / "reference"
STEAL = {"reasons": ["steal 10.9% of CPU time (limit 2%)"], "attempt": 1, "disturbed": True}


def disturb(directory: Path, metric: str, column: str, round_: int) -> Record:
    """Marks the records of one cell; returns the first."""

    def change(record: Any) -> Any:
        if (record.column, record.round) == (column, round_):
            record.disturbance = STEAL
        return record

    rewrite(directory, metric, change)
    found = read_records(directory / "raw" / f"{metric}.ndjson")
    return next(one for one in found if (one.column, one.round) == (column, round_))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return quiet(build(tmp_path / "run"))


def test_a_quiet_run_may_be_one(run: Path) -> None:
    assert reference_problems(run) == []
    require_reference(run)


def test_a_cell_that_stayed_disturbed_is_named(run: Path) -> None:
    disturb(run, "throughput", "go", 2)
    disturb(run, "latency", "rust", 1)
    first, *others = [problem.text() for problem in reference_problems(run)]
    assert first == (
        "raw/throughput.ndjson: throughput, go, round 2 stayed disturbed: "
        "steal 10.9% of CPU time (limit 2%)"
    )
    assert [text.partition(" stayed")[0] for text in others] == [
        f"raw/latency.ndjson: latency at the {point} rate, rust, round 1"
        for point in ("common", "half")
    ]
    with pytest.raises(UsageError, match="throughput, go, round 2 stayed disturbed"):
        require_reference(run)


def test_a_repeat_in_peace_is_what_is_kept(run: Path) -> None:
    disturbed = disturb(run, "throughput", "go", 2)
    again = msgspec.structs.replace(disturbed, disturbance={"reasons": [], "attempt": 2})
    append_record(run / "raw" / "throughput.ndjson", again)
    assert reference_problems(run) == []


def test_a_run_that_failed_a_check_is_none(run: Path) -> None:
    def corrupt(record: Any) -> Any:
        if record.best is not None:
            record.best.hold.corrupted = 9
        return record

    rewrite(run, "throughput", corrupt)
    (problem,) = reference_problems(run)
    assert problem.what.startswith(
        "the check 'Deliveries arrive once, in order, whole' failed: 0 duplicated, 0 reordered, "
    )
    with pytest.raises(UsageError, match="can't be a reference run"):
        require_reference(run)


def test_a_run_that_was_not_finished_is_none(run: Path) -> None:
    change_run(run, lambda facts: facts.update(finished_at=None))
    assert [problem.what for problem in reference_problems(run)] == ["the run was not finished"]


def test_validate_asks_for_it_on_demand(checkout: Checkout, run: Path) -> None:
    disturb(run, "throughput", "go", 2)
    assert "stayed disturbed" not in checkout.chinwag("validate", str(run)).stdout
    done = checkout.chinwag("validate", "--reference", str(run))
    assert done.returncode == 1
    assert "throughput, go, round 2 stayed disturbed" in done.stdout


def test_the_committed_run_may_be_called_a_reference() -> None:
    runs = [path.parent for path in COMMITTED.glob("*/run.json")]
    assert len(runs) == 1
    assert reference_problems(runs[0]) == []

"""What is known of a value lies between two sides, and no cell breaks a law of arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from chinwag_bench.judging.bounds import Bounds, are_scattered, of_latency
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import Cell, Matrix
from chinwag_bench.metrics.latency import Latency
from chinwag_bench.metrics.registry import ANY_RECORD
from chinwag_bench.metrics.storm import Storm
from chinwag_bench.metrics.throughput import Throughput
from chinwag_bench.records import Hold, Paced, Record, Step
from chinwag_bench.render import notes, text

from .result_builder import LATE, Side, build, hold, made_cell, rewrite

REFERENCE = Path(__file__).resolve().parents[2] / "results" / "reference"
LITTLE_TOLERANCE = 0.05


def limit(step: Step | None) -> None:
    assert step is not None
    step.hold = msgspec.structs.replace(step.hold, **LATE)


def limit_go(record: Record) -> Record:
    """As if the generator, not the server, had been the end of every measurement of one column."""
    if record.column == "go" and isinstance(record, Throughput):
        record.limited_by, record.lower_bound = "generator", True
        for step in (*record.steps, record.best):
            limit(step)
    elif record.column == "go" and isinstance(record, Paced):
        limit(record.step)
    elif record.column == "go" and isinstance(record, Storm):
        record.generator_cpu, record.generator_limited = 0.97, True
    return record


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    """Go is the slowest but one, and nobody knows what it could do."""
    result = build(tmp_path_factory.mktemp("bounds") / "run")
    for name in ("throughput", "latency", "broadcast", "storm"):
        rewrite(result, name, limit_go)
    return judge(result)


def cell_of(matrix: Matrix, row: str, column: str = "go") -> Cell:
    return next(c for c in matrix.cells if (c.row, c.column) == (row, column))


@pytest.mark.parametrize("row", ["throughput_deliveries", "throughput_messages"])
def test_a_search_that_the_generator_ended_is_open_above(limited: Matrix, row: str) -> None:
    cell = cell_of(limited, row)
    assert cell.is_open and cell.low == cell.value
    assert all(high is None for _, high in cell.bounds)
    assert cell.tie_with_best is None, "it may be the best, and nothing says that it is"


def test_what_ended_each_round_is_said(limited: Matrix) -> None:
    said = [notes.sentence(note) for note in cell_of(limited, "throughput_deliveries").notes]
    assert [one for one in said if "ended by the load generator, not by the server" in one]


def test_a_storm_at_the_generator_s_limit_is_open_below(limited: Matrix) -> None:
    cell = cell_of(limited, "storm")
    assert cell.low == 0.0 and cell.high == cell.value


def test_nobody_is_best_and_the_others_are_behind_as_ever(limited: Matrix) -> None:
    flags = {
        cell.column: cell.tie_with_best
        for cell in limited.cells
        if cell.row == "throughput_deliveries" and cell.value is not None
    }
    assert flags == {
        "chinwagd": None,
        "elixir": False,
        "rust": False,
        "go": None,
        "go (again)": False,
    }


def test_a_latency_lies_between_what_the_generator_s_lags_leave_and_what_was_read() -> None:
    plain = hold(1_000, {"p50": 3.0, "p99": 8.0, "max": 9.0, "mean": 3.0})
    assert of_latency(plain, "p99") == Bounds(8.0 - 0.11 - 0.15, 8.0)
    assert of_latency(plain, "p50") == Bounds(3.0 - 0.02 - 0.03, 3.0)
    timed = msgspec.structs.replace(plain, service_ms={"p50": 2.5, "p99": 6.5, "max": 9.4})
    assert of_latency(timed, "p99") == Bounds(6.5, 8.0)
    assert of_latency(timed, "max") == Bounds(9.0 - 0.9 - 1.1, 9.0), "what was timed is later"
    assert of_latency(plain, "p90") is None


@pytest.mark.parametrize(("service_ms", "low"), [(7.9, 7.74), (8.3, 7.74), (6.5, 6.5)])
def test_the_low_side_of_a_delay_is_the_lower_one_of_two(service_ms: float, low: float) -> None:
    """One read in 16 is timed by itself: their 99th percentile may be above that of all."""
    plain = hold(1_000, {"p50": 3.0, "p99": 8.0, "max": 9.0, "mean": 3.0})
    timed = msgspec.structs.replace(plain, service_ms={"p99": service_ms})
    assert of_latency(timed, "p99") == Bounds(pytest.approx(low), 8.0)


def test_rounds_that_contradict_each_other_are_scattered() -> None:
    stall = [Bounds(4.8, 8.7), Bounds(365, 382), Bounds(486, 488)]
    assert are_scattered(stall)
    assert not are_scattered([Bounds(0.3, 3.1), Bounds(0.9, 1.9), Bounds(1.4, 2.5)])
    assert not are_scattered([Bounds(100, float("inf")), Bounds(900, float("inf"))])


def test_the_cell_of_scattered_rounds_shows_them_one_by_one() -> None:
    cell = made_cell("common_p99", (4.8, 8.72), (365, 382), (486, 488))
    cell.scattered = True
    assert text.measured(cell) == "8.72 / 382 / 488"


@pytest.mark.parametrize(
    ("rounds", "shown"),
    [
        ([(1_598_000, None)] * 3, ">= 1,600,000"),
        ([(76_000, None), (87_900, 87_900), (93_000, 93_000)], "87,900 to 93,000"),
        ([(68_200, 68_200)] * 3, "68,200"),
        ([(0.0, 412.0)], "<= 412"),
    ],
)
def test_a_pair_reads_as_what_is_known(rounds: list[Side], shown: str) -> None:
    assert text.measured(made_cell("r", *rounds, unit="deliveries/s")) == shown


def sustained_holds(result: Path) -> Iterator[tuple[str, Hold]]:
    for name in ("throughput", "latency"):
        for line in (result / "raw" / f"{name}.ndjson").read_bytes().splitlines():
            record = msgspec.json.decode(line, type=ANY_RECORD)
            if isinstance(record, Throughput):
                steps = [*record.steps, *([record.best] if record.best else [])]
            else:
                assert isinstance(record, Latency)
                steps = [record.step] if record.step else []
            yield from ((record.column, step.hold) for step in steps if step.sustained)


def keeps_littles_law(hold: Hold) -> bool:
    """Worked out here from the raw figures, not by the judge's own code."""
    predicted = hold.little["predicted"]
    error = abs(hold.little["outstanding_mean"] - predicted)
    return error <= LITTLE_TOLERANCE * predicted + 3 * hold.little.get("standard_error", 0.0)


def delivers_no_more_than_was_offered(hold: Hold) -> bool:
    # At the ends of the window a message may fall to either side of it.
    offered = hold.offered_messages_per_s * 1.01 + 2 / hold.hold_s
    return (
        hold.delivered <= hold.expected
        and hold.messages_per_s <= offered
        and hold.deliveries_per_s <= hold.messages_per_s * hold.expected / hold.sent * 1.01
    )


def test_the_judge_says_of_the_reference_run_what_its_figures_say() -> None:
    """Of the committed run: every sustained hold, against the judge's own checks."""
    results = [path.parent for path in REFERENCE.rglob("run.json")]
    assert results, "no reference run is committed"
    for result in results:
        holds = [hold for _, hold in sustained_holds(result)]
        assert len(holds) > 20
        assert all(map(delivers_no_more_than_was_offered, holds))
        found = {check["name"]: check["ok"] for check in judge(result).checks}
        assert found["Delivered at most what was sent"] is True
        assert found["Little's law"] is all(map(keeps_littles_law, holds))


@pytest.mark.parametrize(
    ("check", "change"),
    [
        ("Delivered at most what was sent", {"delivered": 10**9}),
        (
            "Little's law",
            {"little": {"outstanding_mean": 1.06, "predicted": 1.0, "ratio": 1.06}},
        ),
        (
            "Little's law",
            {"little": {"outstanding_mean": 0.94, "predicted": 1.0, "ratio": 0.94}},
        ),
    ],
)
@pytest.mark.parametrize("source", ["throughput", "latency"])
def test_one_hold_that_breaks_a_law_is_found_wherever_it_is(
    tmp_path: Path, source: str, check: str, change: dict[str, object]
) -> None:
    result = build(tmp_path / "run")
    first = True

    def break_once(record: Record) -> Record:
        nonlocal first
        if first and record.column == "rust" and record.round == 2:
            first = False
            assert isinstance(record, Throughput | Latency)
            step = record.best if isinstance(record, Throughput) else record.step
            assert step is not None
            step.hold = msgspec.structs.replace(step.hold, **change)
        return record

    rewrite(result, source, break_once)
    found = {one["name"]: one for one in judge(result).checks}
    assert found[check]["ok"] is False
    assert "rust, round 2" in found[check]["text"]


def test_what_the_samples_own_error_explains_is_no_breach(tmp_path: Path) -> None:
    result = build(tmp_path / "run")

    def quiet(record: Record) -> Record:
        assert isinstance(record, Latency)
        assert record.step is not None
        record.step.hold.little |= {
            "outstanding_mean": 1.2, "predicted": 1.0, "ratio": 1.2, "standard_error": 0.08,
        }  # fmt: skip
        return record

    rewrite(result, "latency", quiet)
    found = {one["name"]: one["ok"] for one in judge(result).checks}
    assert found["Little's law"] is True

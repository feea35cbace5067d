"""Whatever was measured: a cell that the generator limited never loses, and no cell breaks a law
of arithmetic.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.ranking import Entry, rank
from chinwag_bench.judging.rows import SPECS
from chinwag_bench.judging.stats import median
from chinwag_bench.records import Cell, Hold, Latency, Matrix, Paced, Raw, Step, Storm, Throughput

from .result_builder import LIMITED, build, rewrite

REFERENCE = Path(__file__).resolve().parents[2] / "results" / "reference"
RATES = {spec.row.id for spec in SPECS if spec.is_rate and spec.source == "throughput"}
LATENCIES = {spec.row.id for spec in SPECS if spec.is_latency}
LITTLE_TOLERANCE = 0.05


def random_row(rng: random.Random, better: str) -> list[Entry]:
    """Two to seven columns, some of them bounds, in one to nine rounds."""
    entries = []
    rounds = rng.choice([1, 3, 9])
    for column in range(rng.randint(2, 7)):
        middle = rng.choice([1.0, 1.1, 2.0, 10.0])
        samples = [middle * rng.uniform(0.8, 1.25) for _ in range(rounds)]
        bound = rng.random() < 0.4
        cell = Cell(
            row="r",
            column=str(column),
            value=median(samples),
            unit="",
            interval=(min(samples), max(samples)) if len(samples) > 1 else None,
            lower_bound=bound and better == "higher",
            upper_bound=bound and better == "lower",
        )
        entries.append(Entry(cell, dict(enumerate(samples)), leads=rng.random() < 0.9))
    return entries


def reaches(bound: Entry, other: Entry, better: str) -> bool:
    """Whether the far end of an exact cell is at least as good as all that the bound proves."""
    low, high = other.cell.interval or (other.value, other.value)
    return high >= bound.value if better == "higher" else low <= bound.value


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_a_bound_never_loses_and_wins_only_beyond_every_leader(better: str) -> None:
    rng = random.Random(20260921)
    won = 0
    for _ in range(500):
        entries = random_row(rng, better)
        rank(entries, better, aa_spread=rng.choice([0.0, 0.05]), seed=1)  # type: ignore[arg-type]
        exact = [entry for entry in entries if not entry.is_bound]
        for bound in (entry for entry in entries if entry.is_bound):
            assert bound.cell.tie_with_best is not False
            if bound.cell.tie_with_best and exact:
                won += 1
                best = [entry for entry in exact if entry.leads and entry.cell.tie_with_best]
                assert not any(reaches(bound, entry, better) for entry in best)
        # The second name of an A/A is compared as well, but is not the one that wins or loses.
        for loser in (e for e in exact if e.leads and e.cell.tie_with_best is False):
            assert any(is_better(entry, loser, better) for entry in entries if entry is not loser)
    assert won > 10, "the rows are too tame to prove anything"


def is_better(entry: Entry, than: Entry, better: str) -> bool:
    return entry.value > than.value if better == "higher" else entry.value < than.value


def limit(step: Step | None) -> None:
    assert step is not None
    step.hold = msgspec.structs.replace(step.hold, **LIMITED)


def limit_go(record: Raw) -> Raw:
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


def test_every_generator_limited_cell_is_marked_and_none_is_ranked_last(limited: Matrix) -> None:
    cells = [c for c in limited.cells if c.column == "go" and c.row in RATES | LATENCIES]
    assert {cell.row for cell in cells} >= {"throughput_deliveries", "common_p99", "half_p99"}
    for cell in cells:
        assert cell.lower_bound if cell.row in RATES else cell.upper_bound, cell.row
        assert cell.limited_by == "generator"
        assert any(note.startswith("generator-limited: CPU 0.97") for note in cell.notes)
        assert cell.tie_with_best is not False


def test_what_the_generator_did_not_limit_is_ranked_as_ever(limited: Matrix) -> None:
    flags = {
        cell.column: cell.tie_with_best
        for cell in limited.cells
        if cell.row == "throughput_deliveries" and not cell.lower_bound and cell.value is not None
    }
    assert flags == {"elixir": False, "rust": False, "go (again)": False}, "chinwagd beats them"


def test_the_order_of_limited_cells_is_left_open(limited: Matrix) -> None:
    bounds = [c for c in limited.cells if c.row == "throughput_deliveries" and c.lower_bound]
    assert {cell.column for cell in bounds} == {"chinwagd", "go"}
    for cell in bounds:
        assert cell.tie_with_best is None
        assert "the order among bounds is not known" in cell.notes


def sustained_holds(result: Path) -> Iterator[tuple[str, Hold]]:
    for name in ("throughput", "latency"):
        for line in (result / "raw" / f"{name}.ndjson").read_bytes().splitlines():
            record = msgspec.json.decode(line, type=Raw)
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

    def break_once(record: Raw) -> Raw:
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

    def quiet(record: Raw) -> Raw:
        assert isinstance(record, Latency)
        assert record.step is not None
        record.step.hold.little |= {
            "outstanding_mean": 1.2, "predicted": 1.0, "ratio": 1.2, "standard_error": 0.08,
        }  # fmt: skip
        return record

    rewrite(result, "latency", quiet)
    found = {one["name"]: one["ok"] for one in judge(result).checks}
    assert found["Little's law"] is True

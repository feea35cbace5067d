"""Loads beside the main one: cells of their own, a common rate each, rows that name the load."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import Cell, Matrix, NearCeiling
from chinwag_bench.judging.near_ceiling import near_any_ceiling
from chinwag_bench.load_profile import load_profile
from chinwag_bench.machine.cpu_plan import plan_cpus
from chinwag_bench.machine.open_files import raise_limit
from chinwag_bench.metrics import load_latency, load_throughput
from chinwag_bench.metrics.cell import Place, Site
from chinwag_bench.metrics.load_latency import LoadLatency
from chinwag_bench.metrics.load_throughput import LoadThroughput
from chinwag_bench.metrics.metric import Visit
from chinwag_bench.records import Calibration, Ceiling, Record, Run, Step
from chinwag_bench.render import text
from chinwag_bench.render.markdown import document as markdown
from chinwag_bench.runs.plan import make_plan
from chinwag_bench.runs.profile import load_run_profile
from chinwag_bench.runs.store import RunStore
from chinwag_bench.validation import validate

from .result_builder import CLOCK, build, fail, hold

TINY = load_run_profile(str(Path(__file__).parent / "fixtures" / "tiny.toml"))
PLAIN = {"started_at": CLOCK, "seconds": 9.0, "status": "ok"}
CALM = {"mean": 1.0, "p50": 1.0, "p90": 2.0, "p99": 4.0, "p99_9": 6.0, "max": 9.0}
SETTINGS = {
    "load_throughput": {"repeats": 1, "start_deliveries_per_s": {"direct": 9.0, "poisson": 9.0}},
    "load_latency": {"repeats": 1, "profiles": ["direct", "poisson"], "at_main_rate": ["poisson"]},
}
RATES = {"chinwagd": 400_000.0, "elixir": 90_000.0, "go": 120_000.0, "rust": 121_000.0}


def step(rate: float, p99_ms: float = 4.0, cpu_us: float = 5.0) -> Step:
    found = hold(rate, CALM | {"p99": p99_ms, "p99_9": 2 * p99_ms, "max": 3 * p99_ms})
    return Step(
        hold=found,
        server_cpu_s=cpu_us * found.delivered / 1e6,
        cpu_us_per_delivery=cpu_us,
        sustained=True,
    )


def searched(column: str, load: str, rate: float, number: int = 1) -> LoadThroughput:
    """It kept 100 ms at a step below the rate that it sustained, and failed at a step above it."""
    best, above = step(rate, p99_ms=300.0), step(rate * 1.15)
    fail(above)
    return LoadThroughput(
        **PLAIN,
        column=column,
        round=number,
        load=load,
        connections=1000,
        steps=[step(rate / 1.15, p99_ms=40.0), best, above],
        best=best,
        limited_by="latency",
    )


def held(column: str, load: str, rate: float, p99_ms: float, cpu_us: float) -> LoadLatency:
    return LoadLatency(
        **PLAIN,
        column=column,
        round=1,
        load=load,
        connections=1000,
        deliveries_per_s=rate,
        step=step(rate, p99_ms, cpu_us),
    )


def with_loads(folder: Path, more: list[Record] | None = None) -> Path:
    """A made-up run that measured two loads besides, the same ones every time."""
    build(folder)
    found: list[Record] = []
    for column, rate in [*RATES.items(), ("go (again)", 122_000.0)]:
        for load in ("direct", "poisson"):
            found.append(searched(column, load, rate / (1 if load == "direct" else 2)))
            found.append(held(column, load, 20_000.0, 1e6 / rate, 4e5 / rate))
    for record in found + (more or []):
        name = str(record.__struct_config__.tag)
        with (folder / "raw" / f"{name}.ndjson").open("ab") as file:
            file.write(msgspec.json.encode(record) + b"\n")
    run = msgspec.json.decode((folder / "run.json").read_bytes(), type=Run)
    run.plan["settings"] = run.plan["settings"] | SETTINGS
    one_to_one = {"room": 0.0, "direct": 1.0}
    loads = run.plan["loads"]
    loads["direct"] = loads["article"] | {"description": "One to one only", "mix": one_to_one}
    loads["poisson"] = loads["article"] | {
        "description": "At random moments",
        "mix": {"room": 0.5, "direct": 0.5},
        "rooms_per_connection": 1,
        "room_size": 100,
    }
    run.common_rates_of_loads = {"direct": 20_000.0, "poisson": 20_000.0}
    (folder / "run.json").write_bytes(msgspec.json.encode(run))
    return folder


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    return judge(with_loads(tmp_path_factory.mktemp("loads") / "run"))


def cell(matrix: Matrix, row: str, column: str) -> Cell:
    (found,) = [one for one in matrix.cells if (one.row, one.column) == (row, column)]
    return found


def test_each_load_s_rows_stand_together_under_its_name(matrix: Matrix) -> None:
    groups = [row.group for row in matrix.rows]
    assert groups.count("Load direct") == 5
    assert groups.count("Load poisson") == 6
    first = groups.index("Load direct")
    assert groups[first : first + 11] == ["Load direct"] * 5 + ["Load poisson"] * 6
    assert all(
        "One to one only" in row.definition for row in matrix.rows if row.group == "Load direct"
    )


def test_a_run_without_other_loads_has_no_such_rows(tmp_path: Path) -> None:
    assert not [row for row in judge(build(tmp_path / "run")).rows if "Load" in row.group]


def test_a_search_gives_both_sides_and_ranks_by_the_rules_of_all(matrix: Matrix) -> None:
    row = "load_direct_deliveries"
    go = cell(matrix, row, "go")
    assert go.value == pytest.approx(120_000)
    assert go.bounds == [(120_000, 120_000)]
    assert cell(matrix, row, "chinwagd").tie_with_best is True
    assert [cell(matrix, row, name).tie_with_best for name in ("elixir", "go", "rust")] == [
        False
    ] * 3
    assert {note.code for note in go.notes} == {"connections", "one_round"}


def test_what_time_ended_is_known_up_to_the_rate_that_failed(tmp_path: Path) -> None:
    """As a figure of its own it would look as if the server had ended it."""
    cut = searched("go", "direct", 120_000.0)
    cut.limited_by = "time"
    found = cell(judge(with_loads(tmp_path / "run", [cut])), "load_direct_deliveries", "go")
    assert found.rounds == 1 and found.limited_by in ("time", "latency, time", "latency")
    assert (found.low, found.high) == (120_000, pytest.approx(138_000, rel=0.01))
    assert text.measured(found) == "120,000 to 138,000"


def test_a_difference_within_a_single_round_s_margin_is_a_tie(tmp_path: Path) -> None:
    """As in every row: 10 % of one round may be noise."""
    folder = with_loads(tmp_path / "run", [searched("chinwagd", "direct", 126_000.0)])
    made = judge(folder)
    row = "load_direct_deliveries"
    ranks = {name: cell(made, row, name).tie_with_best for name in RATES}
    assert ranks == {"chinwagd": True, "elixir": False, "go": True, "rust": True}


def test_the_rate_within_100_ms_comes_from_the_load_s_own_holds(matrix: Matrix) -> None:
    found = cell(matrix, "load_direct_rate_p99_100", "go")
    assert found.value == pytest.approx(120_000 / 1.15, rel=1e-3)
    assert found.high == pytest.approx(120_000 / 1.15, rel=0.16)
    half = cell(matrix, "load_poisson_rate_p99_100", "go")
    assert half.value == pytest.approx(60_000 / 1.15, rel=1e-3)


def test_no_hold_of_another_load_is_among_the_points_of_the_main_one(
    matrix: Matrix, tmp_path: Path
) -> None:
    plain = judge(build(tmp_path / "run"))
    assert matrix.rate_points == plain.rate_points
    kept = {row.id for row in plain.rows}
    assert [one for one in matrix.cells if one.row in kept] == plain.cells


def test_cpu_and_p99_are_at_the_load_s_common_rate(matrix: Matrix) -> None:
    assert cell(matrix, "load_direct_rate", "go").value == pytest.approx(20_000)
    assert cell(matrix, "load_direct_cpu_per_delivery", "go").value == pytest.approx(4e5 / 120_000)
    assert cell(matrix, "load_direct_p99", "go").value == pytest.approx(1e6 / 120_000)
    assert cell(matrix, "load_direct_p99", "chinwagd").tie_with_best is True
    assert cell(matrix, "load_direct_p99", "elixir").tie_with_best is False


def test_random_arrivals_stand_beside_even_ones_at_the_same_rate(matrix: Matrix) -> None:
    rows = [row.id for row in matrix.rows if row.group == "Load poisson"]
    assert rows[-2:] == ["load_poisson_p99", "load_poisson_even_p99"]
    for column in RATES:
        even, main = (
            cell(matrix, "load_poisson_even_p99", column),
            cell(matrix, "common_p99", column),
        )
        assert (even.value, even.bounds) == (main.value, main.bounds)
        assert even.tie_with_best is None


def test_the_table_in_words_has_the_rows_with_their_load(matrix: Matrix) -> None:
    text = markdown(matrix)
    assert "Load direct" in text
    assert "Load poisson" in text
    assert "Least CPU a delivery: to one user (direct): chinwagd (" in text
    assert "a room of 100 each (poisson): chinwagd" in text


def test_the_checks_look_at_these_holds_too(tmp_path: Path) -> None:
    broken = held("go", "direct", 20_000.0, 5.0, 5.0)
    assert broken.step is not None
    broken.step.hold.duplicated = 3
    made = judge(with_loads(tmp_path / "run", [broken]))
    (check,) = [
        one for one in made.checks if one["name"] == "Deliveries arrive once, in order, whole"
    ]
    assert not check["ok"]
    assert "go, round 1, direct" in check["text"]


def test_a_missing_round_of_a_load_and_a_wrong_sum_are_found(tmp_path: Path) -> None:
    wrong = held("rust", "direct", 20_000.0, 5.0, 5.0)
    assert wrong.step is not None
    wrong.step.cpu_us_per_delivery = 1.0
    found = validate(with_loads(tmp_path / "run", [wrong]))
    assert [p for p in found.problems if "us each, not 1" in p.what]


def test_a_rate_near_the_generator_s_own_is_named_with_its_load() -> None:
    ceiling = Ceiling(load="direct", connections=1000, deliveries_per_s=400_000.0)
    known = Calibration(server="x", started_at=0, seconds=1, ceilings=[ceiling])
    cells = [
        Cell(row="load_direct_deliveries", column="a", unit="deliveries/s", value=390_000.0),
        Cell(row="load_direct_deliveries", column="b", unit="deliveries/s", value=90_000.0),
        Cell(row="throughput_deliveries", column="b", unit="deliveries/s", value=390_000.0),
    ]
    assert near_any_ceiling(known, ["article"], ["direct"], cells) == [
        NearCeiling(column="a", row="load_direct_deliveries", share=0.975, load="direct")
    ]


def test_every_load_has_cells_of_its_own_in_every_round(checkout, toy) -> None:
    table = msgspec.structs.replace(TINY.load_throughput, repeats=2)
    plan = make_plan(msgspec.structs.replace(TINY, load_throughput=table), [toy], seed=1)
    searches = plan.of("load_throughput")
    assert Counter((one.load, one.round) for one in searches) == Counter(
        {(load, number): 1 for load in ("direct", "poisson") for number in (1, 2)}
    )
    assert searches[0].text == "load_throughput direct, toy, round 1"
    assert len({one.key for one in plan.cells}) == len(plan.cells)


@pytest.fixture
def visit(checkout, toy, tmp_path):
    """Makes the visit of a cell on a real server, with the fake generator."""
    site = Site(
        folder=tmp_path / "results",
        generator=checkout.generator,
        cpus=plan_cpus(),
        seed=1,
        open_files=raise_limit(),
    )
    run = Run(
        id="x",
        profile="tiny",
        seed=1,
        started_at=0.0,
        command="",
        git_commit=None,
        kit_version="0",
        columns=[],
        machine={},
        plan={},
    )
    loads = {name: load_profile(checkout.workspace, name) for name in ("direct", "poisson")}

    def make(metric: object, name: str, records: list[Record]) -> Visit:
        place = Place(site=site, target=toy, round=1, metric=metric.name)
        settings = TINY.of(metric)
        return Visit(
            place=place, settings=settings, loads=loads, run=run, records=records, load_name=name
        )

    return make


def test_a_cell_searches_under_its_load_and_is_hinted_by_that_load_alone(visit) -> None:
    metric = load_throughput.METRIC
    (record,) = metric.measure(visit(metric, "direct", []))
    assert (record.load, record.connections, record.status) == ("direct", 10, "ok")
    assert record.best is not None
    (other,) = metric.measure(visit(metric, "poisson", [record]))
    (again,) = metric.measure(visit(metric, "direct", [record]))
    assert len(other.steps) == len(record.steps)
    assert len(again.steps) < len(record.steps)
    assert metric.describe(record).startswith("direct: ")


def test_a_hold_is_made_at_the_load_s_common_rate(visit) -> None:
    metric = load_latency.METRIC
    found = visit(metric, "direct", [])
    found.run.common_rates_of_loads = {"direct": 1000.0}
    (record,) = metric.measure(found)
    assert record.step.hold.deliveries_per_s == pytest.approx(1000, rel=0.02)
    assert (record.load, record.deliveries_per_s) == ("direct", 1000.0)


def test_each_load_s_rate_is_fixed_once_from_its_own_searches(visit) -> None:
    run = visit(load_latency.METRIC, "direct", []).run
    run.common_rate_deliveries_per_s = 7_000.0
    rng = random.Random(1)
    records = [searched(c, "direct", r * rng.uniform(1, 1.1)) for c, r in RATES.items()]
    said = load_latency.fix_common_rates(run, records, TINY.load_latency)
    low = min(one.best.hold.deliveries_per_s for one in records)
    assert run.common_rates_of_loads == {"direct": pytest.approx(low / 2), "poisson": 7_000.0}
    assert "poisson 7,000" in said
    kept = dict(run.common_rates_of_loads)
    assert load_latency.fix_common_rates(run, records[:1], TINY.load_latency) is None
    assert run.common_rates_of_loads == kept


def test_a_load_that_nobody_sustained_is_held_at_the_lowest_and_noted(visit) -> None:
    run = visit(load_latency.METRIC, "direct", []).run
    load_latency.fix_common_rates(run, [], TINY.load_latency)
    assert run.common_rates_of_loads["direct"] == TINY.load_latency.common_deliveries_per_s_min
    assert "no column sustained any rate of direct: it is held at the lowest" in run.notes


def test_a_whole_run_measures_them_and_its_page_shows_them(checkout, toy) -> None:
    tiny = str(Path(__file__).parent / "fixtures" / "tiny.toml")
    done = checkout.chinwag("matrix", "--profile", tiny, "--servers", "toy")
    assert done.returncode == 0, done.stderr
    (folder,) = (checkout.root / "results").glob("*")
    records = RunStore.reopen(folder).records()
    measured = Counter((r.__struct_config__.tag, r.load) for r in records if r.load)
    names = ("load_throughput", "load_latency")
    assert measured == {(name, load): 2 for name in names for load in ("direct", "poisson")}
    assert "Load direct" in (folder / "report.html").read_text()
    assert "Load poisson" in (folder / "matrix.md").read_text()
    # The fake generator writes no histograms.
    assert [p for p in validate(folder).problems if not p.file.endswith(".hlog")] == []

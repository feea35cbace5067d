"""What a reader concludes from cells, tallies and short tables is what the records show."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest
from chinwag_bench.compare.difference import difference
from chinwag_bench.judging.aa import differences
from chinwag_bench.judging.bounds import Bounds
from chinwag_bench.judging.curves import QUANTILES, all_curves
from chinwag_bench.judging.evidence import load
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import Cell, Matrix, Row
from chinwag_bench.judging.ranking import Entry, rank
from chinwag_bench.judging.rows import SPECS
from chinwag_bench.metrics.latency import Latency
from chinwag_bench.metrics.throughput import Throughput
from chinwag_bench.paths import Workspace
from chinwag_bench.records import Column, Effort, Record
from chinwag_bench.render import advice, glance, headline, text
from chinwag_bench.servers.catalog import discover

from .result_builder import append, build, fail, made_cell, rewrite

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def result(tmp_path: Path) -> Path:
    return build(tmp_path / "run")


@pytest.fixture
def matrix(result: Path) -> Matrix:
    return judge(result)


def test_who_has_one_thread_is_told_to_the_page(matrix: Matrix) -> None:
    told = {column.id: found["one_thread"] for column, found in advice.candidates(matrix)}
    assert told == {"chinwagd": True, "elixir": False, "go": False, "rust": False}


def test_a_cut_round_that_the_others_outweigh_leaves_a_tie_a_tie() -> None:
    best = made_cell("r", 100, 101, 99, column="a", unit="1/s")
    cut = made_cell("r", (90, None), 99, 98, column="b", unit="1/s")
    sides = {1: Bounds(90, math.inf), 2: Bounds(99, 99, 113), 3: Bounds(98, 98, 112)}
    exact = {number: Bounds(value, value) for number, value in ((1, 100), (2, 101), (3, 99))}
    rank([Entry(best, exact), Entry(cut, sides)], "higher", apart=1.0)
    assert (best.tie_with_best, cut.tie_with_best) == (True, True)


def test_rounds_that_contradict_each_other_are_judged_so(result: Path) -> None:
    def stall(record: Record) -> Record:
        assert isinstance(record, Latency)
        if (record.column, record.round, record.point) == ("go", 2, "common"):
            assert record.step is not None
            record.step.hold.latency_ms["p99"] = 753.0
        return record

    rewrite(result, "latency", stall)
    found = next(c for c in judge(result).cells if (c.row, c.column) == ("common_p99", "go"))
    assert found.scattered
    assert "/ 753 /" in text.measured(found)


def test_a_row_whose_a_a_differs_more_than_twice_has_no_best(result: Path) -> None:
    def drift(record: Record) -> Record:
        assert isinstance(record, Throughput)
        if record.column == "go (again)":
            for step in [*record.steps, *([record.best] if record.best else [])]:
                step.hold.deliveries_per_s /= 2.5
                step.hold.offered_messages_per_s /= 2.5
                step.hold.sent = round(step.hold.sent / 2.5)
                step.hold.expected = step.hold.delivered = round(step.hold.delivered / 2.5)
        return record

    rewrite(result, "throughput", drift)
    found = judge(result)
    assert headline.LEADING_ROW in found.aa["unranked"]
    assert {c.tie_with_best for c in found.cells if c.row == headline.LEADING_ROW} == {None}
    assert headline.headline(found).startswith("Nobody is ranked by throughput")


def test_what_a_disturbed_round_did_not_keep_is_no_refusal(result: Path) -> None:
    """And what it kept in spite of that is a rate that the server carries."""
    seen: list[Throughput] = []

    def disturb(record: Record) -> Record:
        assert isinstance(record, Throughput)
        if (record.column, record.round) == ("go", 1):
            seen.append(msgspec.json.decode(msgspec.json.encode(record), type=Throughput))
            record.disturbance = {"reasons": ["steal"], "attempt": 1}
            fail(record.steps[1])
            record.best = None
            record.steps[0].hold.offered_messages_per_s *= 0.5
        return record

    rewrite(result, "throughput", disturb)
    append(result, "throughput", seen[0])
    points = [one for one in judge(result).rate_points if one.column == "go" and one.round == 1]
    in_spite = seen[0].steps[0].hold.offered_messages_per_s * 0.5
    rates = {round(one.deliveries_per_s): one.kept for one in points}
    each = seen[0].steps[0].hold.expected / seen[0].steps[0].hold.sent
    assert rates[round(in_spite * each)] is True
    assert len(points) == len({id(one) for one in points}) == 6
    assert sum(one.by_server for one in points) == 1


@pytest.mark.parametrize(
    ("limited_by", "said"),
    [
        ("generator", "ended by the load generator"),
        ("open files", "ended by open files"),
        ("time", "ended by the run's time"),
        ("cap", "ended by the run's limits"),
    ],
)
def test_an_open_cell_is_compared_by_what_really_ended_it(limited_by: str, said: str) -> None:
    row = Row(id="r", title="R", unit="connections", better="higher", definition="", group="G")
    cells: list[Cell] = []
    for _ in range(2):
        cell = made_cell("r", (10, None), (11, None), unit="connections")
        cell.limited_by = limited_by
        cells.append(cell)
    found = difference(row, (cells[0], cells[1]), aa_spread=0.0, rates=None, seed=1)
    assert found.kind == "unclear"
    assert said in found.reason


def test_the_short_table_shows_rows_that_compare_servers(matrix: Matrix) -> None:
    """Under one load for all, which the head tells."""
    heads = glance.heads(matrix)
    rows = {row.id: row for row in matrix.rows}
    assert all(rows[head.row].better != "none" for head in heads)
    assert "common_cpu_per_delivery" in {head.row for head in heads}
    for head in heads:
        if head.row.startswith("common_"):
            assert "at 20,000/s" in head.unit
        elif rows[head.row].unit == "deliveries/s":
            assert "p99 <= " in head.unit


def test_no_row_shows_how_long_a_build_took() -> None:
    """Of several builds in one tree each finds what another one made, and one fetches for all."""
    built = Effort(build_cold_s=0.5, build_warm_s=0.1)
    assert [s.row.id for s in SPECS if s.source == "effort" and s.bounds(built) is not None] == []


def test_nothing_is_said_of_half_of_a_server_s_own_rate(result: Path) -> None:
    """That is saturation still, of a server that batches."""
    assert "half" not in {spec.source for spec in SPECS}
    assert {curve.point for curve in all_curves(load(result))} == {"common"}


def test_no_curve_goes_where_fewer_than_ten_messages_lie(result: Path) -> None:
    """Of all rounds; deliveries of one message are one event."""
    evidence = load(result)
    curves = all_curves(evidence)
    assert curves
    for curve in curves:
        records = [one for one in evidence.of("common", curve.column) if isinstance(one, Latency)]
        messages = sum(one.step.hold.sent for one in records if one.step is not None)
        stated = [quantile for quantile, _ in curve.points if quantile < 1]
        assert min(messages * (1 - quantile) for quantile in stated) > 10 - 1e-6
        beyond = [quantile for quantile in QUANTILES if quantile not in stated]
        assert beyond and all(messages * (1 - quantile) < 10 for quantile in beyond)


def test_effort_is_read_by_nobody_as_a_race() -> None:
    """Lines of code are bounded by the project's own rules."""
    assert {s.row.better for s in SPECS if s.source == "effort"} == {"none"}


@pytest.mark.parametrize(
    ("column", "threads"),
    [
        ("chinwagd", "one"),
        ("cpp-beast", "one"),
        ("node-ws", "one"),
        ("node-socketio", "one"),
        ("go", "cores"),
        ("rust", "cores"),
        ("elixir", "cores"),
    ],
)
def test_a_manifest_says_whether_a_second_core_is_of_use(column: str, threads: str) -> None:
    assert discover(Workspace(ROOT)).target(column).server.manifest.threads == threads


def test_a_row_that_prints_a_difference_of_more_than_twice_ranks_nobody_however_unsure() -> None:
    """The sides of both leave open whether it is: what is printed, and the threshold made of it,
    are 2.35, and a reader who sees them expects no best."""
    row = next(spec for spec in SPECS if spec.row.id == "common_p99")
    samples = {
        ("common_p99", "go"): {1: Bounds(1.5, 2.0)},
        ("common_p99", "go (again)"): {1: Bounds(3.0, 5.5)},
    }
    columns = [
        Column(id="go", server="go", variant="default", title="Go", language="Go"),
        Column(
            id="go (again)", server="go", variant="default", title="Go", language="Go", aa_of="go"
        ),
    ]
    found = differences(columns, [row], samples)
    assert round(found["range"]["common_p99"][1], 2) == 2.35
    assert found["unranked"] == ["common_p99"]

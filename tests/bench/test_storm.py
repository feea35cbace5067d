"""The reconnect storm: what a cell records of it, what a row makes of the record, and what happens
to it on a set-up that something else has used before.
"""

import msgspec
import pytest
from chinwag_bench.judging.cells import measured
from chinwag_bench.judging.evidence import Evidence
from chinwag_bench.judging.rows import SPECS
from chinwag_bench.load_profile import load_profile
from chinwag_bench.machine.cpu_plan import plan_cpus
from chinwag_bench.machine.open_files import raise_limit
from chinwag_bench.metrics import storm
from chinwag_bench.metrics.cell import Place, Site
from chinwag_bench.metrics.metric import Visit
from chinwag_bench.records import Column, Run, Storm
from chinwag_bench.render.notes import sentence

LAST = storm.LastStorm(settle_s=0.0, planned_s=1.0, timeout_s=5.0)
SETTINGS = storm.Settings(load="idle", connections=10, setup_s=1.0, repeats=2, storm=LAST)
GO = Column(id="go", server="go", variant="default", title="Go", language="Go")


@pytest.fixture
def visit(checkout, toy, tmp_path):
    site = Site(
        folder=tmp_path / "results",
        generator=checkout.generator,
        cpus=plan_cpus(),
        seed=1,
        open_files=raise_limit(),
    )
    place = Place(site=site, target=toy, round=1, metric="storm")
    loads = {"idle": load_profile(checkout.workspace, "idle")}
    return Visit(place=place, settings=SETTINGS, loads=loads, run=None, records=[])


def measure(visit):
    (record,) = storm.METRIC.measure(visit)
    return record


def test_a_cell_records_what_the_generator_saw(visit):
    record = measure(visit)
    assert (record.connections, record.joined, record.refused) == (10, 10, 0)
    assert (record.total_s, record.rejoin_ms["p99"]) == (0.4, 390.0)
    assert (record.status, record.reason, record.generator_limited) == ("ok", None, False)
    assert storm.METRIC.describe(record) == "10 connections back in 0.40 s, p99 390 ms"


def test_refusals_are_told_with_their_reason(visit, monkeypatch):
    monkeypatch.setenv("FAKE_FAULT", "storm-refuse")
    record = measure(visit)
    assert (record.status, record.joined, record.refused) == ("ok", 8, 2)
    assert record.reason == "2 of 10 refused: HTTP 503"


def test_a_generator_at_its_limit_is_noted(visit, monkeypatch):
    monkeypatch.setenv("FAKE_FAULT", "storm-busy")
    record = measure(visit)
    assert record.generator_limited
    assert "back in <= 0.40 s" in storm.METRIC.describe(record)


def test_a_storm_has_sources_for_ports_that_are_not_free_yet():
    assert [storm.sources(count) for count in (10, 4_000, 4_001, 10_000)] == [1, 1, 2, 3]


def test_each_repeat_is_a_round_and_its_time_is_planned():
    assert SETTINGS.rounds(9) == 2
    assert SETTINGS.planned_s == 2.0
    assert SETTINGS.loads() == {"idle"}


RECORDED = [
    Storm(
        column="go",
        round=number,
        started_at=0.0,
        seconds=2.0,
        status="ok",
        connections=10_000,
        joined=10_000,
        total_s=total_s,
        rejoin_ms={"mean": 900.0, "p50": 1_000.0 + number, "p99": 1_900.0, "max": 2_000.0},
        generator_cpu=0.5,
    )
    for number, total_s in enumerate([2.0, 1.5, 4.0], start=1)
]


def cell_of(row, records, tmp_path):
    run = msgspec.convert(
        dict.fromkeys(("id", "profile", "command", "kit_version"), "x")
        | {"seed": 1, "started_at": 0.0, "git_commit": None}
        | {"columns": [], "machine": {}, "plan": {}},
        type=Run,
    )
    evidence = Evidence(tmp_path, run, {"storm": records})
    (spec,) = [spec for spec in SPECS if spec.row.id == row]
    cell, _ = measured(spec, GO, evidence)
    return cell


def test_a_row_is_the_median_of_its_rounds_in_milliseconds(tmp_path):
    cell = cell_of("storm", RECORDED, tmp_path)
    assert (cell.value, cell.interval, cell.unit) == (2_000.0, (1_500.0, 4_000.0), "ms")
    assert [sentence(note) for note in cell.notes] == ["with 10,000 connections"]
    assert cell_of("storm_p50", RECORDED, tmp_path).value == 1_002.0
    assert cell_of("storm_p99", RECORDED, tmp_path).value == 1_900.0


def test_a_storm_that_left_somebody_out_has_no_time(tmp_path):
    """Time until all are back, when not all are, would flatter who refuses early."""
    refused = msgspec.structs.replace(
        RECORDED[0], refused=3, joined=9_997, reason="3 of 10,000 refused: HTTP 503"
    )
    for row in ("storm", "storm_p99"):
        cell = cell_of(row, [refused], tmp_path)
        assert (cell.value, sentence(cell.reason)) == (None, "3 of 10,000 refused: HTTP 503")


def test_a_storm_at_the_generator_s_limit_is_open_below(tmp_path):
    limited = msgspec.structs.replace(RECORDED[0], generator_cpu=0.95, generator_limited=True)
    cell = cell_of("storm", [limited], tmp_path)
    assert (cell.low, cell.high, cell.value) == (0.0, 2_000.0, 2_000.0)

"""The reconnect storm: what a cell records of it, what a row makes of the record, and what happens
to it on a set-up that something else has used before.
"""

import msgspec
import pytest
from chinwag_bench.judging.cells import measured
from chinwag_bench.judging.evidence import Evidence
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.repeats import kept
from chinwag_bench.judging.rows import SPECS
from chinwag_bench.load_profile import load_profile
from chinwag_bench.machine.cpu_plan import plan_cpus
from chinwag_bench.machine.listen_queue import QueueCounts, longest_backlog
from chinwag_bench.machine.open_files import raise_limit
from chinwag_bench.metrics import storm
from chinwag_bench.metrics.cell import Place, Site
from chinwag_bench.metrics.metric import Visit
from chinwag_bench.metrics.storm import Storm
from chinwag_bench.records import Column, Run
from chinwag_bench.render.notes import sentence

from .result_builder import build, rewrite

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


def test_what_the_kernel_dropped_meanwhile_is_recorded_and_spoils_the_storm(visit, monkeypatch):
    monkeypatch.setenv("FAKE_FAULT", "storm-crowd")
    record = measure(visit)
    assert record.backlog == longest_backlog()
    assert record.listen_queue.overflows > 0
    (why,) = record.spoilt_by()
    assert why.startswith(f"the listen queue of {record.backlog:,} overflowed: ")
    assert storm.METRIC.describe(record).endswith(why)


def test_whom_a_full_queue_kept_out_is_told_so(visit, monkeypatch):
    """Somebody who is not back in time, and the reason that is no server's."""
    monkeypatch.setenv("FAKE_FAULT", "storm-refuse")
    counted = iter([QUIET, OVERFLOWED])
    monkeypatch.setattr(storm, "count_queues", lambda: next(counted))
    record = measure(visit)
    assert record.reason == (
        f"2 of 10 refused: HTTP 503; the listen queue of {record.backlog:,} overflowed: 7 drops, "
        "5 connection requests sent again"
    )


def test_a_machine_that_shows_no_counters_has_a_storm_all_the_same(visit, monkeypatch):
    monkeypatch.setattr(storm, "count_queues", lambda: None)
    record = measure(visit)
    assert (record.status, record.listen_queue, record.spoilt_by()) == ("ok", None, [])


def test_a_storm_has_sources_for_ports_that_are_not_free_yet():
    assert [storm.sources(count) for count in (10, 4_000, 4_001, 10_000)] == [1, 1, 2, 3]


def test_each_repeat_is_a_round_and_its_time_is_planned():
    assert SETTINGS.rounds(9) == 2
    assert SETTINGS.planned_s == 2.0
    assert SETTINGS.loads() == {"idle"}


QUIET = QueueCounts(overflows=0, drops=0, syn_retransmissions=0)
OVERFLOWED = QueueCounts(overflows=6, drops=7, syn_retransmissions=5)
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


def of_queue(record, queue, **change):
    return msgspec.structs.replace(record, backlog=4_096, listen_queue=queue, **change)


def test_that_a_queue_held_is_told_once_and_ranks(tmp_path):
    cell = cell_of("storm", [of_queue(one, QUIET) for one in RECORDED], tmp_path)
    assert [sentence(note) for note in cell.notes] == [
        "with 10,000 connections",
        "the listen queue of 4,096 was never full",
    ]
    assert cell.may_rank


def test_a_storm_whose_queue_overflowed_has_a_value_that_ranks_nobody(tmp_path):
    records = [of_queue(RECORDED[0], OVERFLOWED), *RECORDED[1:]]
    for row in ("storm", "storm_p50", "storm_p99"):
        cell = cell_of(row, records, tmp_path)
        assert cell.value is not None
        assert not cell.may_rank
        assert sentence(cell.notes[1]) == (
            "ranks nobody: in round 1 the listen queue of 4,096 overflowed (7 drops), and 5 "
            "connection requests were sent again 1 s or more later: this times the kernel's timer"
        )


def test_of_two_attempts_the_one_that_nothing_spoilt_counts():
    first, second = (of_queue(RECORDED[0], queue) for queue in (QUIET, OVERFLOWED))
    assert kept([first, second]) == [first]
    assert kept([second, first]) == [first]
    both = [of_queue(RECORDED[0], OVERFLOWED, total_s=total_s) for total_s in (1.0, 2.0)]
    assert kept(both) == [both[1]]


def test_who_overflowed_neither_leads_nor_is_beaten(tmp_path):
    """Nor does it count for the noise of a server that is measured twice."""
    directory = build(tmp_path / "run")
    before = {cell.column: cell for cell in judge(directory).cells if cell.row == "storm"}
    leader = next(cell.column for cell in before.values() if cell.tie_with_best)

    def overflow(record):
        return of_queue(record, OVERFLOWED) if record.column in (leader, "go") else record

    rewrite(directory, "storm", overflow)
    matrix = judge(directory)
    after = {cell.column: cell for cell in matrix.cells if cell.row == "storm"}
    for column in (leader, "go"):
        assert after[column].value == before[column].value
        assert (after[column].tie_with_best, after[column].behind) == (None, None)
    others = [cell for name, cell in after.items() if name not in (leader, "go")]
    assert any(cell.tie_with_best for cell in others)
    assert "storm" not in matrix.aa["range"]

"""The metric fault_recovery with the real load generator, against a small server whose faults are
programmed: also such as lie.
"""

import json
import os
import signal
import time
from pathlib import Path

import msgspec
import pytest
from chinwag_bench.faults import causes
from chinwag_bench.faults.causes import causes_of
from chinwag_bench.faults.outcome import Outcome, Role
from chinwag_bench.faults.trial import Stage, TrialSettings, try_fault
from chinwag_bench.judging.bounds import Bounds
from chinwag_bench.judging.matrix import Cell
from chinwag_bench.load_profile import load_profile
from chinwag_bench.metrics import fault_recovery
from chinwag_bench.metrics.cell import Place
from chinwag_bench.metrics.metric import Visit
from chinwag_bench.paths import Workspace
from chinwag_bench.render import notes, text
from chinwag_bench.servers.build import build
from chinwag_bench.servers.catalog import Target, discover
from chinwag_bench.servers.process import Launch, start_server
from chinwag_bench.servers.supervisor import descendants

ROOT = Path(__file__).resolve().parents[2]
CHAT_SERVER = ROOT / "tests" / "load" / "chat_server.py"
CONNECTIONS, ROOM = 30, 10
TRIAL = TrialSettings(messages_per_s=300, spin_ms=400, seconds_max=4, settle_s=0.3)
LOAD = load_profile(Workspace(ROOT), "faults")


@pytest.fixture
def target(checkout):
    command = f'"{CHAT_SERVER}", "--port", "{{port}}"]\n\n[faults]\nform = "type"'
    server = checkout.add_server("frail", replace=('"{build}/server.py"]', command))
    build(server)
    return Target(server)


@pytest.fixture
def stage(target, monkeypatch, site):
    """Makes a stage for a server of this behaviour."""
    stages = []

    def make(**behaviour):
        monkeypatch.setenv("PROGRAMMED_FAULTS", json.dumps(behaviour))
        place = Place(site=site, target=target, round=1, metric="fault_recovery")
        stages.append(Stage(place, LOAD, CONNECTIONS))
        return stages[-1]

    yield make
    for one in stages:
        one.clear()


def cause(target, name):
    return next(one for one in causes_of(target, TRIAL.spin_ms) if one.name == name)


def test_an_exception_costs_its_own_connection_alone(stage, target):
    outcome = try_fault(stage(), cause(target, causes.EXCEPTION), TRIAL)
    assert outcome.reason is None
    assert "log" in outcome.happened
    victims, mates, others = (outcome.roles[name] for name in outcome.roles)
    assert (victims.connections, mates.connections, others.connections) == (1, 9, 20)
    assert (victims.lost_connections, mates.lost_connections, others.lost_connections) == (1, 0, 0)
    assert outcome.lost == outcome.duplicated == outcome.reordered == 0
    assert not outcome.survived


def test_a_stuck_handler_of_one_thread_silences_everybody(stage, target):
    outcome = try_fault(stage(), cause(target, causes.STUCK), TRIAL)
    assert outcome.reason is None
    assert outcome.survived
    for role in outcome.roles.values():
        assert role.slowest_ms >= 0.8 * TRIAL.spin_ms
        assert role.lost_connections == 0


def test_who_is_killed_is_started_again_and_everybody_comes_back(stage, target):
    one = stage()
    server, _ = one.pair()
    before = server.pid
    outcome = try_fault(one, cause(target, causes.KILL_ALL), TRIAL)
    assert outcome.reason is None
    assert str(before) in outcome.happened
    assert server.pid != before
    assert outcome.roles["victims"].lost_connections == CONNECTIONS
    assert outcome.roles["victims"].slowest_ms > 0
    assert outcome.duplicated == 0


def test_a_feigned_exception_is_no_fault(stage, target):
    outcome = try_fault(stage(crash="feigned"), cause(target, causes.EXCEPTION), TRIAL)
    assert outcome.happened is None
    assert "nothing shows" in outcome.reason


def test_a_server_that_goes_on_deaf_is_caught(stage, target):
    outcome = try_fault(stage(crash="deaf"), cause(target, causes.EXCEPTION), TRIAL)
    assert outcome.roles["bystanders"].deaf == 20
    assert outcome.roles["bystanders"].slowest_ms is None
    assert outcome.lost > 0


def test_the_next_fault_meets_a_server_in_order(stage, target):
    """What a fault has left deaf is not what the next one is measured with."""
    one = stage(crash="deaf")
    try_fault(one, cause(target, causes.EXCEPTION), TRIAL)
    outcome = try_fault(one, cause(target, causes.KILL_ALL), TRIAL)
    assert outcome.reason is None
    assert outcome.roles["victims"].deaf == 0


def test_a_record_holds_every_fault_that_the_server_can_have(stage, target):
    settings = fault_recovery.Settings(
        load="faults", connections=CONNECTIONS, repeats=1, setup_s=1, faults_s=9, trial=TRIAL
    )
    place = stage().place
    visit = Visit(place=place, settings=settings, loads={"faults": LOAD}, run=None, records=[])
    (record,) = fault_recovery.METRIC.measure(visit)
    assert list(record.outcomes) == ["exception", "stuck", "kill_all"]
    assert (record.status, record.reason) == ("ok", None)
    assert not list((place.site.folder / "logs").glob("*.watch")), "the raw logs are gone"
    text = fault_recovery.METRIC.describe(record)
    assert "exception all hear after" in text
    values = {spec.row.id: spec.bounds(record) for spec in fault_recovery.METRIC.rows}
    assert values["exception_lost"].high == pytest.approx(100 / CONNECTIONS)
    assert values["kill_all_lost"].high == 100
    # Its process is all that can be killed of it.
    assert values["kill_unit_all"] == values["kill_all_all"]
    assert msgspec.json.decode(msgspec.json.encode(record), type=fault_recovery.FaultRecovery)


def role(connections: int, *heard_ms: float, lost: int = 0) -> Role:
    return Role(
        connections=connections, lost_connections=lost, deaf=0, hears_again_ms=list(heard_ms)
    )


def recovered(
    fault: str, happened: str = "it showed", **roles: Role
) -> fault_recovery.FaultRecovery:
    """80 clients in 8 rooms, each with 200 messages/s: 5 ms from one to the next on average."""
    nobody = {name: role(0) for name in ("victims", "room_mates", "bystanders")}
    return fault_recovery.FaultRecovery(
        column="x", round=1, started_at=0, seconds=1, status="ok", connections=80,
        messages_per_s=1600.0,
        outcomes={fault: Outcome(happened=happened, roles=nobody | roles)},
    )  # fmt: skip


ROWS = {spec.row.id: spec for spec in fault_recovery.METRIC.rows}


def test_a_time_is_known_to_what_whoever_nothing_happened_to_waits_for() -> None:
    """The slowest of 8 rooms waits for 5 (1 + 1/2 + ... + 1/8) = 13.59 ms on average."""
    found = recovered(
        "exception",
        victims=role(1, 2.5),
        room_mates=role(9, *[2.5] * 9),
        bystanders=role(70, *[10.28] * 70),
    )
    assert ROWS["exception_victim"].bounds(found) == Bounds(0.0, 2.5)
    others = ROWS["exception_others"].bounds(found)
    assert others == Bounds(0.0, 10.28)
    found.outcomes["exception"].roles["bystanders"] = role(70, *[70.5] * 70)
    others = ROWS["exception_others"].bounds(found)
    assert (others.low, others.high) == (pytest.approx(70.5 - 13.589, abs=0.001), 70.5)


def test_who_has_to_come_back_may_have_tried_too_early() -> None:
    """One more attempt, 10 ms later."""
    there = recovered("exception", victims=role(1, 29.7), bystanders=role(79, *[1.0] * 79))
    away = recovered("exception", victims=role(1, 29.7, lost=1), bystanders=role(79, *[1.0] * 79))
    found = [ROWS["exception_victim"].bounds(one).low for one in (there, away)]
    assert found == [pytest.approx(24.7), pytest.approx(14.7)]


def test_units_that_are_not_alike_are_named_and_rank_nobody() -> None:
    by_unit = {
        "connection": recovered("kill_unit", victims=role(1, 10.3, lost=1)),
        "worker": recovered("kill_unit", "killed: process 12", victims=role(40, *[30.0] * 40)),
        "all": recovered("kill_all", "killed: process 12", victims=role(80, *[30.0] * 80)),
    }
    for id_ in ("kill_unit_all", "kill_unit_lost"):
        assert ROWS[id_].row.better == "none"
        for unit, record in by_unit.items():
            (note,) = ROWS[id_].notes(record)
            assert note.args["unit"] == unit
            assert notes.sentence(note)
            cell = Cell(row=id_, column="x", unit="ms", value=1.0, low=1.0, notes=[note])
            assert text.of_what(cell) == text.KILLED[unit]
    alike = [id_ for id_ in ROWS if not id_.startswith("kill_unit")]
    assert {ROWS[id_].row.better for id_ in alike} == {"lower"}
    assert not any(ROWS[id_].notes(by_unit["all"]) for id_ in alike)


def test_every_fault_of_every_manifest_has_a_name_of_its_own():
    for server in discover(Workspace(ROOT)).servers.values():
        for variant in server.manifest.variants:
            names = [one.name for one in causes_of(server.in_variant(variant), 2_000)]
            assert len(names) == len(set(names))
            assert names[-1] == causes.KILL_ALL


def test_a_program_that_is_restarted_is_gone_with_its_supervisor(target, tmp_path):
    launch = Launch(target=target, log=tmp_path / "log", restarts=True)
    with start_server(launch) as server:
        for _ in range(3):
            before = server.pid
            os.kill(before, signal.SIGKILL)
            deadline = time.monotonic() + 10
            while server.pid == before:
                assert time.monotonic() < deadline, "it was not started again"
                time.sleep(0.005)
        server.wait_ready()
        root = server.supervisor_pid
    assert descendants(root) == []

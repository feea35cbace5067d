"""The metric hot_upgrade with the real load generator: of real servers, and of a small one that
can be told to lie.
"""

import json
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from chinwag_bench.judging import fault_timelines
from chinwag_bench.load_profile import load_profile
from chinwag_bench.metrics import hot_upgrade
from chinwag_bench.metrics.cell import Place
from chinwag_bench.metrics.metric import Visit
from chinwag_bench.paths import Workspace
from chinwag_bench.render import fault_charts
from chinwag_bench.servers.build import build
from chinwag_bench.servers.catalog import Target, discover
from chinwag_bench.servers.supervisor import MARK
from chinwag_bench.servers.toolchain import missing_reason
from chinwag_bench.upgrades import ways
from chinwag_bench.upgrades.trial import TrialSettings, try_upgrade

ROOT = Path(__file__).resolve().parents[2]
CHAT_SERVER = ROOT / "tests" / "load" / "chat_server.py"
CONNECTIONS, ROOM = 30, 10
TRIAL = TrialSettings(messages_per_s=300, question_s=0.05, seconds_max=25, settle_s=0.3)
BRIEF = msgspec.structs.replace(TRIAL, seconds_max=3)
LOAD = load_profile(Workspace(ROOT), "faults")
GO_ON = '[["true"]]'


@pytest.fixture
def place(tmp_path, site):
    """Makes the place of a target's cell."""

    def make(target):
        return Place(site=site, target=target, round=1, metric="hot_upgrade")

    yield make
    assert not [each for each in _environments() if str(tmp_path) in each], "something runs on"


def _environments():
    """Of the processes that a supervisor has started."""
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            text = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if MARK in text:
            yield text


@pytest.fixture
def frail(checkout, monkeypatch):
    """Makes a target of the programmed server, which is upgraded in this way."""

    def make(way, commands="[]", unasked="", **behaviour):
        monkeypatch.setenv("PROGRAMMED_FAULTS", json.dumps(behaviour))
        table = f'way = "{way}"\ncommands = {commands}\nunasked = "{unasked}"'
        command = (
            f'"{CHAT_SERVER}", "--port", "{{port}}"]\n\n[faults]\nform = "type"\n\n'
            f"[hot_upgrade]\n{table}"
        )
        server = checkout.add_server("frail", replace=('"{build}/server.py"]', command))
        build(server)
        return Target(server)

    return make


def test_a_new_process_gets_the_socket_and_everybody_meets_it(frail, place):
    outcome = try_upgrade(place(frail("socket")), LOAD, CONNECTIONS, TRIAL)
    assert outcome.reason is None
    assert f"answers {CONNECTIONS} of {CONNECTIONS}" in outcome.happened
    assert outcome.lost_connections == CONNECTIONS
    assert outcome.met_in_place == 0
    assert outcome.all_on_new_s > 0
    assert outcome.duplicated == outcome.reordered == 0
    assert None not in outcome.silence_ms


def test_a_server_that_is_stopped_first_is_away_for_as_long_as_its_start_takes(frail, place):
    outcome = try_upgrade(place(frail("restart")), LOAD, CONNECTIONS, TRIAL)
    assert outcome.reason is None
    assert outcome.lost_connections == CONNECTIONS
    # Nobody could send meanwhile: what was due counts all the same.
    assert outcome.silence_at(0.5) > 50
    assert outcome.all_on_new_s * 1000 > outcome.silence_at(0.0)


def test_a_server_that_claims_an_upgrade_and_goes_on_with_the_old_build_is_caught(frail, place):
    """Its command succeeds, and nothing is lost."""
    outcome = try_upgrade(place(frail("code", GO_ON)), LOAD, CONNECTIONS, BRIEF)
    assert outcome.happened is None
    assert "never answered" in outcome.reason
    assert outcome.lost_connections == outcome.lost == 0
    assert outcome.met_in_place == 0


def test_a_new_process_that_runs_the_old_build_is_caught(frail, place):
    outcome = try_upgrade(place(frail("socket", build="1")), LOAD, CONNECTIONS, BRIEF)
    assert outcome.happened is None
    assert "never answered" in outcome.reason


def test_a_build_that_was_new_from_the_start_is_caught(frail, place):
    outcome = try_upgrade(place(frail("code", GO_ON, build="2")), LOAD, CONNECTIONS, BRIEF)
    assert outcome.happened is None
    assert "before the upgrade" in outcome.reason


@pytest.mark.parametrize("way", ["handover", "workers"])
def test_a_process_that_says_it_was_replaced_and_was_not_is_caught(frail, place, monkeypatch, way):
    monkeypatch.setattr(ways, "_SERVES_WITHIN_S", 0.5)
    outcome = try_upgrade(place(frail(way, GO_ON)), LOAD, CONNECTIONS, BRIEF)
    assert outcome.happened is None
    assert "is not what answers /health" in outcome.reason


def test_a_command_that_fails_is_no_upgrade(frail, place):
    outcome = try_upgrade(place(frail("code", '[["false"]]')), LOAD, CONNECTIONS, BRIEF)
    assert outcome.happened is None
    assert "`false` exited with 1" in outcome.reason


@pytest.mark.parametrize("drop_every", [0, 25])
def test_a_server_that_drops_what_it_has_taken_is_caught(frail, place, tmp_path, drop_every):
    """Its code alone is replaced, so no connection ends that could excuse it."""
    file = tmp_path / "next"
    drops = {"drop_every": drop_every} if drop_every else {}
    target = frail("code", f'[["touch", "{file}"]]', build_file=str(file), **drops)
    outcome = try_upgrade(place(target), LOAD, CONNECTIONS, TRIAL)
    assert outcome.reason is None
    assert outcome.met_in_place == CONNECTIONS
    assert outcome.lost_connections == 0
    if drop_every:
        assert outcome.lost > outcome.messages * ROOM / drop_every / 2
    else:
        assert outcome.lost == 0


def test_where_no_build_can_be_asked_for_processes_prove_it(frail, place):
    target = frail("restart", unasked="it has no handlers", build="1")
    outcome = try_upgrade(place(target), LOAD, CONNECTIONS, TRIAL)
    assert outcome.reason is None
    assert outcome.happened.startswith("pid ")
    assert outcome.on_new_s is None
    assert outcome.silence_at(1.0) is not None


def test_a_record_has_what_the_rows_need(frail, place):
    settings = hot_upgrade.Settings(
        load="faults", connections=CONNECTIONS, repeats=1, setup_s=1, seconds=9, trial=TRIAL
    )
    here = place(frail("socket"))
    visit = Visit(place=here, settings=settings, loads={"faults": LOAD}, run=None, records=[])
    (record,) = hot_upgrade.METRIC.measure(visit)
    assert (record.status, record.reason) == ("ok", None)
    assert not list((here.site.folder / "logs").glob("*.watch")), "the raw log is gone"
    values = {spec.row.id: spec.bounds(record) for spec in hot_upgrade.METRIC.rows}
    assert values["hot_upgrade"].high == 100
    assert values["hot_upgrade_in_place"].high == 0
    assert values["hot_upgrade_silence_p50"].high <= values["hot_upgrade_silence_max"].high
    assert values["hot_upgrade_all"].high > 0
    assert [note.args["way"] for note in hot_upgrade.METRIC.rows[0].notes(record)] == ["socket"]
    assert "on the new build" in hot_upgrade.METRIC.describe(record)
    assert msgspec.json.decode(msgspec.json.encode(record), type=hot_upgrade.HotUpgrade)


def test_an_upgrade_that_did_not_happen_has_no_values(frail, place):
    settings = hot_upgrade.Settings(
        load="faults", connections=CONNECTIONS, repeats=1, setup_s=1, seconds=9, trial=BRIEF
    )
    here = place(frail("code", GO_ON))
    visit = Visit(place=here, settings=settings, loads={"faults": LOAD}, run=None, records=[])
    (record,) = hot_upgrade.METRIC.measure(visit)
    assert record.status == "failed"
    assert all(spec.bounds(record) is None for spec in hot_upgrade.METRIC.rows)


# A new process has to come up beside everything else that the machine does.
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("name", "stays"),
    [
        ("chinwagd", True),
        ("elixir", True),
        ("go", False),
        ("rust", False),
        ("node-ws", False),
        ("node-ws:workers", False),
    ],
)
def test_real_servers_are_upgraded_and_everybody_meets_the_new_build(place, name, stays):
    target = discover(Workspace(ROOT)).target(name)
    if reason := missing_reason(target.server):
        pytest.skip(f"{name}: {reason}")
    build(target.server)
    outcome = try_upgrade(place(target), LOAD, CONNECTIONS, TRIAL)
    assert outcome.reason is None
    assert outcome.happened is not None
    assert outcome.all_on_new_s is not None
    assert outcome.duplicated == outcome.reordered == 0
    if stays:
        assert (outcome.lost_connections, outcome.lost) == (0, 0)
        assert outcome.met_in_place == CONNECTIONS
    else:
        assert outcome.lost_connections == CONNECTIONS
        assert outcome.met_in_place == 0


def test_every_manifest_says_how_its_server_is_upgraded():
    for server in discover(Workspace(ROOT)).servers.values():
        assert "[hot_upgrade]" in (server.folder / "server.toml").read_text()
        for variant in server.manifest.variants:
            plan = server.in_variant(variant).hot_upgrade
            assert plan.because or plan.way != "restart", f"{server.name} says no reason"


def test_the_page_gets_a_timeline_of_upgrades_that_happened(frail, place):
    here = place(frail("socket"))
    settings = hot_upgrade.Settings(
        load="faults", connections=CONNECTIONS, repeats=1, setup_s=1, seconds=9, trial=TRIAL
    )
    visit = Visit(place=here, settings=settings, loads={"faults": LOAD}, run=None, records=[])
    (record,) = hot_upgrade.METRIC.measure(visit)
    columns = [SimpleNamespace(id="frail", aa_of=None), SimpleNamespace(id="none", aa_of=None)]
    evidence = SimpleNamespace(
        run=SimpleNamespace(columns=columns),
        of=lambda metric, column: [record] if (metric, column) == ("hot_upgrade", "frail") else [],
    )
    (line,) = fault_timelines.all_timelines(evidence)
    assert (line.column, line.fault, line.way, line.rounds) == ("frail", "upgrade", "socket", 1)
    assert line.connections_lost == CONNECTIONS
    assert line.all_hear_ms == record.outcome.silence_at(1.0)
    chart = fault_charts.chart("upgrade", [line], {"frail": 1})
    assert "those before the upgrade" in chart.note
    assert chart.smalls[0].said.startswith("same socket: ")

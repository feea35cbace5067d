"""The metric cluster with the real load generator, real nodes and a real Redis."""

import os
import signal
from pathlib import Path

import msgspec
import pytest
from chinwag_bench.clusters.outages import (
    OUTAGES,
    LinkCut,
    NodeKilled,
    RedisKilled,
    RedisPaused,
    outages_of,
)
from chinwag_bench.clusters.trial import TrialSettings, crossing_unjoined, try_outage
from chinwag_bench.load_profile import load_profile
from chinwag_bench.metrics import cluster
from chinwag_bench.metrics.cell import Place
from chinwag_bench.metrics.metric import Visit
from chinwag_bench.paths import Workspace
from chinwag_bench.records import Column, Run
from chinwag_bench.runs.profile import load_run_profile
from chinwag_bench.servers.build import build
from chinwag_bench.servers.catalog import discover
from chinwag_bench.servers.toolchain import missing_reason

ROOT = Path(__file__).resolve().parents[2]
LOAD = load_profile(Workspace(ROOT), "faults")
NO_NAMESPACES = "no network namespace can be made here"
CONNECTIONS = 20
TRIAL = TrialSettings(messages_per_s=200, peace_s=0.5, recovery_s=25, settle_s=0.3)
# A node has to come up beside everything else that the machine does.
pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def place(site):
    def make(name):
        target = discover(Workspace(ROOT)).target(name)
        if reason := missing_reason(target.server):
            pytest.skip(f"{name}: {reason}")
        build(target.server)
        return Place(site=site, target=target, round=1, metric="cluster")

    return make


def is_refused(outcome):
    """By this machine, which makes no network for nodes."""
    return "network" in (outcome.reason or "")


def outcome_of(kind, place):
    outcome = try_outage(kind, place, LOAD, CONNECTIONS, TRIAL)
    if kind is LinkCut and is_refused(outcome):
        pytest.skip(NO_NAMESPACES)
    assert outcome.reason is None
    assert outcome.happened
    assert outcome.messages > 0
    return outcome


def test_where_nothing_joins_two_servers_nothing_crosses(place):
    """So what is measured of clusters is what joins them, and a node that drops is caught."""
    assert crossing_unjoined(place("go"), LOAD, CONNECTIONS, TRIAL) == 0


@pytest.mark.parametrize("kind", [RedisKilled, RedisPaused, LinkCut, NodeKilled])
def test_the_core_is_normal_again_after_each_outage(place, kind):
    outcome = outcome_of(kind, place("chinwagd:cluster"))
    assert outcome.normal_ms is not None
    assert outcome.duplicated == 0
    assert (outcome.lost_connections > 0) == (kind is NodeKilled)
    if kind is not NodeKilled:
        assert outcome.lost_at_home == 0, "members of the sender's own node lose nothing"
        assert outcome.untold == 0
    if kind in (RedisPaused, LinkCut):
        assert outcome.lost == 0, "it waits for what may go on"


@pytest.mark.parametrize("kind", [LinkCut, NodeKilled])
def test_nodes_that_know_each_other_are_normal_again(place, kind):
    outcome = outcome_of(kind, place("elixir:cluster"))
    assert outcome.normal_ms is not None
    assert outcome.duplicated == 0


def test_an_outage_that_does_nothing_is_none(place):
    class Idle(RedisKilled):
        def begin(self):
            pass

        def end(self):
            pass

    outcome = try_outage(Idle, place("go:cluster"), LOAD, CONNECTIONS, TRIAL)
    assert outcome.happened is None
    assert outcome.reason == "nothing shows that the outage was real"


def test_a_node_that_ends_is_a_reason(place):
    class Fatal(RedisKilled):
        def begin(self):
            super().begin()
            os.kill(self.cluster.nodes[0].pid, signal.SIGKILL)

    outcome = try_outage(Fatal, place("go:cluster"), LOAD, CONNECTIONS, TRIAL)
    assert "go:cluster ended by itself" in outcome.reason


def test_a_visit_has_a_value_for_every_row(place):
    at = place("go")
    settings = msgspec.structs.replace(
        load_run_profile("quick").of(cluster.METRIC),
        connections=100,
        seconds=3.0,
        start_deliveries_per_s=10_000,
        paced_deliveries_per_s=2_000,
        watch_connections=CONNECTIONS,
        trial=TRIAL,
    )
    build(at.target.as_nodes.server)
    column = Column(
        id="go", server="go", variant="default", title="Go", language="Go", nodes_by="cluster"
    )
    loads = {name: load_profile(Workspace(ROOT), name) for name in settings.loads()}
    visit = Visit(
        place=at,
        settings=settings,
        loads=loads,
        run=_run(column),
        records=[],
    )
    (record,) = cluster.METRIC.measure(visit)
    assert (record.column, record.status, record.variant) == ("go", "ok", "cluster")
    absent = [
        spec.row.id
        for spec in cluster.METRIC.rows
        if not spec.by_rules and spec.bounds(record) is None
    ]
    if is_refused(record.outcomes[LinkCut.name]):
        absent = [row for row in absent if LinkCut.name not in row]
    assert absent == [], record.outcomes
    assert record.unjoined == 0
    assert record.across.deliveries > 0
    assert record.size.processes == 3
    assert record.size.settings == 1
    assert 0 < record.size.backplane_bytes < record.size.user_bytes
    assert "from node to node" in cluster.METRIC.describe(record)
    assert msgspec.json.decode(msgspec.json.encode(record), type=cluster.ClusterRun)

    column.nodes_reason = "conformance: it fails"
    (record,) = cluster.METRIC.measure(visit)
    assert (record.status, record.reason) == ("failed", "conformance: it fails")


def test_outages_of_redis_are_for_those_whom_it_joins():
    assert outages_of("redis") == list(OUTAGES)
    assert outages_of("distribution") == [LinkCut, NodeKilled]


def _run(column):
    return Run(
        id="run",
        profile="quick",
        seed=1,
        started_at=0.0,
        command="chinwag run",
        git_commit=None,
        kit_version="0",
        columns=[column],
        machine={},
        plan={},
    )

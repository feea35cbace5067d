"""Metrics that are measured of one variant a server, or of named columns."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from chinwag_bench.errors import UsageError
from chinwag_bench.judging.cells import measured
from chinwag_bench.judging.matrix import Note
from chinwag_bench.metrics.start import METRIC
from chinwag_bench.paths import Workspace
from chinwag_bench.records import Column
from chinwag_bench.render.notes import sentence
from chinwag_bench.runs.metric_columns import chosen, columns_of
from chinwag_bench.runs.plan import make_plan
from chinwag_bench.runs.profile import PROFILES, load_run_profile
from chinwag_bench.runs.rounds import with_again
from chinwag_bench.servers.catalog import discover

ROOT = Path(__file__).resolve().parents[2]
VARIANTS = ["default", "tuned"]
COLUMN = Column(id="go", server="go", variant="default", title="Go", language="Go", status="ok")


@pytest.mark.parametrize(
    ("pairs", "wanted"),
    [
        ([("go", "default"), ("go", "tuned")], {("go", "tuned")}),
        ([("go", "tuned"), ("go", "default")], {("go", "tuned")}),
        ([("go", "default"), ("rust", "default")], {("go", "default"), ("rust", "default")}),
        ([("go", "pg")], {("go", "pg")}),
        ([("go", "pg"), ("go", "default")], {("go", "default")}),
    ],
)
def test_the_variant_that_the_profile_names_last_is_chosen(pairs, wanted):
    assert chosen(pairs, VARIANTS) == wanted


def test_the_second_name_of_a_server_is_left_out():
    both = [COLUMN, msgspec.structs.replace(COLUMN, id="go (again)", aa_of="go")]
    profile = load_run_profile("quick")
    assert columns_of(profile, profile.one_variant[0], both) == [COLUMN]
    assert columns_of(profile, "throughput", both) == both


def test_a_plan_has_those_cells_and_no_others(checkout):
    checkout.add_server("toy0")
    catalog = discover(checkout.workspace)
    targets = with_again(catalog.targets(VARIANTS), "toy0")
    profile = load_run_profile("quick")
    plan = make_plan(profile, targets, seed=1)
    assert {cell.target.id for cell in plan.of("throughput")} == {one.id for one in targets}
    best = max((one for one in targets if not one.again), key=lambda one: one.variant == "tuned")
    for metric in profile.one_variant:
        assert {cell.target.id for cell in plan.of(metric)} == {best.id}


def test_a_name_that_is_no_metric_is_refused(tmp_path: Path):
    text = (PROFILES / "quick.toml").read_text("utf-8")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text.replace('one_variant = ["broadcast"', 'one_variant = ["brodcast"'))
    with pytest.raises(UsageError, match="one_variant names 'brodcast', which is no metric"):
        load_run_profile(str(wrong))


def test_a_metric_may_have_the_columns_that_a_profile_names_for_it(checkout):
    checkout.add_server("toy0")
    checkout.add_server("toy1")
    targets = with_again(discover(checkout.workspace).targets(VARIANTS), "toy0")
    columns = {"start": ["toy1", "toy0:tuned"]}
    profile = msgspec.structs.replace(load_run_profile("quick"), columns=columns)
    plan = make_plan(profile, targets, seed=1)
    assert {cell.target.id for cell in plan.of("start")} == {"toy1", "toy0:tuned"}
    assert {cell.target.id for cell in plan.of("throughput")} == {one.id for one in targets}
    assert columns_of(profile, "start", [COLUMN]) == []


def test_columns_of_a_name_that_is_no_metric_are_refused(tmp_path: Path):
    text = (PROFILES / "experiments.toml").read_text("utf-8")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text.replace("\nmemory = [", "\nmemories = ["))
    (tmp_path / "quick.toml").write_text((PROFILES / "quick.toml").read_text("utf-8"))
    with pytest.raises(UsageError, match="columns names 'memories', which is no metric"):
        load_run_profile(str(wrong))


def test_experiments_measure_columns_that_there_are():
    profile = load_run_profile("experiments")
    catalog = discover(Workspace(ROOT))
    known = {target.id for target in catalog.named(profile.servers)}
    assert known == set(profile.servers)
    assert {one for names in profile.columns.values() for one in names} <= known
    assert {one.id for one in catalog.experiments()} <= known


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"one_variant": ["start"]}, "one_variant"),
        ({"columns": {"start": ["rust"]}}, "other_columns"),
        ({}, "not_in_run"),
    ],
)
def test_a_column_that_is_left_out_says_why_it_has_no_value(settings, code):
    spec = next(one for one in METRIC.rows if one.source == "start")
    run = SimpleNamespace(plan={"settings": settings}, finished_at=1.0, seed=1)
    evidence = SimpleNamespace(run=run, rules=None, of=lambda *_: [])
    cell, _ = measured(spec, COLUMN, evidence)
    assert cell.reason == Note(code=code)
    assert sentence(cell.reason)

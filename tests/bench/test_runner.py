"""The runner's decisions: what is repeated, and how often."""

import dataclasses
import time
from pathlib import Path

import msgspec
import pytest
from chinwag_bench.errors import GeneratorError
from chinwag_bench.load_profile import load_profile
from chinwag_bench.machine.cpu_plan import plan_cpus
from chinwag_bench.machine.disturbance import Disturbance, Limits
from chinwag_bench.machine.open_files import raise_limit
from chinwag_bench.metrics.cell import Site
from chinwag_bench.metrics.storm import Storm
from chinwag_bench.progress import make_reporter
from chinwag_bench.records import Run
from chinwag_bench.runs.plan import make_plan
from chinwag_bench.runs.profile import load_run_profile
from chinwag_bench.runs.runner import Runner
from chinwag_bench.runs.store import RunStore

TINY = load_run_profile(str(Path(__file__).parent / "fixtures" / "tiny.toml"))
# Nobody keeps this limit: every cell counts as disturbed.
ALWAYS = Limits(other_cores_max=-1.0)
CALM = Limits(steal_share_max=9, other_cores_max=99, swapped_pages_max=10**9, throttled_max=10**9)


@dataclasses.dataclass
class Bench:
    store: RunStore
    site: Site
    loads: dict
    target: object

    def runner(self, after_round=lambda: None, metric="start", **change):
        profile = msgspec.structs.replace(TINY, **change)
        plan = make_plan(profile, [self.target], seed=1)
        plan.cells = plan.of(metric)
        reporter = make_reporter(json=False, quiet=True)
        return Runner(
            store=self.store,
            site=self.site,
            plan=plan,
            loads=self.loads,
            reporter=reporter,
            after_round=after_round,
        )


@pytest.fixture
def bench(checkout, toy, tmp_path):
    folder = tmp_path / "results"
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
    site = Site(
        folder=folder,
        generator=checkout.generator,
        cpus=plan_cpus(),
        seed=1,
        open_files=raise_limit(),
    )
    loads = {name: load_profile(checkout.workspace, name) for name in TINY.loads()}
    return Bench(RunStore(folder, run), site, loads, toy)


def attempts(bench):
    return [record.disturbance["attempt"] for record in bench.store.records()]


def notes(bench):
    return [note for note in bench.store.run.notes if note.startswith("disturbed: ")]


def test_after_each_round_what_is_measured_can_be_shown(bench):
    seen = []
    runner = bench.runner(
        after_round=lambda: seen.append(len(bench.store.records())),
        start=msgspec.structs.replace(TINY.start, repeats=3),
        limits=CALM,
    )
    runner.measure_all()
    assert seen == [1, 2, 3]
    bench.runner(after_round=lambda: seen.append("again"), limits=CALM).measure_all()
    assert "again" not in seen, "nothing new was measured"


def test_a_disturbed_cell_is_measured_again_as_often_as_is_allowed_and_all_are_kept(bench):
    assert bench.runner(limits=ALWAYS, repeats_max=3).measure_all() == 0
    assert attempts(bench) == [1, 2, 3, 4]
    (note,) = notes(bench)
    assert note.startswith(
        "disturbed: 1 of 1 cells were measured again, 3 repeats in all; 1 stayed disturbed: "
        "start toy, round 1 (other load "
    )


def test_a_storm_whose_queue_overflows_is_measured_once_more_and_no_longer(bench, monkeypatch):
    """The machine is calm: what happens twice is the server's own way."""
    monkeypatch.setenv("FAKE_FAULT", "storm-crowd")
    runner = bench.runner(metric="memory", limits=CALM, repeats_max="budget")
    assert runner.measure_all() == 0
    storms = [record for record in bench.store.records() if isinstance(record, Storm)]
    assert [record.disturbance["attempt"] for record in storms] == [1, 2]
    assert all(record.spoilt_by() for record in storms)
    assert not any(record.disturbance["reasons"] for record in storms)
    assert attempts(bench).count(1) == attempts(bench).count(2)


@pytest.mark.parametrize(("by_signal", "statuses"), [(True, ["failed", "ok"]), (False, ["failed"])])
def test_a_cell_whose_generator_somebody_ended_is_measured_again(bench, by_signal, statuses):
    runner = bench.runner(limits=CALM, repeats_max=3)
    (cell,) = runner._plan.cells
    measure, errors = cell.kind.measure, [GeneratorError("ended")]
    errors[0].by_signal = by_signal

    def interrupted(visit):
        if errors:
            raise errors.pop()
        return measure(visit)

    kind = msgspec.structs.replace(cell.kind, measure=interrupted)
    runner._plan.cells = [msgspec.structs.replace(cell, kind=kind)]
    runner.measure_all()
    assert [record.status for record in bench.store.records()] == statuses


def test_it_is_repeated_until_it_is_quiet_and_no_longer(bench, monkeypatch):
    """Two attempts at once, further ones at the end of the metric."""
    loud = iter([["other load"], ["steal"], ["other load"], []])

    def judged(before, after, limits, attempt):
        return Disturbance(
            steal_share=0, other_cores=0, swapped_pages=0, throttled=0,
            reasons=next(loud), attempt=attempt,
        )  # fmt: skip

    monkeypatch.setattr("chinwag_bench.runs.runner.between", judged)
    bench.runner(repeats_max="budget").measure_all()
    assert attempts(bench) == [1, 2, 3, 4]
    assert notes(bench) == [
        "disturbed: 1 of 1 cells were measured again, 3 repeats in all; none stayed disturbed"
    ]


def test_a_resumed_run_repeats_what_stayed_disturbed(bench):
    bench.runner(limits=ALWAYS, repeats_max=1).measure_all()
    assert attempts(bench) == [1, 2]
    bench.runner(limits=CALM, repeats_max="budget").measure_all()
    assert attempts(bench) == [1, 2, 3]
    assert notes(bench) == [
        "disturbed: 1 of 1 cells were measured again, 2 repeats in all; none stayed disturbed"
    ]


def test_repeats_end_with_their_number(bench):
    bench.runner(limits=ALWAYS, repeats_max=0).measure_all()
    assert attempts(bench) == [1]
    bench.runner(limits=ALWAYS, repeats_max=0).measure_all()
    assert attempts(bench) == [1]
    (note,) = notes(bench)
    assert note.startswith(
        "disturbed: 0 of 1 cells were measured again, 0 repeats in all; 1 stayed"
    )


@pytest.mark.parametrize("allowed", [5, "budget"])
def test_repeats_end_with_the_budget(bench, allowed):
    bench.runner(limits=ALWAYS, repeats_max=allowed, budget_s=0.1).measure_all()
    assert attempts(bench) == [1]


def test_the_budget_s_rest_is_shared_out_among_the_metrics(bench, monkeypatch):
    """The first metric may not use up what later ones need for their own repeats."""
    plan = make_plan(msgspec.structs.replace(TINY, repeats_max="budget"), [bench.target], seed=1)
    spare_s = 100.0
    profile = msgspec.structs.replace(plan.profile, budget_s=plan.seconds + spare_s)
    plan = make_plan(profile, [bench.target], seed=1)
    reporter = make_reporter(json=False, quiet=True)
    runner = Runner(
        store=bench.store, site=bench.site, plan=plan, loads=bench.loads, reporter=reporter
    )
    (first,) = plan.of("throughput")
    share_s = spare_s * first.seconds / plan.seconds
    runner._planned_done_s = first.seconds

    def after(repeats_s):
        runner._started = time.monotonic() - first.seconds - repeats_s
        return runner._may_repeat(first)

    assert after(share_s - first.seconds - 0.5)
    assert not after(share_s - first.seconds + 0.5)
    (last,) = plan.of("start")
    runner._planned_done_s = plan.seconds
    runner._started = time.monotonic() - plan.seconds - spare_s + last.seconds + 0.5
    assert runner._may_repeat(last)


def test_an_undisturbed_cell_is_measured_once(bench):
    bench.runner(limits=CALM, repeats_max=5).measure_all()
    assert attempts(bench) == [1]
    assert notes(bench) == []


def test_what_is_on_disk_is_not_measured_again(bench):
    bench.runner().measure_all()
    before = bench.store.records()
    bench.runner().measure_all()
    assert bench.store.records() == before


def test_a_failure_becomes_a_record_and_is_counted(bench, monkeypatch):
    monkeypatch.setenv("TOY_FAULT", "die")
    assert bench.runner().measure_all() == 1
    (record,) = bench.store.records()
    assert record.status == "failed"
    assert "toy: told to die" in record.reason
    assert record.disturbance["attempt"] == 1

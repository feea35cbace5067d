"""The runner's decisions: what is repeated, and how often."""

import dataclasses
from pathlib import Path

import msgspec
import pytest
from chinwag_bench.load_profile import load_profile
from chinwag_bench.machine.cpu_plan import plan_cpus
from chinwag_bench.machine.disturbance import Limits
from chinwag_bench.machine.open_files import raise_limit
from chinwag_bench.metrics.cell import Site
from chinwag_bench.progress import make_reporter
from chinwag_bench.records import Run
from chinwag_bench.runs.plan import make_plan
from chinwag_bench.runs.profile import load_run_profile
from chinwag_bench.runs.runner import Runner
from chinwag_bench.runs.store import RunStore

TINY = load_run_profile(str(Path(__file__).parent / "fixtures" / "tiny.toml"))
# Nobody keeps this limit: every cell counts as disturbed.
ALWAYS = Limits(other_cores_max=-1.0)


@dataclasses.dataclass
class Bench:
    store: RunStore
    site: Site
    loads: dict
    target: object

    def runner(self, **change):
        profile = msgspec.structs.replace(TINY, **change)
        plan = make_plan(profile, [self.target], seed=1)
        plan.cells = plan.of("start")
        reporter = make_reporter(json=False, quiet=True)
        return Runner(
            store=self.store, site=self.site, plan=plan, loads=self.loads, reporter=reporter
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


def test_a_disturbed_cell_is_measured_twice_and_both_are_kept(bench):
    assert bench.runner(limits=ALWAYS, repeats_max=5).measure_all() == 0
    assert attempts(bench) == [1, 2]


def test_repeats_end_with_their_number(bench):
    bench.runner(limits=ALWAYS, repeats_max=0).measure_all()
    assert attempts(bench) == [1]


def test_repeats_end_with_the_budget(bench):
    bench.runner(limits=ALWAYS, repeats_max=5, budget_s=0.1).measure_all()
    assert attempts(bench) == [1]


def test_an_undisturbed_cell_is_measured_once(bench):
    calm = Limits(steal_share_max=9, other_cores_max=99, swapped_pages_max=10**9)
    bench.runner(limits=calm, repeats_max=5).measure_all()
    assert attempts(bench) == [1]


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

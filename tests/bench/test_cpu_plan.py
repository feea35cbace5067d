"""Cores for servers and for the generator."""

import os

import pytest
from chinwag_bench.errors import UsageError
from chinwag_bench.machine.cpu_plan import CpuPlan, physical_cores, plan_cpus, split_cores


def test_two_cores_one_each():
    assert split_cores([[0], [1]]) == CpuPlan(server=[0], generator=[1])


def test_one_core_is_shared_and_marked():
    plan = split_cores([[0, 1]])
    assert plan == CpuPlan(server=[0, 1], generator=[0, 1], shared=True)
    assert "not for quoting" in plan.note()


def test_threads_of_one_core_stay_together():
    plan = split_cores([[0, 4], [1, 5], [2, 6], [3, 7]])
    assert plan == CpuPlan(server=[0, 4, 1, 5], generator=[2, 6, 3, 7])
    assert plan.workers == 4
    assert plan.note() == "server on cores 0,4,1,5, generator on cores 2,6,3,7"


def test_an_odd_core_goes_to_the_generator_unless_told_otherwise():
    cores = [[0], [1], [2]]
    assert split_cores(cores).server == [0]
    assert split_cores(cores, 2).server == [0, 1]


@pytest.mark.parametrize("wanted", [0, 3, 9])
def test_the_generator_needs_a_core(wanted):
    with pytest.raises(UsageError, match="3 physical cores"):
        split_cores([[0], [1], [2]], wanted)


def test_cores_are_grouped_by_package_and_core(tmp_path):
    for cpu, (package, core) in enumerate([(0, 0), (0, 1), (1, 0), (0, 0)]):
        folder = tmp_path / f"cpu{cpu}" / "topology"
        folder.mkdir(parents=True)
        (folder / "physical_package_id").write_text(f"{package}\n")
        (folder / "core_id").write_text(f"{core}\n")
    assert physical_cores({0, 1, 2, 3}, tmp_path) == [[0, 3], [1], [2]]
    assert physical_cores({1, 3}, tmp_path) == [[1], [3]]


def test_without_a_topology_every_cpu_is_a_core(tmp_path):
    assert physical_cores({0, 1}, tmp_path) == [[0], [1]]


def test_this_machine_s_plan_stays_within_its_affinity():
    plan = plan_cpus()
    assert {*plan.server, *plan.generator} <= os.sched_getaffinity(0)

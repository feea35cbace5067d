"""Cores for servers and for the generator."""

import os

import pytest
from chinwag_bench.errors import UsageError
from chinwag_bench.machine.cpu_plan import (
    CpuPlan,
    cpu_list,
    physical_cores,
    plan_cpus,
    speeds_note,
    split_cores,
)


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


@pytest.fixture
def topology(tmp_path):
    """Writes one file of the topology of each CPU."""

    def put(name, values):
        for cpu, value in enumerate(values):
            path = tmp_path / f"cpu{cpu}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{value}\n")
        return tmp_path

    return put


def test_core_ids_that_repeat_within_a_package_are_told_apart(topology):
    """As virtual machines have it, and packages of several dies."""
    cpus = topology("topology/physical_package_id", [0, 0, 0, 0])
    topology("topology/core_id", [0, 0, 0, 0])
    topology("topology/thread_siblings_list", ["0", "1", "2", "3"])
    assert physical_cores({0, 1, 2, 3}, cpus) == [[0], [1], [2], [3]]


def test_dies_tell_cores_apart_where_no_siblings_are_listed(topology):
    cpus = topology("topology/physical_package_id", [0, 0, 0, 0])
    topology("topology/die_id", [0, 0, 1, 1])
    topology("topology/core_id", [0, 1, 0, 1])
    assert physical_cores({0, 1, 2, 3}, cpus) == [[0], [1], [2], [3]]


def test_siblings_are_one_core_whatever_else_is_said(topology):
    cpus = topology("topology/core_id", [0, 1, 2, 3])
    topology("topology/core_cpus_list", ["0,2-3", "1", "0,2-3", "0,2-3"])
    assert physical_cores({0, 1, 2, 3}, cpus) == [[0, 2, 3], [1]]
    assert physical_cores({1, 3}, cpus) == [[1], [3]]


@pytest.mark.parametrize(
    ("text", "cpus"), [("0\n", [0]), ("0-2", [0, 1, 2]), ("0-1,8-9", [0, 1, 8, 9]), ("", [])]
)
def test_lists_of_cpus_are_read_as_the_kernel_writes_them(text, cpus):
    assert cpu_list(text) == cpus


@pytest.mark.parametrize("name", ["cpufreq/cpuinfo_max_freq", "cpu_capacity"])
def test_cores_of_two_speeds_are_said(topology, name):
    cpus = topology(name, [4000, 4000, 2000, 2000])
    said = "cores of different speeds: cores 0,1 up to 100%, cores 2,3 up to 50% of the fastest"
    assert speeds_note({0, 1, 2, 3}, cpus) == said
    assert speeds_note({0, 1}, cpus) is None


def test_favoured_cores_of_one_kind_are_alike(topology):
    assert speeds_note({0, 1}, topology("cpufreq/cpuinfo_max_freq", [5_000, 5_200])) is None


def test_a_machine_that_shows_no_speed_says_nothing(tmp_path):
    assert speeds_note({0, 1}, tmp_path) is None


def test_without_a_topology_every_cpu_is_a_core(tmp_path):
    assert physical_cores({0, 1}, tmp_path) == [[0], [1]]


def test_this_machine_s_plan_stays_within_its_affinity():
    plan = plan_cpus()
    assert {*plan.server, *plan.generator} <= os.sched_getaffinity(0)

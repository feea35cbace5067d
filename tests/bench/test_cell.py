"""Whole cells with a real server and the fake generator: figures, and what a failure says."""

from pathlib import Path

import msgspec
import pytest
from chinwag_bench.errors import GeneratorError, ServerError
from chinwag_bench.judging.searches import LONG_ENOUGH_S
from chinwag_bench.load_profile import load_profile
from chinwag_bench.machine.cpu_plan import plan_cpus
from chinwag_bench.machine.open_files import connections_possible, raise_limit
from chinwag_bench.metrics import headroom, latency, memory, start, throughput
from chinwag_bench.metrics.cell import Place, Site
from chinwag_bench.metrics.memory import Memory
from chinwag_bench.metrics.storm import Storm
from chinwag_bench.runs.profile import load_run_profile

FAKE_DELIVERIES_PER_MESSAGE = 5.5


@pytest.fixture
def profile():
    return load_run_profile(str(Path(__file__).parent / "fixtures" / "tiny.toml"))


@pytest.fixture
def place(checkout, toy, tmp_path):
    site = Site(
        folder=tmp_path / "results",
        generator=checkout.generator,
        cpus=plan_cpus(),
        seed=1,
        open_files=raise_limit(),
    )
    return Place(site=site, target=toy, round=1, metric="throughput")


@pytest.fixture
def load(checkout):
    return load_profile(checkout.workspace, "article")


def unhurried(settings):
    """With time to finish on a busy machine: it ends as soon as it has found what it looks for."""
    return msgspec.structs.replace(settings, seconds=60.0)


def test_throughput_finds_the_modelled_capacity(place, load, profile, monkeypatch):
    monkeypatch.setenv("FAKE_CAPACITY", "1000")
    settings = unhurried(profile.throughput)
    # A shorter one shows no limit of the server's: one moment's delay looks like a growing one.
    ascend = msgspec.structs.replace(settings.ascend, hold_s=LONG_ENOUGH_S)
    record = throughput.measure(place, load, msgspec.structs.replace(settings, ascend=ascend))
    capacity = 1000 * FAKE_DELIVERIES_PER_MESSAGE
    # Without bins, an overload of 4 % passes.
    assert record.best.hold.deliveries_per_s == pytest.approx(capacity, rel=0.05)
    assert capacity < record.failed_at < capacity * 1.1
    assert (record.limited_by, record.lower_bound, record.reason) == ("latency", False, None)
    assert record.best is record.steps[-1]
    # The ends of the approach, where the server sheds what it can't do, and of the ascent.
    assert [step.sustained for step in record.steps].count(False) >= 2


def test_a_hint_shortens_the_way_and_changes_nothing_else(place, load, profile):
    settings = unhurried(profile.throughput)
    plain = throughput.measure(place, load, settings)
    hinted = throughput.measure(place, load, settings, plain.best.hold.deliveries_per_s)
    assert len(hinted.steps) < len(plain.steps)
    assert hinted.best.hold.deliveries_per_s == pytest.approx(
        plain.best.hold.deliveries_per_s, rel=0.16
    )


def test_a_capped_search_is_a_lower_bound(place, load, profile):
    capped = msgspec.structs.replace(profile.throughput, cap_deliveries_per_s=1000)
    settings = unhurried(capped)
    record = throughput.measure(place, load, settings)
    assert (record.limited_by, record.lower_bound) == ("cap", True)


def test_a_search_without_time_says_so(place, load, profile):
    settings = msgspec.structs.replace(profile.throughput, seconds=0.0)
    record = throughput.measure(place, load, settings)
    assert (record.best, record.steps) == (None, [])
    assert record.reason == "there was no time for a single step"


def test_latency_is_taken_at_the_common_rate_alone(place, load, profile):
    record = latency.measure(place, load, profile.latency, 1000.0)
    assert record.point == "common"
    assert record.step.hold.deliveries_per_s == pytest.approx(1000, rel=0.02)
    assert (place.site.folder / record.hdr).is_file()
    assert profile.latency.planned_s == profile.latency.setup_s + profile.latency.hold.seconds


def test_one_set_up_gives_memory_cpu_and_maximum(place, load, profile):
    record, cpu, most, _ = memory.measure(place, load, profile.memory)
    assert list(record.points) == ["empty", "idle", "joined", "after_load", "after_rest"]
    assert all(point.user_bytes > 1_000_000 for point in record.points.values())
    assert record.connections == cpu.connections == 10
    assert 0 <= cpu.user_share + cpu.system_share < 2
    assert [step.connections for step in most.steps] == [10, 20, 30]
    assert (most.connections, most.limited_by, most.lower_bound) == (30, "cap", True)


def test_a_storm_comes_last_on_that_set_up(place, load, profile):
    settings = profile.memory
    *_, found = memory.measure(place, load, settings)
    assert (found.status, found.connections, found.total_s) == ("ok", 10, 0.4)
    assert settings.also()[-1] is Storm
    calm = msgspec.structs.replace(settings, storm=None)
    assert settings.planned_s == pytest.approx(calm.planned_s + 0.2)
    assert settings.sources(place) >= 1


def test_a_storm_that_fails_takes_nothing_along(place, load, profile, monkeypatch):
    monkeypatch.setenv("FAKE_FAULT", "storm-reap")
    monkeypatch.setenv("TOY_FAULT", "die-later")
    record, _, most, found = memory.measure(place, load, profile.memory)
    assert (record.status, most.status, found.status) == ("ok", "ok", "failed")
    assert "toy ended by itself" in found.reason


def test_memory_takes_fewer_connections_where_files_are_few(place, load, profile):
    place.site.open_files = 505
    record, _, most, _ = memory.measure(place, load, profile.memory)
    assert record.connections == most.connections == 5
    assert (most.limited_by, most.lower_bound) == ("open files", True)
    assert connections_possible(10, 100) == 1


def test_memory_alone_when_nothing_shares_its_set_up(place, load, profile):
    settings = msgspec.structs.replace(profile.memory, quiet=None, ramp=None, storm=None)
    assert [type(record) for record in memory.measure(place, load, settings)] == [Memory]
    assert settings.also() == ()


def test_a_start_has_its_two_times(place):
    record = start.measure(place)
    assert 0 < record.health_s < record.first_message_s


def test_the_headroom_is_what_the_generator_says(place, load, profile):
    found = headroom.check(place, load, profile.latency)
    assert (found["ok"], found["generator_cpu"]) == (True, 0.1)


def test_a_server_that_dies_half_way_is_blamed_with_its_log(place, load, profile, monkeypatch):
    monkeypatch.setenv("FAKE_FAULT", "reap")
    monkeypatch.setenv("TOY_FAULT", "die-later")
    with pytest.raises(ServerError, match=r"toy ended by itself \(code 3\)") as caught:
        throughput.measure(place, load, profile.throughput)
    assert "toy: the reaper was called" in caught.value.detail


def test_a_refused_connection_fails_the_cell(place, load, profile, monkeypatch):
    monkeypatch.setenv("FAKE_FAULT", "refuse")
    with pytest.raises(ServerError, match="took 9 of 10 connections, refused 1"):
        throughput.measure(place, load, profile.throughput)


def test_a_failing_generator_is_blamed_while_the_server_lives(place, load, profile, monkeypatch):
    monkeypatch.setenv("FAKE_FAULT", "error")
    with pytest.raises(GeneratorError, match="out of luck"):
        throughput.measure(place, load, profile.throughput)

"""Ramps: what ends them, on recorded probes, and on a real server with a modelled generator."""

from types import SimpleNamespace

import msgspec
import pytest
from chinwag_bench.load_profile import load_profile
from chinwag_bench.machine.cpu_plan import plan_cpus
from chinwag_bench.machine.memory_share import used_share
from chinwag_bench.machine.open_files import raise_limit
from chinwag_bench.metrics import connections
from chinwag_bench.metrics.cell import Bout, Place, Site, attached_generator, running_server
from chinwag_bench.metrics.cpu_at_n import shares
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.metrics.metric import Visit
from chinwag_bench.metrics.ramp import Ramp, RampSettings, bytes_per_connection, failed_probe
from chinwag_bench.records import Hold, MemoryPoint, RampStep

SETTINGS = RampSettings(
    step=10,
    cap=25,
    seconds=5.0,
    probe=HoldSeconds(warmup_s=0.0, hold_s=0.1, drain_s=0.0),
    probe_deliveries_per_s=100,
)


def probe(p99=5.0, delivered=100, closes=None, generator_cpu=0.5):
    fields = dict.fromkeys(Hold.__struct_fields__, 0)
    counts = {"expected": 100, "delivered": delivered}
    generator = {"generator_cpu": generator_cpu, "generator_processes": 1}
    generator |= {"send_lag_ms": {"p99": 0.1}, "receive_lag_ms": {"p99": 0.1}}
    seen = {"latency_ms": {"p99": p99}, "closes": closes or {}}
    return Hold(**fields | counts | generator | seen)


@pytest.mark.parametrize(
    ("hold", "word"),
    [
        (probe(), None),
        (probe(p99=1000.0), None),
        (probe(p99=1001.0), "p99"),
        (probe(p99=1001.0, generator_cpu=0.95), "generator"),
        (probe(p99=5.0, generator_cpu=0.95), None),
        (probe(delivered=99), "loss"),
        (probe(closes={"1013": 2}, delivered=98, p99=3000.0), "loss"),
    ],
)
def test_a_probe_fails_by_the_first_rule_that_it_breaks(hold, word):
    stop = failed_probe(hold, generator_cores=1)
    assert (stop.word if stop else None) == word


def ramp_step(count, user, kernel=None):
    return RampStep(connections=count, seconds=1.0, user_bytes=user, kernel_bytes=kernel)


def test_bytes_of_a_connection_are_growth_over_the_empty_server():
    empty = MemoryPoint(user_bytes=1_000, kernel_bytes=500, kernel_method="cgroup v2")
    steps = [ramp_step(10, 3_000, 1_500), ramp_step(20, 9_000, 4_500)]
    assert bytes_per_connection(empty, steps, 20) == (8_000 + 4_000) / 20
    assert bytes_per_connection(empty, steps, 10) == (2_000 + 1_000) / 10
    assert bytes_per_connection(empty, [ramp_step(10, 3_000)], 10) == 200
    assert bytes_per_connection(empty, steps, 0) is None


def test_cpu_shares_are_of_all_cores():
    step = SimpleNamespace(hold=SimpleNamespace(hold_s=5.0), server_cpu_s=2.0, server_system_s=1.5)
    assert shares(step, 2) == (0.05, 0.15)


@pytest.mark.parametrize(("cap", "files", "sources"), [(300, 20_000, 1), (50_000, 20_500, 3)])
def test_a_ramp_has_enough_source_addresses_to_the_top(cap, files, sources):
    assert msgspec.structs.replace(SETTINGS, cap=cap).sources(files) == sources


@pytest.fixture
def site(checkout, tmp_path):
    return Site(
        folder=tmp_path / "results",
        generator=checkout.generator,
        cpus=plan_cpus(),
        seed=1,
        open_files=raise_limit(),
    )


@pytest.fixture
def visit(checkout, toy, site):
    place = Place(site=site, target=toy, round=1, metric="connections")
    settings = connections.Settings(load="idle", setup_s=1.0, repeats=1, ramp=SETTINGS)
    loads = {"idle": load_profile(checkout.workspace, "idle")}
    return Visit(place=place, settings=settings, loads=loads, run=None, records=[])


def measure(visit, **change):
    settings = msgspec.structs.replace(SETTINGS, **change)
    visit.settings = msgspec.structs.replace(visit.settings, ramp=settings)
    (record,) = connections.METRIC.measure(visit)
    return record


def test_a_ramp_ends_at_its_cap_and_leaves_the_maximum_open(visit):
    record = measure(visit)
    assert [step.connections for step in record.steps] == [10, 20, 25]
    assert (record.connections, record.limited_by, record.lower_bound) == (25, "cap", True)
    assert all(step.p99_ms > 0 and step.user_bytes > 0 for step in record.steps)
    assert [step.seconds for step in record.steps] == sorted(s.seconds for s in record.steps)


def test_a_ramp_without_time_ends_after_one_step(visit):
    record = measure(visit, seconds=0.0)
    assert (record.connections, record.limited_by, record.lower_bound) == (10, "time", True)


def test_open_files_of_the_generator_leave_it_open(visit):
    visit.place.site.open_files = 515
    record = measure(visit)
    assert (record.connections, record.limited_by, record.lower_bound) == (15, "open files", True)


def test_slow_probes_end_it_for_good(visit, monkeypatch):
    monkeypatch.setenv("FAKE_CAPACITY", "1")
    record = measure(visit)
    assert (record.connections, record.limited_by, record.lower_bound) == (0, "p99", False)
    assert record.reason.startswith("not one step was held: p99 ")


def test_a_refusal_ends_it_for_good(visit, monkeypatch):
    monkeypatch.setenv("FAKE_FAULT", "refuse")
    record = measure(visit)
    assert (record.limited_by, record.stopped) == ("refusal", "1 of 10 connections refused")
    assert record.steps[0].p99_ms is None


def test_ports_that_the_generator_lacks_are_no_refusal_of_the_server_s(visit, monkeypatch):
    monkeypatch.setenv("FAKE_FAULT", "no-ports")
    record = measure(visit)
    assert (record.limited_by, record.lower_bound) == ("generator", True)
    assert record.stopped.startswith("ports to connect from")


def test_a_server_that_dies_has_reached_its_maximum(visit, monkeypatch):
    monkeypatch.setenv("FAKE_FAULT", "reap")
    monkeypatch.setenv("TOY_FAULT", "die-later")
    record = measure(visit)
    assert (record.status, record.limited_by, record.lower_bound) == ("ok", "server", False)
    assert "ended by itself" in record.stopped


def test_a_full_memory_ends_it(visit):
    scale = SimpleNamespace()
    with (
        running_server(visit.place) as server,
        attached_generator(visit.place, server, visit.load, 10) as generator,
    ):
        pair = Bout(server, generator, visit.load, 0, 1)
        stop = Ramp(pair, scale, SETTINGS, 20_000, memory_share=lambda: 0.9).climb()
    assert (stop.word, stop.text) == ("memory", "90% of the machine's memory in use")


def test_memory_in_use_is_of_the_host_or_of_the_group_s_limit(tmp_path):
    assert used_share(tmp_path) == 0.0
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 1000 kB\nMemAvailable: 400 kB\n")
    assert used_share(tmp_path) == pytest.approx(0.6)
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("max\n")
    (group / "memory.current").write_text("900\n")
    assert used_share(tmp_path) == pytest.approx(0.6)
    (group / "memory.max").write_text("1000\n")
    (group / "memory.stat").write_text("inactive_file 200\n")
    assert used_share(tmp_path) == pytest.approx(0.7)

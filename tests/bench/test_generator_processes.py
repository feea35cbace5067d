"""More connections than one process may open: real generators, whose limit is lowered for real, on
a real server.
"""

import os
import resource
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from chinwag_bench.errors import GeneratorError
from chinwag_bench.generator import Generator, GeneratorSettings, HoldRequest
from chinwag_bench.generator.hdr_log import empty_histogram
from chinwag_bench.load_profile import load_profile
from chinwag_bench.machine.cpu_plan import plan_cpus
from chinwag_bench.machine.open_files import holding_processes
from chinwag_bench.metrics import cell, connections, cpu_at_n, ramp
from chinwag_bench.metrics.cell import Place, Site
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.metrics.metric import Visit
from chinwag_bench.paths import Workspace
from chinwag_bench.servers.build import build
from chinwag_bench.servers.catalog import Target
from chinwag_bench.servers.process import Launch, start_server
from hdrh.log import HistogramLogReader

ROOT = Path(__file__).resolve().parents[2]
CHAT_SERVER = ROOT / "tests" / "load" / "chat_server.py"
FILES = 400
CONNECTIONS = 1_000
ROOM = 10


@pytest.fixture
def narrow(tmp_path):
    """Makes the built generator one whose processes may open so many files each."""

    def limited(files):
        script = tmp_path / "narrow-load"
        program = Workspace(ROOT).generator()
        script.write_text(f'#!/bin/sh\nulimit -n {files} && exec {program} "$@"\n')
        script.chmod(0o755)
        return script

    return limited


@pytest.fixture
def target(checkout):
    """A chat server, which may open what this test may."""
    server = checkout.add_server(
        "chat", replace=('"{build}/server.py"]', f'"{CHAT_SERVER}", "--port", "{{port}}"]')
    )
    build(server)
    return Target(server)


@pytest.fixture
def generator(narrow, target, tmp_path):
    with start_server(Launch(target=target, log=tmp_path / "server.log")) as server:
        settings = GeneratorSettings(
            binary=narrow(FILES),
            profile=ROOT / "bench/load/profiles/idle.json",
            port=server.port,
            connections=CONNECTIONS,
            room_size=ROOM,
            open_files=FILES,
            seed=1,
            cores=[max(os.sched_getaffinity(0))],
            log=tmp_path / "generator.log",
        )
        with Generator(settings) as running:
            yield running


def hold(rate, hdr=None):
    return HoldRequest(rate=rate, warmup_s=0.2, hold_s=1.0, drain_s=5.0, label="x", hdr=hdr)


def test_one_process_can_not_do_it(generator):
    generator._of_each = CONNECTIONS
    with pytest.raises(GeneratorError, match="1000 connections need 1016 open files"):
        generator.connect(CONNECTIONS, join=True)


def test_all_are_connected_and_every_delivery_is_counted_once(generator, tmp_path):
    opened = generator.connect(CONNECTIONS, join=True)
    assert (opened.connections, opened.refused, len(generator.pids)) == (CONNECTIONS, 0, 3)
    limits = [resource.prlimit(pid, resource.RLIMIT_NOFILE)[1] for pid in generator.pids]
    assert limits == [FILES] * 3
    log = tmp_path / "x.hlog"
    found = generator.hold(hold(100, log))
    assert found.offered_messages_per_s == pytest.approx(100)
    assert found.sent == pytest.approx(100, abs=3)
    # Half of the messages go to ten members each, the other half to one.
    assert found.expected == pytest.approx(found.sent * (ROOM + 1) / 2, abs=3 * ROOM)
    assert found.delivered == found.expected
    assert (found.lost, found.duplicated, found.corrupted, found.closes) == (0, 0, 0, {})
    assert logged_deliveries(log) == found.delivered


def test_each_core_has_a_process_of_its_own(target, tmp_path):
    cores = sorted(os.sched_getaffinity(0))
    with start_server(Launch(target=target, log=tmp_path / "server.log")) as server:
        settings = GeneratorSettings(
            binary=Workspace(ROOT).generator(),
            profile=ROOT / "bench/load/profiles/idle.json",
            port=server.port,
            connections=200,
            room_size=ROOM,
            seed=1,
            cores=cores,
            log=tmp_path / "generator.log",
        )
        with Generator(settings) as generator:
            generator.connect(200, join=True)
            found = generator.hold(hold(200))
            assert [os.sched_getaffinity(pid) for pid in generator.pids] == [
                {core} for core in cores[: len(generator.pids)]
            ]
            assert len(generator.pids) == min(len(cores), 200 // ROOM)
    assert found.generator_processes == len(cores)
    assert found.lost == 0
    assert found.delivered == found.expected == found.parsed
    assert found.delay_bins is not None
    assert sum(found.delay_bins.deliveries) == found.delivered
    assert 0 < found.service_ms["p50"] <= found.service_ms["max"]


def logged_deliveries(log):
    total = empty_histogram()
    reader = HistogramLogReader(str(log), total)
    reader.add_next_interval_histogram(total)
    reader.close()
    return total.get_total_count()


def test_a_ramp_starts_a_process_when_the_others_are_full(generator):
    counts = []
    for wanted in (200, 340, 341, 1_000):
        assert generator.connect(wanted, join=True).connections == wanted
        counts.append(len(generator.pids))
    assert counts == [1, 1, 2, 3]
    assert generator.hold(hold(50)).lost == 0


def test_all_processes_storm_together_and_can_send_some_away(generator):
    generator.connect(CONNECTIONS, join=True)
    generator.disconnect(500)
    assert len(generator.pids) == 2
    outcome = generator.storm(30.0)
    assert (outcome.connections, outcome.joined, outcome.refused) == (500, 500, 0)
    assert outcome.rejoin_ms["max"] <= outcome.total_s * 1000
    assert generator.hold(hold(50)).lost == 0


@pytest.fixture
def visit(narrow, target, tmp_path, monkeypatch):
    """A cell of a server that is taken for one of several processes, so that its own open files are
    not what ends it: 900 a process leave 400 connections to each.
    """
    site = Site(
        folder=tmp_path / "results",
        generator=narrow(900),
        cpus=plan_cpus(),
        seed=1,
        open_files=900,
    )
    for module in (cell, ramp):
        monkeypatch.setattr(module, "holding_processes", lambda root, connections: 3)

    def prepare(metric, settings):
        place = Place(site=site, target=target, round=1, metric=metric)
        loads = {"idle": load_profile(Workspace(ROOT), "idle")}
        return Visit(place=place, settings=settings, loads=loads, run=None, records=[])

    return prepare


PROBE = HoldSeconds(warmup_s=0.1, hold_s=0.3, drain_s=5.0)


def test_a_ramp_goes_beyond_what_one_process_may_open(visit):
    climb = ramp.RampSettings(
        step=500, cap=1_000, seconds=60.0, probe=PROBE, probe_deliveries_per_s=200
    )
    settings = connections.Settings(load="idle", setup_s=1.0, repeats=1, ramp=climb)
    (record,) = connections.METRIC.measure(visit("connections", settings))
    assert (record.connections, record.limited_by) == (1_000, "cap"), record.stopped
    assert [step.connections for step in record.steps] == [500, 1_000]


def test_cpu_at_n_is_taken_at_all_n(visit):
    settings = cpu_at_n.Settings(load="idle", connections=1_000, setup_s=1.0, quiet=PROBE)
    (record,) = cpu_at_n.METRIC.measure(visit("cpu_at_n", settings))
    assert record.connections == 1_000
    assert record.messages_per_s == pytest.approx(1_000 / 60, rel=1e-3)


HOLDER = "import os, time; [os.dup(0) for _ in range({files})]; print(flush=True); time.sleep(60)"


def test_processes_that_hold_connections_are_told_from_those_that_do_not():
    """Below this one: two that share 600 connections, and one that has nothing to do with them."""
    with ExitStack() as stack:
        for files in (320, 280, 5):
            command = [sys.executable, "-c", HOLDER.format(files=files)]
            child = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
            stack.callback(child.kill)
            child.stdout.readline()
        assert holding_processes(os.getpid(), 600) == 2
    assert holding_processes(os.getpid(), 600) == 1

"""The generator's driver: what it sends and understands, and that none of its waits is endless."""

import os
import sys

import pytest
from chinwag_bench.errors import GeneratorError, HostError
from chinwag_bench.generator import Generator, GeneratorSettings, HoldRequest, niceness
from chinwag_bench.generator import group as driver


@pytest.fixture
def settings(checkout, start, tmp_path):
    return GeneratorSettings(
        binary=checkout.generator,
        profile=tmp_path / "profile.json",
        port=start().port,
        connections=10,
        seed=1,
        cores=[min(os.sched_getaffinity(0))],
        log=tmp_path / "generator.log",
    )


def request(**change):
    plain = {"rate": 100.0, "warmup_s": 0.0, "hold_s": 0.1, "drain_s": 0.0, "label": "x"}
    return HoldRequest(**plain | change)


def test_a_whole_conversation(settings, tmp_path):
    samples = []
    with Generator(settings) as generator:
        assert generator.connect(10, join=True).connections == 10
        generator.join()
        hold = generator.hold(request(hdr=tmp_path / "x.hlog"), lambda: samples.append(1))
        generator.rest(0.1)
    assert hold.offered_messages_per_s == 100
    assert len(samples) == 2
    assert (tmp_path / "x.hlog").is_file()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("error", "the load generator: out of luck"),
        ("quit", "ended with code 5"),
        ("garbage", "a line that is not JSON: b'no json'"),
    ],
)
def test_what_goes_wrong_is_said(settings, monkeypatch, fault, said):
    monkeypatch.setenv("FAKE_FAULT", fault)
    with pytest.raises(GeneratorError, match=said), Generator(settings) as generator:
        generator.connect(10, join=True)
        generator.hold(request())


def test_what_can_t_be_written_is_the_machine_s_fault_and_ends_a_run(
    settings, monkeypatch, tmp_path
):
    monkeypatch.setenv("FAKE_FAULT", "full")
    refused = pytest.raises(HostError, match=r"the load generator: x.hlog: .* can't be written")
    with refused, Generator(settings) as generator:
        generator.connect(10, join=True)
        generator.hold(request(hdr=tmp_path / "x.hlog"))


def test_its_log_is_shown_when_it_ends(settings, monkeypatch):
    monkeypatch.setenv("FAKE_FAULT", "quit")
    with pytest.raises(GeneratorError) as caught, Generator(settings) as generator:
        generator.connect(10, join=True)
        generator.hold(request())
    assert caught.value.detail == "fake: leaving"


@pytest.mark.parametrize(("fault", "by_signal"), [("killed", True), ("quit", False)])
def test_an_end_by_somebody_s_signal_is_told_from_one_of_its_own(
    settings, monkeypatch, fault, by_signal
):
    monkeypatch.setenv("FAKE_FAULT", fault)
    with pytest.raises(GeneratorError) as caught, Generator(settings) as generator:
        generator.connect(10, join=True)
        generator.hold(request())
    assert caught.value.by_signal is by_signal


def test_silence_has_an_end(settings, monkeypatch):
    monkeypatch.setenv("FAKE_FAULT", "silent")
    monkeypatch.setattr(driver, "_GRACE_S", 0.2)
    silence = pytest.raises(GeneratorError, match=r"said nothing .* where `hold_started` was due")
    with silence, Generator(settings) as generator:
        generator.connect(10, join=True)
        generator.hold(request())
    (process,) = generator._processes
    assert process.exit_code is not None, "it is still there"


def test_a_program_that_ends_at_once_is_an_error(settings, tmp_path):
    script = tmp_path / "broken"
    script.write_text(f"#!{sys.executable}\nraise SystemExit('no such profile')\n")
    script.chmod(0o755)
    settings.binary = script
    early_end = pytest.raises(GeneratorError, match="ended with code 1")
    with early_end as caught, Generator(settings) as generator:
        generator.connect(10, join=True)
    assert caught.value.detail == "no such profile"


def test_a_hold_without_its_figures_is_refused(settings, tmp_path):
    script = tmp_path / "liar"
    events = '{"event":"hold_started"}\n{"event":"hold_ended"}\n{"event":"hold","hold":{}}\n'
    script.write_text(f"#!{sys.executable}\nprint({events!r}, flush=True)\ninput()\n")
    script.chmod(0o755)
    settings.binary = script
    misfit = pytest.raises(GeneratorError, match=r"does not fit records.Hold: .*missing")
    with misfit, Generator(settings) as generator:
        generator.hold(request())


def test_the_kit_keeps_off_its_cores_while_it_holds(settings):
    cores = os.sched_getaffinity(0)
    if len(cores) == 1:
        pytest.skip("one core only")
    seen = []
    with Generator(settings) as generator:
        generator.connect(10, join=True)
        generator.hold(request(), lambda: seen.append(os.sched_getaffinity(0)))
    assert seen == [cores - set(settings.cores)] * 2
    assert os.sched_getaffinity(0) == cores


@pytest.mark.parametrize(("server", "asked"), [([0], -10), ([1], 0), ([0, 1], 0)])
def test_it_goes_before_others_only_on_cores_of_its_own(server, asked):
    assert niceness([1], server) == asked


def test_what_the_system_grants_is_said(settings):
    settings.niceness = -10
    with Generator(settings) as generator:
        granted = os.getpriority(os.PRIO_PROCESS, generator.pids[0])
        assert generator.niceness == granted
        assert granted in (-10, 0), "it is asked for, and not required"


def test_how_much_is_parsed_can_be_asked_for():
    assert request().command()["parse_every"] == 0
    assert request(parse_every=1).command()["parse_every"] == 1


def test_it_runs_on_its_cores(settings):
    with Generator(settings) as generator:
        assert os.sched_getaffinity(generator.pids[0]) == set(settings.cores)

"""Calibration: what the generator itself can do, in a run's raw data, and who came near to it."""

import json
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from chinwag_bench import calibration
from chinwag_bench.errors import HostError
from chinwag_bench.judging.judge import judge
from chinwag_bench.judging.matrix import Cell
from chinwag_bench.judging.near_ceiling import near_ceiling
from chinwag_bench.load_profile import load_profile
from chinwag_bench.machine.cpu_plan import plan_cpus
from chinwag_bench.machine.open_files import raise_limit
from chinwag_bench.metrics.cell import Site
from chinwag_bench.paths import Workspace
from chinwag_bench.records import Calibration, Ceiling
from chinwag_bench.render import html
from chinwag_bench.servers.build import build
from chinwag_bench.servers.catalog import discover
from chinwag_bench.validation import validate

from . import result_builder

ECHOES = ("[variants.default]", '[echo]\nenv = { TOY_ECHO = "yes" }\n\n[variants.default]')
DELIVERIES_PER_MESSAGE = 5.5
ROOT = Path(__file__).resolve().parents[2]
FAN_OUT = str(ROOT / "build/release/bench/floor/chinwag-fan-out")


@pytest.fixture
def echoing(checkout):
    server = checkout.add_server(replace=ECHOES)
    build(server)
    return discover(checkout.workspace)


@pytest.fixture
def site(checkout, tmp_path):
    return Site(
        folder=tmp_path / "results",
        generator=checkout.generator,
        cpus=plan_cpus(),
        seed=1,
        open_files=raise_limit(),
    )


def loads_of(checkout, *names):
    return {name: load_profile(checkout.workspace, name) for name in calibration.loads_of(names)}


def test_each_load_has_its_ceiling(checkout, echoing, site, monkeypatch):
    capacity = 40_000
    monkeypatch.setenv("FAKE_CAPACITY", str(capacity))
    found = calibration.calibrate(site, loads_of(checkout, "article", "broadcast"), echoing)
    named = [ceiling.load for ceiling in found.ceilings]
    assert (found.server, named) == ("fan-out", ["echo", "article", "broadcast"])
    for ceiling in found.ceilings:
        # An overload of a few percent passes in holds as short as these.
        assert capacity / 1.25 < ceiling.messages_per_s <= capacity * 1.06
        assert ceiling.cpu_us_per_message == pytest.approx(0.1e6 / ceiling.messages_per_s)
        assert ceiling.cpu_us_per_delivery < ceiling.cpu_us_per_message
        assert ceiling.send_lag_ms["p99"] == 0.02
        # The model is a server's, which takes no time: nobody was busy.
        assert (ceiling.limited_by, ceiling.lower_bound) == ("machine", True)


def test_the_echoing_server_gets_its_settings_and_the_other_does_not(echoing):
    echo, plain = calibration.echoing(echoing)
    assert echo.server.manifest.transport == "echo"
    assert echo.server.manifest.run.env["TOY_ECHO"] == "yes"
    assert plain.server.manifest.transport == "websocket"
    assert "TOY_ECHO" not in plain.server.manifest.run.env


def test_without_a_server_that_echoes_there_is_none(checkout):
    checkout.add_server()
    with pytest.raises(HostError, match="no server here echoes messages"):
        calibration.echoing(discover(checkout.workspace))


def test_a_failed_search_is_a_ceiling_with_its_reason(checkout, echoing, site, monkeypatch):
    monkeypatch.setenv("FAKE_FAULT", "error")
    found = calibration.calibrate(site, loads_of(checkout, "article"), echoing)
    assert ["out of luck" in ceiling.reason for ceiling in found.ceilings] == [True, True]
    assert calibration.describe(found)[0].startswith("echo: not known: the load generator: out of")


def test_loads_are_those_of_the_plan_that_are_about_rates():
    assert calibration.loads_of(["idle", "direct", "storm", "article"]) == [
        "echo",
        "article",
        "direct",
    ]


def test_without_the_sink_the_reason_is_told(checkout, echoing, site, monkeypatch):
    monkeypatch.setenv("FAKE_CAPACITY", "40000")
    monkeypatch.setenv("CHINWAG_FAN_OUT", "/nonexistent/chinwag-fan-out")
    echo, article = calibration.calibrate(site, loads_of(checkout, "article"), echoing).ceilings
    assert echo.reason is None
    assert "chinwag-fan-out is missing: /nonexistent/chinwag-fan-out" in article.reason


def step(*, generator=0.5, server=0.4, processes=1):
    hold = SimpleNamespace(generator_cpu=generator, generator_processes=processes, hold_s=0.8)
    return SimpleNamespace(hold=hold, server_cpu_s=server)


@pytest.mark.parametrize(
    ("best", "failed", "expected"),
    [
        (step(), None, ("time", True)),
        (step(generator=0.95), step(), ("generator", False)),
        (step(), step(generator=0.95), ("generator", False)),
        (step(), step(generator=1.5, processes=2), ("machine", True)),
        (step(), step(generator=1.9, processes=2), ("generator", False)),
        (step(), step(server=0.75), ("server", True)),
        (step(), step(), ("machine", True)),
    ],
)
def test_only_the_generator_s_own_end_is_its_ceiling(best, failed, expected):
    assert calibration.limit(best, failed, server_cores=1) == expected


def test_the_real_generator_against_the_real_sink_has_a_ceiling(site):
    """On any machine with two cores, however busy: it halves its rate until that is kept."""
    workspace = Workspace(ROOT)
    real = msgspec.structs.replace(site, generator=workspace.generator())
    loads = {"article": load_profile(workspace, "article")}
    (ceiling,) = calibration.calibrate(real, loads, discover(workspace)).ceilings
    assert ceiling.reason is None, ceiling.reason
    assert ceiling.deliveries_per_s > 1_000
    assert ceiling.limited_by in ("generator", "server", "machine", "time")
    assert 0 < ceiling.cpu_us_per_delivery < 1_000


ARTICLE = Ceiling(
    load="article",
    connections=1_000,
    messages_per_s=20_000.0,
    deliveries_per_s=1_000_000.0,
    cpu_us_per_message=45.0,
    cpu_us_per_delivery=0.9,
    generator_cpu=0.95,
    send_lag_ms={"p50": 0.1, "p99": 1.5, "max": 3.0},
    receive_lag_ms={"p50": 0.1, "p99": 0.5, "max": 1.0},
    limited_by="generator",
)
CALIBRATED = Calibration(server="toy", started_at=0.0, seconds=12.0, ceilings=[ARTICLE])


def throughput(column, value):
    return Cell(row="throughput_deliveries", column=column, value=value, unit="deliveries/s")


def test_columns_near_the_ceiling_are_told_nearest_first():
    cells = [
        throughput("far", 799_000.0),
        throughput("near", 800_000.0),
        throughput("nearest", 990_000.0),
        throughput("none", None),
        Cell(row="throughput_messages", column="far", value=1e9, unit="messages/s"),
    ]
    found = near_ceiling(CALIBRATED, ["article"], cells)
    assert [(one.column, one.share) for one in found] == [("nearest", 0.99), ("near", 0.8)]


def test_servers_beyond_what_the_calibration_saw_are_named_with_those_near_it():
    """One that went far beyond it does not hide the next."""
    cells = [throughput("fast", 2_000_000.0), throughput("slow", 1_500_000.0)]
    assert [one.share for one in near_ceiling(CALIBRATED, ["article"], cells)] == [2.0, 1.5]


def test_a_calibration_that_its_server_ended_is_no_ceiling():
    bound = msgspec.structs.replace(ARTICLE, limited_by="server", lower_bound=True)
    found = msgspec.structs.replace(CALIBRATED, ceilings=[bound])
    assert near_ceiling(found, ["article"], [throughput("fast", 2_000_000.0)]) == []


def test_a_ceiling_says_nothing_of_another_load():
    assert near_ceiling(CALIBRATED, ["chatty-small"], [throughput("a", 1e6)]) == []
    assert near_ceiling(None, ["article"], [throughput("a", 1e6)]) == []


def test_the_report_and_the_matrix_have_it(tmp_path):
    folder = result_builder.build(tmp_path / "run")
    raw = folder / "raw" / "calibration.ndjson"
    ceiling = msgspec.structs.replace(ARTICLE, deliveries_per_s=650_000.0)
    calibrated = msgspec.structs.replace(CALIBRATED, ceilings=[ceiling])
    raw.write_bytes(msgspec.json.encode(calibrated) + b"\n")
    matrix = judge(folder)
    assert matrix.calibration == calibrated
    page = html.document(matrix)
    assert "20,000 messages/s, 650,000 deliveries/s; 45.00 us of CPU a message" in page
    assert {near.column for near in matrix.near_ceiling} == {"chinwagd"}
    assert "perhaps held back by it: chinwagd (9" in page


def test_a_run_without_one_has_no_such_section(tmp_path):
    matrix = judge(result_builder.build(tmp_path / "run"))
    assert matrix.calibration is None
    assert "What the generator can do" not in html.document(matrix)


def test_a_broken_record_of_it_is_found(tmp_path):
    folder = result_builder.build(tmp_path / "run")
    (folder / "raw" / "calibration.ndjson").write_text('{"server": 7}\n')
    problems = [problem for problem in validate(folder).problems if "calibration" in problem.file]
    assert [problem.line for problem in problems] == [1]


def test_the_command_shows_it(checkout, echoing):
    done = checkout.chinwag(
        "calibrate", "--json", "--quiet", FAKE_CAPACITY="40000", CHINWAG_FAN_OUT=FAN_OUT
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert [ceiling["load"] for ceiling in found["ceilings"]] == ["echo", "article"]
    shown = checkout.chinwag(
        "calibrate", "--load", "broadcast", FAKE_CAPACITY="40000", CHINWAG_FAN_OUT=FAN_OUT
    )
    assert "broadcast, 10 connections to fan-out: " in shown.stdout
    assert "messages/s" in shown.stdout


def test_a_run_is_calibrated_once(checkout, echoing, tmp_path):
    profile = tmp_path / "calibrated.toml"
    tiny = (Path(__file__).parent / "fixtures" / "tiny.toml").read_text()
    profile.write_text(tiny.replace("repeats_max", "calibrate = true\nrepeats_max"))
    arguments = ("--results", str(tmp_path / "out"), "--quiet", "--json")
    settings = {"FAKE_CAPACITY": "40000", "CHINWAG_FAN_OUT": FAN_OUT}
    done = checkout.chinwag("run", str(profile), *arguments, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    (raw,) = (tmp_path / "out").glob("*/raw/calibration.ndjson")
    first = raw.read_bytes()
    assert msgspec.json.decode(first, type=Calibration).server == "fan-out"
    folder = str(raw.parent.parent)
    again = checkout.chinwag("run", "--resume", folder, "--quiet", FAKE_CAPACITY="40000")
    assert again.returncode == 0, again.stderr
    assert raw.read_bytes() == first


def test_an_unknown_ceiling_is_not_one_that_nobody_came_near_to(tmp_path):
    folder = result_builder.build(tmp_path / "run")
    unknown = Ceiling(load="article", connections=1_000, reason="no rate was kept; last: loss")
    echo = msgspec.structs.replace(ARTICLE, load="echo")
    calibrated = msgspec.structs.replace(CALIBRATED, ceilings=[echo, unknown])
    (folder / "raw" / "calibration.ndjson").write_bytes(msgspec.json.encode(calibrated) + b"\n")
    page = html.document(judge(folder))
    assert "article: not known: no rate was kept; last: loss" in page
    assert "came near the generator&#39;s ceiling" not in page
    assert "came near the generator's ceiling" not in page
    assert "is not known" in page


def test_a_ceiling_without_any_rate_names_nobody():
    one = Ceiling(load="article", connections=1, deliveries_per_s=5e5)
    found = Calibration(server="x", started_at=0, seconds=1, ceilings=[one])
    assert near_ceiling(found, ["article"], []) == []

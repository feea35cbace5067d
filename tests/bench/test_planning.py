"""How many machines a load takes, on results of which the truth is known."""

import dataclasses
import io
import json

import msgspec
import pytest
from chinwag_bench.deciding.facts import all_facts
from chinwag_bench.errors import UsageError
from chinwag_bench.judging.judge import judge
from chinwag_bench.planning import machines
from chinwag_bench.planning.capacity import MEMORY_LEFT, Load, capacity
from chinwag_bench.planning.forecast import forecast
from chinwag_bench.planning.machines import Machine
from chinwag_bench.planning.plan import plan
from chinwag_bench.render.plan import print_cost, span
from rich.console import Console

from . import result_builder
from .result_builder import SERVERS, build

PLAIN = SERVERS[2]
ONE_CORE = Machine(vcpus=1, memory_gb=100, network_gbit=100, usd_hour=1)
WHOLE = machines.Prices(as_of="2026-01-01", source="made up", machines={"one": ONE_CORE})


def made(name, **changes):
    column = msgspec.structs.replace(
        PLAIN.column, id=name, server=name, title=name, published=None, threads="cores"
    )
    return dataclasses.replace(PLAIN, column=column, **changes)


@pytest.fixture
def facts_of(monkeypatch, tmp_path):
    def found(*servers):
        monkeypatch.setattr(result_builder, "SERVERS", list(servers))
        matrix = judge(build(tmp_path / "result"))
        return all_facts(matrix)[0]

    return found


def needs(found):
    return {need.resource: need.machines for need in found.needs}


def with_cell(facts, row, value):
    """As if the run had measured it, once and exactly."""
    like = next(cell for cell in facts.matrix.cells if cell.row == "memory_empty")
    cell = msgspec.structs.replace(
        like, row=row, value=value, low=value, high=value, interval=(value, value), rounds=3
    )
    facts.values._by_place[row, facts.column.id] = cell


def test_a_load_that_one_core_carries_takes_one_machine(facts_of):
    found = capacity(facts_of(made("one")), Load(1_000, 20_000, 100), ONE_CORE)
    assert found.machines == (1, 1)
    assert found.missing == []


def test_cpu_binds_a_high_rate_and_the_true_number_lies_between(facts_of):
    """The server keeps 168,000/s on a core: ten times that takes ten cores, and what joining costs
    was not measured, so nobody knows how many more."""
    found = capacity(facts_of(made("one")), Load(1_000, 1_680_000, 1000), ONE_CORE)
    assert found.binds == "CPU"
    low, high = found.machines
    assert 8 <= low <= 11
    assert high is None
    assert any("join" in remark for remark in found.remarks)


def test_what_joining_costs_widens_the_answer_and_closes_it(facts_of):
    facts = facts_of(made("one"))
    with_cell(facts, "cluster_cpu", 3 * facts.value("common_cpu_per_delivery"))
    low, high = capacity(facts, Load(1_000, 1_680_000, 1000), ONE_CORE).machines
    assert 8 <= low <= 11
    assert 28 <= high <= 40


def test_memory_binds_many_connections(facts_of):
    """Per 10,000 connections 144 MB, 158 after a rest, and 40 of the kernel's."""
    small = Machine(vcpus=64, memory_gb=1, network_gbit=100, usd_hour=1)
    found = capacity(facts_of(made("one", empty_mb=0)), Load(1_000_000, 1_000, 1000), small)
    assert found.binds == "memory"
    expected = 100 * (158.4 + 40) / (1_000 * (1 - MEMORY_LEFT))
    assert needs(found)["memory"].low <= expected * 1.02
    assert needs(found)["memory"].high >= expected * 0.98
    assert any("projection" in remark for remark in found.remarks)


def test_network_and_files_bind_what_asks_for_them(facts_of):
    facts = facts_of(made("one"))
    slow = Machine(vcpus=64, memory_gb=100, network_gbit=0.001, usd_hour=1)
    few = Machine(vcpus=64, memory_gb=100, network_gbit=10, usd_hour=1, files_a_process=1_000)
    assert capacity(facts, Load(1_000, 20_000, 1000), slow).binds == "network"
    found = capacity(facts, Load(10_500, 1_000, 1000), few)
    assert (found.binds, found.machines[0]) == ("files", 11)


def test_a_server_of_one_thread_runs_a_process_a_core(facts_of):
    server = made("one")
    server.column.threads = "one"
    machine = Machine(vcpus=4, threads_per_core=2, memory_gb=100, network_gbit=100, usd_hour=1)
    found = capacity(facts_of(server), Load(1_000, 20_000, 1000), machine)
    assert found.processes == 2


def test_several_cores_that_were_not_measured_may_be_of_no_use(facts_of):
    machine = Machine(vcpus=8, memory_gb=100, network_gbit=100, usd_hour=1)
    facts = facts_of(made("one"))
    cpu = needs(capacity(facts, Load(1_000, 500_000, 1000), machine))["CPU"]
    assert cpu.low < 1 < cpu.high
    with_cell(facts, "cores_1_cpu", 5.0)
    with_cell(facts, "cores_2_cpu", 5.0)
    scaled = needs(capacity(facts, Load(1_000, 500_000, 1000), machine))["CPU"]
    assert scaled.high < 1


def test_a_p99_that_was_never_kept_has_no_answer(facts_of):
    found = capacity(facts_of(made("one")), Load(1_000, 20_000, 0.001), ONE_CORE)
    assert found.machines is None
    assert "none was kept" in found.missing[0]


def test_money_follows_from_machines(facts_of):
    facts = facts_of(made("one"))
    (entry,) = plan(facts.matrix, Load(1_000, 1_000, 1000), WHOLE, ["one"], spare=1).entries
    assert entry.machines == (2, 2)
    assert entry.money.a_month == (1460, 1460)
    assert entry.money.per_100k_connections == (146_000, 146_000)
    assert entry.money.per_million_deliveries == pytest.approx((2 / 3.6, 2 / 3.6))
    silent = plan(facts.matrix, Load(1_000, 0, 1000), WHOLE, ["one"]).entries[0]
    assert silent.money.per_million_deliveries is None


def test_the_cheapest_comes_first_and_the_unknown_last(facts_of):
    matrix = facts_of(made("heavy", user_mb=9_000), made("light", user_mb=9)).matrix
    names = [one.column for one in plan(matrix, Load(1e6, 1e3, 1000), WHOLE, ["one"]).entries]
    assert names == ["light", "heavy"]


def test_unknown_names_are_refused(facts_of):
    matrix = facts_of(made("one")).matrix
    load = Load(1_000, 1_000, 100)
    with pytest.raises(UsageError, match="has not measured 'two'"):
        plan(matrix, load, WHOLE, ["one"], servers=["two"])
    with pytest.raises(UsageError, match="there is no machine 'two'"):
        plan(matrix, load, WHOLE, ["two"])


def test_a_forecast_lies_between_the_holds_beside_it(facts_of):
    facts = facts_of(made("one"))
    rates = sorted(one.deliveries_per_s for one in facts.rate_points if one.kept)
    between = (rates[0] + rates[-1]) / 2
    found = forecast(facts, 1_000, between)
    assert found.p99_ms.low <= found.p99_ms.high
    assert found.cores.low == pytest.approx(5.7 * between / 1e6, rel=0.25)
    assert found.memory_mb.low < found.memory_mb.high
    assert forecast(facts, 1_000, rates[-1] * 2).p99_ms is None


def test_a_forecast_is_no_surer_than_one_server_is_of_itself(facts_of):
    facts = facts_of(made("one"))
    rate = sorted(one.deliveries_per_s for one in facts.rate_points if one.kept)[0]
    sure = dataclasses.replace(facts, values=dataclasses.replace(facts.values, itself={}))
    ratios = {"common_cpu_per_delivery": [0.8], "common_p99": [2.0]}
    unsure = dataclasses.replace(facts, values=dataclasses.replace(facts.values, itself=ratios))
    narrow, wide = forecast(sure, 0, rate), forecast(unsure, 0, rate)
    assert wide.p99_ms.low == pytest.approx(narrow.p99_ms.low / 2)
    assert wide.p99_ms.high == pytest.approx(narrow.p99_ms.high * 2)
    assert wide.cores.low == pytest.approx(narrow.cores.low * 0.8)


def test_the_price_file_is_whole_and_dated():
    prices = machines.read()
    assert prices.as_of
    assert prices.source
    assert prices.machine("c6i.4xlarge").cores == 8


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("as_of = 1", "Expected `str`"),
        ('as_of = "x"\nsource = "y"\nmachines = {}', "it has no machine"),
        (
            'as_of = "x"\nsource = "y"\n[machines.a]\nvcpus = 0\nmemory_gb = 1\nnetwork_gbit = 1\n'
            "usd_hour = 1",
            "machine 'a': vcpus = 0",
        ),
        (
            'as_of = "x"\nsource = "y"\n[machines.a]\nvcpus = 1\nmemory_gb = 1\nnetwork_gbit = 1\n'
            "usd_hour = nan",
            "machine 'a': usd_hour = nan",
        ),
        (
            'as_of = "x"\nsource = "y"\n[machines."my box"]\nvcpus = "2"\nmemory_gb = 1\n'
            "network_gbit = 1\nusd_hour = 1",
            "machine 'my box': Expected `int`, got `str` - at `$.vcpus`",
        ),
        (
            'as_of = "x"\nsource = "y"\n[machines.a]\nvcpus = 90000000000\nmemory_gb = 1\n'
            "network_gbit = 1\nusd_hour = 1",
            "machine 'a': vcpus = 90000000000 is out of range\nvcpus is 1 to 10,000",
        ),
        ('as_of = "\udcff"', "can't decode byte 0xff"),
        pytest.param(f"hours_a_month = {'9' * 5_000}", "integer", id="digits"),
        pytest.param(f"machines = {'[' * 100_000}", "recursion", id="brackets"),
    ],
)
def test_a_price_file_that_is_none_is_refused(tmp_path, text, said):
    file = tmp_path / "prices.toml"
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(UsageError) as refused:
        machines.read(file)
    assert said in refused.value.text()


@pytest.mark.parametrize(
    ("sides", "shown"),
    [(None, "-"), ((3, 3), "3"), ((3, 5), "3 to 5"), ((3, None), "3 or more")],
)
def test_two_sides_read_as_a_span(sides, shown):
    assert span(sides) == shown


def test_the_commands_print_machines_and_money(checkout):
    build(checkout.root / "results" / "mine")
    done = checkout.chinwag("plan", "--connections", "50000", "--rate", "1e6")
    assert done.returncode == 0, done.stderr
    assert "Machines for 50,000 connections, 1,000,000 deliveries/s" in done.stdout
    done = checkout.chinwag("cost", "--connections", "50000", "--rate", "1e5", "--json")
    (found,) = map(json.loads, done.stdout.splitlines())
    assert {one["machine"] for one in found["entries"]} == set(machines.read().machines)
    done = checkout.chinwag("cost", "--connections", "50000", "--rate", "1e5")
    assert "Prices of " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plan", "--machine", "huge"], "there is no machine 'huge'"),
        (["plan", "--connections", "0"], "--connections 0 is out of range"),
        (["cost", "--rate", "nan"], "--rate nan is out of range"),
        (["cost", "--prices", "missing.toml"], "missing.toml"),
        (["plan", "--servers", ","], "--servers ',' names no server"),
        (["cost", "--machine", ""], "--machine '' names no machine"),
    ],
)
def test_the_commands_refuse_what_they_can_not_answer(checkout, arguments, said):
    build(checkout.root / "results" / "mine")
    done = checkout.chinwag(*arguments)
    assert done.returncode in (2, 3)
    assert said in done.stderr


def shown_of_cost(facts, name, width):
    kinds = msgspec.structs.replace(WHOLE, machines={name: ONE_CORE})
    found = plan(facts.matrix, Load(1_000, 10_000, 100), kinds, [name])
    out = io.StringIO()
    print_cost(found, Console(file=out, width=width, force_terminal=True, color_system=None))
    return out.getvalue()


@pytest.mark.parametrize("width", [60, 40])
def test_a_narrow_terminal_breaks_no_name_and_no_figure_of_a_cost(facts_of, width):
    facts = facts_of(made("node-socketio:tuned"))
    shown, wide = (shown_of_cost(facts, "c6i", one) for one in (width, 200))
    words = next(line for line in wide.splitlines() if line.startswith("node-socketio")).split()
    assert words[:2] == ["node-socketio:tuned", "c6i"]
    lines = [line.split() for line in shown.splitlines()[2:]]
    of_one = [line[1:] for line in lines if line[:1] == words[:1]]
    assert [word for part in of_one for word in part] == words[1:]


def test_a_machine_s_name_is_no_markup(facts_of):
    assert "my box [/x]" in shown_of_cost(facts_of(made("one")), "my box [/x]", 200)


def test_half_a_core_runs_one_process(facts_of):
    facts = facts_of(made("one"))
    facts.column.threads = "one"
    half = msgspec.structs.replace(ONE_CORE, threads_per_core=2)
    found = capacity(facts, Load(1_000, 1_000, 100), half)
    assert found.processes == 1
    assert found.machines is not None


def test_a_machine_too_small_for_the_programs_is_said_to_be_so(facts_of):
    facts = facts_of(made("one"))
    kinds = {"small": msgspec.structs.replace(ONE_CORE, memory_gb=0.001), "one": ONE_CORE}
    prices = msgspec.structs.replace(WHOLE, machines=kinds)
    fits, does_not = plan(facts.matrix, Load(1_000, 1_000, 100), prices, ["small", "one"]).entries
    assert (fits.machine, fits.missing) == ("one", [])
    assert (does_not.machine, does_not.machines) == ("small", None)
    assert "it does not fit on a 0.001 GB machine: " in does_not.missing[0]

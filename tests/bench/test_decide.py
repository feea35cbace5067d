"""Which server for given needs, on results of which the truth is known."""

import dataclasses
import json
from pathlib import Path

import msgspec
import pytest
from chinwag_bench.claims.catalog import When, load
from chinwag_bench.deciding import needs as asked
from chinwag_bench.deciding.decision import decide
from chinwag_bench.deciding.needs import Needs
from chinwag_bench.deciding.rules import applies
from chinwag_bench.errors import UsageError
from chinwag_bench.judging.judge import judge
from chinwag_bench.records import Floor
from chinwag_bench.render.decision import headline

from . import result_builder
from .result_builder import SERVERS, build

PLAIN = SERVERS[2]
REFERENCE = Path(__file__).resolve().parents[2] / "results" / "reference"
LIGHT = Needs(connections=1_000, deliveries_per_s=20_000)


def made(name, language="Go", **changes):
    column = msgspec.structs.replace(
        PLAIN.column, id=name, server=name, title=name, language=language, published=None
    )
    return dataclasses.replace(PLAIN, column=column, **changes)


@pytest.fixture
def matrix_of(monkeypatch, tmp_path):
    def judged(*servers, **options):
        monkeypatch.setattr(result_builder, "SERVERS", list(servers))
        return judge(build(tmp_path / "result", **options))

    return judged


def by_column(decision):
    return {one.column: one for one in decision.choices}


def findings(choice):
    return {one.about: one.kind for one in choice.needs}


def test_a_slow_server_that_is_enough_and_takes_least_wins(matrix_of):
    frugal = made("frugal", rate=60_000, cpu_us=1.0, p50_ms=0.2, user_mb=10)
    fast = made("fast", rate=900_000, cpu_us=5.0, p50_ms=0.9, user_mb=140)
    decision = decide(matrix_of(frugal, fast), LIGHT)
    assert [(one.column, one.kind, one.place) for one in decision.choices] == [
        ("frugal", "enough", 1),
        ("fast", "enough", 2),
    ]
    assert decision.choices[0].wins == 1.0


def test_a_server_that_does_not_keep_the_rate_comes_last_whatever_it_saves(matrix_of):
    frugal = made("frugal", rate=60_000, cpu_us=1.0, p50_ms=0.2, user_mb=10)
    fast = made("fast", rate=900_000, cpu_us=5.0, p50_ms=0.9, user_mb=140)
    decision = decide(
        matrix_of(frugal, fast), Needs(connections=1_000, deliveries_per_s=300_000, cores=1)
    )
    assert [(one.column, one.kind, one.place) for one in decision.choices] == [
        ("fast", "enough", 1),
        ("frugal", "not_enough", None),
    ]


def test_the_load_is_told_in_what_it_takes_of_a_network(matrix_of):
    """Nothing of loopback's rates says what a card carries."""
    matrix = matrix_of(made("one"))
    busy = Needs(connections=1_000, deliveries_per_s=1_000_000)
    assert decide(matrix, busy).network_gbit_per_s is None
    matrix.floor = Floor(started_at=0.0, status="ok", frame_bytes=1_143, connections=1_000)
    assert decide(matrix, busy).network_gbit_per_s == pytest.approx(9.144)


def test_equal_servers_are_tied_though_their_rounds_differ(matrix_of):
    decision = decide(matrix_of(made("one"), made("other")), LIGHT)
    assert [(one.place, one.tied) for one in decision.choices] == [(1, True), (1, True)]


def test_servers_that_are_better_at_different_things_are_tied_and_share_the_weightings(matrix_of):
    cheap = made("cheap", cpu_us=2.0, user_mb=100, empty_mb=1)
    dense = made("dense", cpu_us=4.0, user_mb=5, empty_mb=1)
    decision = decide(matrix_of(cheap, dense), LIGHT)
    shares = {one.column: one.wins for one in decision.choices}
    assert 0.1 < shares["cheap"] < 0.9
    assert sum(shares.values()) == pytest.approx(1)


def test_weights_move_the_first_place(matrix_of):
    cheap = made("cheap", cpu_us=2.0, user_mb=100)
    dense = made("dense", cpu_us=20.0, user_mb=5)
    matrix = matrix_of(cheap, dense)
    many = Needs(connections=100_000, deliveries_per_s=20_000)
    for name, winner in (("cpu", "cheap"), ("memory", "dense")):
        weighed = asked.changed(many, weights={"cpu": 0, "p99": 0, "memory": 0, name: 1})
        decision = decide(matrix, weighed)
        assert [one.column for one in decision.first] == [winner]
        assert {one.kind for one in decision.choices} == {"if_it_scales"}  # 19,500 were held.


def test_a_missing_server_is_no_choice_and_a_missing_merit_no_place(matrix_of, tmp_path):
    matrix = matrix_of(made("whole"), made("without"))
    matrix.cells = [
        cell
        for cell in matrix.cells
        if not (cell.column == "without" and cell.row.startswith("memory"))
    ]
    decision = decide(matrix, LIGHT)
    assert {one.column: one.place for one in decision.choices} == {"whole": 1, "without": None}
    assert by_column(decision)["without"].wins == 0
    within = decide(matrix, asked.changed(LIGHT, memory_mb=1_000))
    assert findings(by_column(within)["without"])["memory"] == "unknown"


def test_a_bound_is_no_limit(matrix_of):
    """The generator ended its search: it may do more, and nobody knows."""
    bounded = made("bounded", rate=100_000, generator_limited=True)
    ended = made("ended", rate=100_000)
    decision = decide(
        matrix_of(bounded, ended), Needs(connections=1_000, deliveries_per_s=1_000_000, cores=1)
    )
    assert {one.column: one.kind for one in decision.choices} == {
        "bounded": "unknown",
        "ended": "not_enough",
    }


def test_memory_that_straddles_the_limit_is_not_known(matrix_of):
    matrix = matrix_of(made("one", user_mb=100, empty_mb=0))
    takes = by_column(decide(matrix, LIGHT))["one"].merits
    memory = next(one for one in takes if one.about == "memory")
    low, high = memory.sides
    kinds = [
        findings(decide(matrix, asked.changed(LIGHT, memory_mb=limit)).choices[0])["memory"]
        for limit in (low - 1, (low + high) / 2, high + 1)
    ]
    assert kinds == ["not_enough", "unknown", "enough"]


def test_what_was_not_measured_is_not_known(matrix_of):
    decision = decide(
        matrix_of(made("one")), asked.changed(LIGHT, upgrades=True, recovery_ms=100, nodes=2)
    )
    (choice,) = decision.choices
    assert findings(choice) == {
        "load": "enough",
        "memory": "enough",
        "recovery": "unknown",
        "upgrades": "unknown",
        "nodes": "not_enough",
    }
    assert choice.place is None


def test_another_variant_of_the_same_server_stands_in_for_what_was_measured_of_it_only(matrix_of):
    matrix = matrix_of(made("go"), made("go:tuned"))
    for column in matrix.columns:
        column.server = "go"
    for cell in matrix.cells:
        if cell.column == "go" and cell.row.startswith("memory"):
            cell.value = None
    choice = by_column(decide(matrix, LIGHT))["go"]
    assert findings(choice)["memory"] == "enough"


def test_languages_leave_out_and_it_is_said_who_would_be_first(matrix_of):
    matrix = matrix_of(made("fast", "C++", cpu_us=1.0), made("own", "Go", cpu_us=9.0))
    decision = decide(matrix, asked.changed(LIGHT, languages=["go"]))
    assert [one.column for one in decision.choices] == ["own"]
    assert decision.left_out == ["fast"]
    assert decision.in_any_language == ["fast"]
    with pytest.raises(UsageError, match="no server is written in 'Cobol'"):
        decide(matrix, asked.changed(LIGHT, languages=["Cobol"]))


def test_a_language_of_which_nothing_was_measured_has_an_empty_answer(matrix_of):
    decision = decide(
        matrix_of(made("fast", "C++")), asked.changed(LIGHT, languages=["JavaScript"])
    )
    assert decision.choices == []
    assert headline(decision) == "No server of these languages was measured."


@pytest.mark.parametrize(
    ("when", "needs", "fits"),
    [
        (When(connections_over=1_000), Needs(connections=1_001), True),
        (When(connections_over=1_000), Needs(connections=1_000), False),
        (When(connections_under=1_000), Needs(connections=999), True),
        (When(connections_under=1_000), Needs(connections=1_000), False),
        (When(team_up_to=5), Needs(team=5), True),
        (When(team_up_to=5), Needs(team=6), False),
        (When(team_up_to=5), Needs(), False),
        (When(memory_per_10k_under=15), Needs(connections=20_000, memory_mb=29), True),
        (When(memory_per_10k_under=15), Needs(connections=20_000, memory_mb=30), False),
        (When(memory_per_10k_under=15), Needs(), False),
        (When(messages_over=10), Needs(deliveries_per_s=1_001, room_size=100), True),
        (When(nodes_over=1), Needs(nodes=2), True),
        (When(nodes_over=1), Needs(), False),
        (When(languages=["Go"]), Needs(languages=["go", "rust"]), True),
        (When(languages=["Go"]), Needs(), False),
        (When(upgrades=True), Needs(upgrades=True), True),
        (When(upgrades=True), Needs(), False),
        (When(recovery=True), Needs(recovery_ms=0), True),
        (When(rest=True, upgrades=True), Needs(rest=True), False),
    ],
)
def test_a_rule_applies_where_all_that_it_names_is_asked_for(when, needs, fits):
    assert applies(when, needs) is fits


def test_rules_come_with_the_verdict_of_the_run(matrix_of):
    decision = decide(matrix_of(*SERVERS), asked.changed(LIGHT, upgrades=True, languages=["Go"]))
    found = {rule.id: rule for rule in decision.rules}
    assert found["A37"].picks == "elixir"
    assert found["A37"].verdict == "untested"
    assert found["A37"].agrees is None
    assert found["A39.team"].picks == "go"


def test_every_preset_is_an_example_of_a_statement_and_has_an_answer():
    (result,) = [one for one in REFERENCE.iterdir() if one.is_dir()]
    matrix = judge(result)
    known = {claim.id for claim in load().claim}
    for preset in asked.presets().values():
        assert preset.statement in known
        decision = decide(matrix, preset.needs)
        assert decision.choices


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("conections = 10", "unknown field `conections`"),
        ("connections = 0", "connections = 0 is out of range"),
        ("connections = -5", "connections = -5 is out of range"),
        ("deliveries_per_s = nan", "deliveries_per_s = nan is out of range"),
        ("p99_ms = inf", "p99_ms = inf is out of range"),
        ("cores = 1.5", "Expected `int`"),
        ("weights = {cpu = -1}", "the weight cpu = -1 is out of range"),
        ("connections = [", "Invalid"),
        ('languages = ["\udcff"]', "can't decode byte 0xff"),
        pytest.param(f"cores = {'9' * 5_000}", "integer", id="digits"),
        pytest.param(f"languages = {'[' * 100_000}", "recursion", id="brackets"),
    ],
)
def test_a_file_of_needs_that_is_none_is_refused(tmp_path, text, said):
    file = tmp_path / "needs.toml"
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(UsageError) as refused:
        asked.read(file)
    assert said in refused.value.text()


@pytest.mark.parametrize("weights", [{"speed": 1}, {"cpu": 0, "p99": 0, "memory": 0}])
def test_weights_of_nothing_are_refused(matrix_of, weights):
    with pytest.raises(UsageError):
        decide(matrix_of(made("one")), asked.changed(LIGHT, weights=weights))


def test_the_command_prints_who_comes_first_and_why(checkout):
    build(checkout.root / "results" / "mine")
    done = checkout.chinwag("decide", "--connections", "1000", "--rate", "20000", "--upgrades")
    assert done.returncode == 0, done.stderr
    assert "Asked: 1,000 connections, 20,000 deliveries/s" in done.stdout
    assert "an upgrade under load was not measured" in done.stdout
    assert "Rule A37" in done.stdout
    assert "Of a network it takes" not in done.stdout  # this run has no size of a frame
    assert "What this can't know" in done.stdout


def test_the_command_answers_as_json(checkout):
    build(checkout.root / "results" / "mine")
    done = checkout.chinwag("decide", "--preset", "game", "--json")
    (decision,) = map(json.loads, done.stdout.splitlines())
    assert decision["needs"]["connections"] == 100_000
    assert {one["column"] for one in decision["choices"]} >= {"chinwagd", "go"}


def test_options_go_before_the_file_and_the_preset(checkout, tmp_path):
    build(checkout.root / "results" / "mine")
    file = tmp_path / "needs.toml"
    file.write_text("connections = 5000\nroom_size = 10\n")
    done = checkout.chinwag("decide", "--needs", str(file), "--connections", "70", "--json")
    needs = json.loads(done.stdout)["needs"]
    assert (needs["connections"], needs["room_size"]) == (70, 10)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--preset", "gmae"], "there is no preset 'gmae'"),
        (["--weigh", "cpu"], "is no weight"),
        (["--weigh", "sped=1"], "there is no merit 'sped'"),
        (["--needs", "missing.toml"], "missing.toml"),
        (["--needs", "a.toml", "--preset", "game"], "exclude each other"),
        (["--cores", "0"], "cores = 0 is out of range"),
        (["--languages", ","], "--languages ',' names no language"),
        (["--weigh", "cpu=1,cpu=2"], "cpu stands there twice"),
        (["--needs", "missing.toml"], 'name a TOML file of needs, such as `languages = ["go"]`'),
    ],
)
def test_the_command_refuses_what_it_can_not_answer(checkout, arguments, said):
    build(checkout.root / "results" / "mine")
    done = checkout.chinwag("decide", *arguments)
    assert done.returncode in (2, 3)
    assert said in done.stderr
    assert "Traceback" not in done.stderr

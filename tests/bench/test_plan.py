"""Plans: every column in every round, the sum of times, the budget."""

from collections import Counter

import msgspec
import pytest
from chinwag_bench.errors import UsageError
from chinwag_bench.paths import find_workspace
from chinwag_bench.runs.plan import make_plan
from chinwag_bench.runs.profile import PROFILES, load_run_profile
from chinwag_bench.runs.rounds import shuffled_rounds, with_again
from chinwag_bench.servers.catalog import discover
from chinwag_bench.text import minutes


@pytest.fixture
def targets(checkout):
    for number in range(6):
        checkout.add_server(f"toy{number}")
    return with_again(discover(checkout.workspace).targets(["default"]), "toy1")


def test_every_round_visits_every_column_once(targets):
    order = shuffled_rounds(targets, 3, seed=1, phase="throughput")
    rounds = [[target.id for number, target in order if number == wanted] for wanted in (1, 2, 3)]
    assert all(Counter(one) == Counter(target.id for target in targets) for one in rounds)
    assert [number for number, _ in order] == [1] * 7 + [2] * 7 + [3] * 7
    assert rounds[0] != rounds[1] or rounds[1] != rounds[2]


def test_the_seed_decides_the_order(targets):
    def order(seed, phase="latency"):
        return [target.id for _, target in shuffled_rounds(targets, 3, seed, phase)]

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert order(1, "memory") != order(1)


@pytest.mark.parametrize("name", ["smoke", "quick"])
def test_seven_columns_fit_the_budgets(targets, name):
    profile = load_run_profile(name)
    plan = make_plan(profile, targets, seed=1)
    plan.check_budget()
    assert plan.seconds == pytest.approx(sum(seconds for _, _, seconds in plan.summary()))
    assert {target.variant for target in targets} <= set(profile.variants)


@pytest.mark.parametrize("name", ["smoke", "quick", "full", "variants"])
def test_a_profile_has_room_for_all_its_variants_and_an_aa(name):
    """Of the servers that there are, not those of a test."""
    profile = load_run_profile(name)
    targets = discover(find_workspace()).targets(profile.variants)
    assert len(targets) > 8
    make_plan(profile, with_again(targets, profile.again), seed=1).check_budget()


def test_a_metric_without_a_table_is_left_out(targets):
    profile = msgspec.structs.replace(load_run_profile("quick"), broadcast=None)
    assert not make_plan(profile, targets, seed=1).of("broadcast")
    assert "broadcast" not in profile.loads()


@pytest.mark.parametrize("name", ["quick", "full"])
def test_a_cap_ends_the_search_for_max_connections_and_nothing_else(name):
    profile = load_run_profile(name)
    capped = profile.capped(123)
    ramp = capped.connections.ramp if name == "full" else capped.memory.ramp
    assert ramp.cap == 123
    assert capped.throughput == profile.throughput
    assert profile.capped(None) is profile


def test_a_metric_measured_twice_is_refused(tmp_path):
    text = (PROFILES / "quick.toml").read_text()
    own = '[cpu_at_n]\nload = "idle"\nconnections = 9\nsetup_s = 1.0\n'
    own += "quiet = { warmup_s = 0.0, hold_s = 1.0, drain_s = 0.0 }\n"
    (tmp_path / "x.toml").write_text(text + own)
    with pytest.raises(UsageError, match=r"cpu_at_n is measured by \[cpu_at_n\] and by \[memory\]"):
        load_run_profile(str(tmp_path / "x.toml"))


def test_quick_gives_a_column_at_most_40_seconds_a_round():
    profile = load_run_profile("quick")
    assert profile.throughput.planned_s + profile.latency.planned_s <= 40
    assert profile.rounds == 3


def test_quick_is_planned_for_70_minutes_of_which_nine_tenths_are_63():
    assert load_run_profile("quick").budget_s <= 70 * 60


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_profile_is_readable_and_named_as_its_file(path):
    assert load_run_profile(str(path)).name == path.stem == load_run_profile(path.stem).name


def test_a_plan_over_its_budget_is_refused(targets):
    profile = msgspec.structs.replace(load_run_profile("quick"), budget_s=60)
    with pytest.raises(
        UsageError, match=r"the plan takes .* is 1 min 00 s \(floor 3 s, throughput "
    ) as caught:
        make_plan(profile, targets, seed=1).check_budget()
    assert "--servers" in caught.value.hint


def test_an_unknown_profile_and_a_broken_one_are_named(tmp_path):
    with pytest.raises(UsageError) as caught:
        load_run_profile("slow")
    assert caught.value.hint.startswith("known: experiments, full, hosted, quick, smoke")
    (tmp_path / "x.toml").write_text("name = 3")
    with pytest.raises(UsageError, match=r"x.toml: .*\$.name"):
        load_run_profile(str(tmp_path / "x.toml"))


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (60, "1 min 00 s"), (3725, "62 min 05 s")]
)
def test_times_are_written_for_people(seconds, text):
    assert minutes(seconds) == text

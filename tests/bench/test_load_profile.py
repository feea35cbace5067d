"""Load profiles: the files that the load generator reads too."""

from pathlib import Path

import pytest
from chinwag_bench.errors import UsageError
from chinwag_bench.load_profile import load_profile
from chinwag_bench.paths import Workspace

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def article():
    return load_profile(Workspace(ROOT), "article")


def test_the_article_s_load_adds_up(article):
    """Half of the messages reach 100 members, half reach one: 50.5 deliveries a message."""
    assert article.deliveries_per_message(1000) == 50.5
    assert article.deliveries_per_message(10) == 5.5
    messages = article.connections * article.messages_per_second_per_connection
    assert article.stated_deliveries_per_s() == messages * 50.5


@pytest.mark.parametrize("name", ["many-rooms", "hot-room", "direct", "article", "chatty-small"])
def test_deliveries_are_those_that_the_generator_plans(name):
    """Full rooms at the profile's own number of connections."""
    load = load_profile(Workspace(ROOT), name)
    known = {"many-rooms": 50, "hot-room": 505, "direct": 1, "article": 50.5, "chatty-small": 8.2}
    assert load.deliveries_per_message(load.connections) == pytest.approx(known[name])


def test_rooms_that_share_members_stay_together():
    together = {
        name: load_profile(Workspace(ROOT), name).together(2_000)
        for name in ("many-rooms", "hot-room", "article")
    }
    assert together == {"many-rooms": 250, "hot-room": 2_000, "article": 100}


def test_it_is_written_into_results_without_its_path(article):
    assert article.as_json()["mix"] == {"room": 0.5, "direct": 0.5}
    assert "path" not in article.as_json()


def test_an_unknown_profile_is_answered_with_the_known_ones(checkout):
    with pytest.raises(UsageError, match="'storm'") as caught:
        load_profile(checkout.workspace, "storm")
    known = "article, broadcast, direct, echo, faults, idle, many-rooms, poisson, silent"
    assert caught.value.hint == f"known: {known}"


def test_a_key_that_stands_twice_is_refused(checkout):
    path = checkout.workspace.load_profiles / "article.json"
    text = path.read_text()
    for key in ("burst", "room"):
        twice = text.replace('"room": ', '"room": 1.0, "room": ', 1)
        path.write_text(
            twice if key == "room" else text.replace("{", '{"burst": 1, "burst": 2, ', 1)
        )
        with pytest.raises(UsageError, match=rf'article\.json: "{key}" stands there 2 times'):
            load_profile(checkout.workspace, "article")


@pytest.mark.parametrize("text", ["{", "[]", '{"name": "bad"}'])
def test_a_broken_profile_names_its_file(checkout, text):
    (checkout.workspace.load_profiles / "bad.json").write_text(text)
    with pytest.raises(UsageError, match=r"bad\.json: "):
        load_profile(checkout.workspace, "bad")

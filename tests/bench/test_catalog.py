"""The catalog: what is found, what names mean, what a wrong name is answered with."""

import shutil

import pytest
from chinwag_bench.errors import UsageError
from chinwag_bench.runs.rounds import with_again
from chinwag_bench.servers.catalog import discover


def test_servers_are_found_and_a_broken_one_is_kept_as_its_error(checkout):
    checkout.add_server("toy")
    checkout.add_server("toy2")
    checkout.add_broken("bad", "name = 3")
    catalog = discover(checkout.workspace)
    assert list(catalog.servers) == ["toy", "toy2"]
    assert len(catalog.broken) == 1
    assert "bad/server.toml" in catalog.broken[0].message


def test_names_mean_targets(checkout):
    checkout.add_server("toy")
    catalog = discover(checkout.workspace)
    assert catalog.target("toy").id == "toy"
    assert catalog.target("toy:default").id == "toy"
    assert catalog.target("toy:tuned").id == "toy:tuned"
    assert [target.id for target in catalog.targets(["default", "tuned"])] == ["toy", "toy:tuned"]


def test_the_second_name_of_a_pair(checkout):
    checkout.add_server("toy")
    checkout.add_server("toy2")
    targets = discover(checkout.workspace).targets(["default"])
    assert [target.id for target in with_again(targets, "toy2")] == ["toy", "toy2", "toy2 (again)"]
    assert with_again(targets, "elsewhere")[-1].id == "toy (again)"
    assert with_again([], "toy") == []


def test_an_unknown_name_is_answered_with_the_nearest(checkout):
    checkout.add_server("toy")
    catalog = discover(checkout.workspace)
    with pytest.raises(UsageError) as caught:
        catalog.target("toi")
    assert caught.value.hint == "did you mean toy? known: toy"
    with pytest.raises(UsageError, match="no variant 'fast'") as caught:
        catalog.target("toy:fast")
    assert caught.value.hint == "it has: default, tuned"


def test_a_name_with_a_broken_manifest_says_so(checkout):
    checkout.add_broken("bad", "name = 3")
    with pytest.raises(UsageError, match=r"bad has a broken manifest: .*`name`"):
        discover(checkout.workspace).target("bad")


def test_a_name_can_be_taken_once(checkout):
    checkout.add_server("toy")
    app = checkout.root / "core" / "app"
    app.mkdir(parents=True)
    shutil.copy(checkout.root / "reference-impls/toy/server.toml", app)
    catalog = discover(checkout.workspace)
    assert list(catalog.servers) == ["toy"]
    assert "`name` 'toy' is taken" in catalog.broken[0].message


def test_a_folder_and_its_server_have_one_name(checkout):
    checkout.add_server("toy")
    (checkout.root / "reference-impls" / "toy").rename(checkout.root / "reference-impls" / "zoo")
    catalog = discover(checkout.workspace)
    assert catalog.servers == {}
    assert catalog.broken[0].message.endswith("`name` is 'toy', its folder is 'zoo'")

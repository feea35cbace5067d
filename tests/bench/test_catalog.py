"""The catalog: what is found, what names mean, what a wrong name is answered with."""

import shutil

import pytest
from chinwag_bench.errors import UsageError
from chinwag_bench.progress import make_reporter
from chinwag_bench.runs.prepare import build_all
from chinwag_bench.runs.rounds import with_again
from chinwag_bench.servers.build import last_build
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


def test_peers_are_offered_only_to_who_asks_for_them(checkout):
    checkout.add_server("toy")
    checkout.add_server("zeta")
    checkout.add_server("peer", replace=("language = ", "peer = true\nlanguage = "))
    catalog = discover(checkout.workspace)

    def ids(targets):
        return [target.id for target in targets]

    assert ids(catalog.targets(["default"])) == ["toy", "zeta"]
    assert ids(catalog.targets(["default"], peers=True)) == ["peer", "toy", "zeta"]
    assert ids(catalog.every_variant()) == ["toy", "toy:tuned", "zeta", "zeta:tuned"]
    assert ids(catalog.every_variant(peers=True))[:2] == ["peer", "peer:tuned"]
    assert ids(catalog.named(["peer:tuned"])) == ["peer:tuned"]
    assert ids(catalog.named(["toy"], peers=True)) == ["toy", "peer"]
    assert ids(catalog.named(["peer", "toy"], peers=True)) == ["peer", "toy"]


def test_a_target_that_is_named_twice_is_one_column(checkout):
    checkout.add_server("toy")
    checkout.add_server("zeta")
    catalog = discover(checkout.workspace)
    named = catalog.named(["zeta", "toy", "zeta:default", "toy:tuned", "zeta", "toy:tuned"])
    assert [target.id for target in named] == ["zeta", "toy", "toy:tuned"]
    asked = catalog.targets(["default", "tuned", "default"])
    assert [target.id for target in asked] == ["toy", "toy:tuned", "zeta", "zeta:tuned"]


def test_a_variant_may_skip_more_cases_than_its_server(checkout):
    more = '[variants.other]\nskip = { "test_b" = "no b" }\n[variants.default]'
    server = checkout.add_server("toy", replace=("[variants.default]", more))
    skips = {
        name: server.in_variant(name).server.manifest.conformance.skip
        for name in ("default", "other")
    }
    assert skips["other"] == skips["default"] | {"test_b": "no b"}
    assert "test_b" not in skips["default"]


def test_a_variant_may_be_a_peer(checkout):
    optional = "[variants.rare]\npeer = true\n[variants.default]"
    checkout.add_server("toy", replace=("[variants.default]", optional))
    catalog = discover(checkout.workspace)
    ids = [target.id for target in catalog.every_variant()]
    assert ids == ["toy", "toy:tuned"]
    assert [target.id for target in catalog.targets(["default", "rare"])] == ["toy"]
    assert "toy:rare" in {target.id for target in catalog.every_variant(peers=True)}
    assert [target.id for target in catalog.named(["toy:rare"])] == ["toy:rare"]


def test_a_variant_for_an_experiment_has_to_be_named(checkout):
    tip = '[variants.tip]\nexperiment = "A54"\n[variants.default]'
    checkout.add_server("toy", replace=("[variants.default]", tip))
    catalog = discover(checkout.workspace)
    assert "toy:tip" not in {target.id for target in catalog.every_variant(peers=True)}
    assert catalog.targets(["tip"], peers=True) == []
    assert [target.id for target in catalog.named(["toy:tip"])] == ["toy:tip"]
    assert [target.id for target in catalog.experiments()] == ["toy:tip"]


def test_the_second_name_of_a_pair(checkout):
    checkout.add_server("toy")
    checkout.add_server("toy2")
    targets = discover(checkout.workspace).targets(["default"])
    assert [target.id for target in with_again(targets, "toy2")] == ["toy", "toy2", "toy2 (again)"]
    assert with_again(targets, "elsewhere")[-1].id == "toy (again)"
    assert with_again([], "toy") == []


OWN_BUILD = """
[variants.other]
loc = ["*.sh"]
build = { env = { CHOICE = "other" } }
versions = { other = { command = ["echo", "2"] } }
[variants.default]"""


def test_a_variant_may_have_a_build_of_its_own(checkout):
    server = checkout.add_server("toy", replace=("[variants.default]", OWN_BUILD))
    shared, tuned, other = (
        server.in_variant(name).server for name in ("default", "tuned", "other")
    )
    assert shared.build_folder == tuned.build_folder == server.build_folder
    assert other.build_folder != shared.build_folder
    assert other.manifest.build.all_commands() == shared.manifest.build.all_commands()
    assert other.manifest.build.env == {"CHOICE": "other"}
    assert set(other.manifest.versions) == {"python", "other"}
    assert set(shared.manifest.versions) == {"python"}
    assert other.manifest.loc == ["*.py", "*.sh"]


def test_the_command_line_takes_a_variant_with_its_own_build(checkout):
    checkout.add_server("toy", replace=("[variants.default]", OWN_BUILD))
    catalog = discover(checkout.workspace)
    assert catalog.target("toy:other").server.built_for == "other"
    assert [target.server.built_for for target in catalog.targets(["tuned", "other"])] == [
        None,
        "other",
    ]


def test_a_build_that_fails_concerns_the_variants_that_it_is_for(checkout):
    broken = OWN_BUILD.replace("{ env", '{ command = ["false"], env')
    checkout.add_server("toy", replace=("[variants.default]", broken))
    targets = discover(checkout.workspace).targets(["default", "tuned", "other"])
    obstacles = build_all(targets, make_reporter(json=False, quiet=True))
    assert set(obstacles) == {"toy:other"}
    assert last_build(targets[0].server) is not None
    assert last_build(targets[2].server) is None


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

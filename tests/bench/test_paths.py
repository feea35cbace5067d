"""The checkout: found from anywhere in it, or named by the environment."""

import pytest
from chinwag_bench.errors import HostError, UsageError
from chinwag_bench.paths import find_workspace


def test_it_is_the_one_around_the_current_folder(checkout, monkeypatch):
    monkeypatch.delenv("CHINWAG_ROOT", raising=False)
    monkeypatch.chdir(checkout.root / "tests" / "conformance")
    assert find_workspace().root == checkout.root


def test_the_environment_is_stronger(checkout, monkeypatch, tmp_path):
    monkeypatch.setenv("CHINWAG_ROOT", str(checkout.root))
    assert find_workspace().root == checkout.root
    monkeypatch.setenv("CHINWAG_ROOT", str(tmp_path / "tests"))
    with pytest.raises(UsageError, match="is not a checkout"):
        find_workspace()


def test_outside_of_any_it_is_the_package_s_own(monkeypatch):
    monkeypatch.delenv("CHINWAG_ROOT", raising=False)
    monkeypatch.chdir("/")
    assert (find_workspace().root / "bench" / "chinwag_bench").is_dir()


def test_the_generator_must_be_there(checkout, monkeypatch):
    monkeypatch.delenv("CHINWAG_LOAD", raising=False)
    with pytest.raises(HostError, match=r"the load generator is missing: .*release build"):
        checkout.workspace.generator()
    monkeypatch.setenv("CHINWAG_LOAD", str(checkout.generator))
    assert checkout.workspace.generator() == checkout.generator

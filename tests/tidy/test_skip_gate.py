"""CI's gate for skips, asked by a pytest of its own."""

import os
import shutil
import subprocess
import sys

import pytest
from tree import ROOT

CASES = """
import pytest
def test_it():
    pytest.skip({reason!r})
"""
ALLOWED = "no control group can be made here"


def outcome(tmp_path, case, **env):
    tests = tmp_path / "tests"
    tests.mkdir(exist_ok=True)
    for name in ("conftest.py", "skips.txt"):
        shutil.copy(ROOT / "tests" / name, tests)
    (tests / "conformance").mkdir(exist_ok=True)
    for name in ("__init__.py", "skips.py", "skip_gate.py"):
        shutil.copy(ROOT / "tests/conformance" / name, tests / "conformance")
    (tests / "test_case.py").write_text(case)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    plain = {key: value for key, value in os.environ.items() if key != "CHINWAG_CI"}
    plain["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return subprocess.run(
        command, cwd=tmp_path, env=plain | env, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("reason", "env", "code"),
    [
        ("today is Sunday", {}, 0),
        ("today is Sunday", {"CHINWAG_CI": "1"}, 1),
        (ALLOWED, {"CHINWAG_CI": "1"}, 0),
    ],
)
def test_ci_takes_no_skip_that_is_not_in_the_list(tmp_path, reason, env, code):
    done = outcome(tmp_path, CASES.format(reason=reason), **env)
    assert done.returncode == code, done.stdout
    assert ("skips.txt does not have: today is Sunday" in done.stdout) == (code == 1)


def test_ci_takes_no_module_that_skips_itself(tmp_path):
    case = "import pytest\npytest.importorskip('no_such_module')\ndef test_it(): pass\n"
    done = outcome(tmp_path, case, CHINWAG_CI="1")
    assert done.returncode != 0, done.stdout
    assert "could not import 'no_such_module'" in done.stdout


def test_ci_takes_an_expected_failure(tmp_path):
    case = "import pytest\n@pytest.mark.xfail(reason='known', strict=True)\n"
    case += "def test_it():\n    raise AssertionError\n"
    done = outcome(tmp_path, case, CHINWAG_CI="1")
    assert done.returncode == 0, done.stdout

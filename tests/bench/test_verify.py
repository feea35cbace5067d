"""Conformance runs: counted from pytest's own report."""

import pytest
from chinwag_bench.errors import ServerError
from chinwag_bench.progress import make_reporter
from chinwag_bench.runs.prepare import verify_all
from chinwag_bench.servers.verify import Suite, read_report

REPORT = """<testsuites><testsuite>
<testcase name="a"/><testcase name="b[go]"/>
<testcase name="c"><failure message="assert 1 == 2&#10;more">...</failure></testcase>
<testcase name="d"><error message="fixture broke"/></testcase>
<testcase name="e"><skipped message="not served"/></testcase>
<testcase name="f"/><testcase name="f"><error message="at the end"/></testcase>
</testsuite></testsuites>"""


def verify(target, log, *, smoke=False):
    with Suite(target, log, smoke=smoke) as suite:
        while (outcome := suite.outcome(timeout_s=1.0)) is None:
            pass
        return outcome


def test_a_report_is_counted(tmp_path):
    path = tmp_path / "report.xml"
    path.write_text(REPORT)
    outcome = read_report(path, "go", 1.5)
    assert (outcome.passed, outcome.failed, outcome.skipped) == (3, 3, 1)
    assert outcome.failures == ["c: assert 1 == 2", "d: fixture broke", "f: at the end"]
    assert outcome.skips == ["e: not served"]


def test_the_whole_suite_and_its_short_subset(toy, tmp_path):
    whole = verify(toy, tmp_path / "log")
    short = verify(toy, tmp_path / "log", smoke=True)
    assert (whole.column, whole.passed, whole.failed, whole.skipped) == ("toy", 2, 0, 1)
    assert (short.passed, short.failed, short.skipped) == (1, 0, 0)


def test_a_failing_server_is_named_with_its_failures(checkout, tmp_path):
    from chinwag_bench.servers.catalog import Target

    outcome = verify(Target(checkout.add_server("wrong")), tmp_path / "log")
    assert outcome.failed == 2
    assert "it is the wrong server" in outcome.failures[0]


def test_a_suite_that_can_t_run_is_no_verdict(toy, tmp_path, checkout):
    (checkout.root / "tests/conformance/test_toy.py").write_text("a syntax mistake\n")
    with pytest.raises(ServerError, match=r"could not run \(pytest: 2\)") as caught:
        verify(toy, tmp_path / "log")
    assert "SyntaxError: invalid syntax" in (tmp_path / "log").read_text()
    assert caught.value.hint == f"the whole log: {tmp_path / 'log'}"
    assert "ERROR tests/conformance/test_toy.py" in caught.value.detail


def test_how_far_the_suites_are_is_shown(checkout, toy, tmp_path):
    """The first cases end at once, the last ones wait until that was seen."""
    seen = tmp_path / "seen"
    (checkout.root / "tests/conformance/test_toy.py").write_text(
        "import os, pytest, time\n"
        "@pytest.mark.parametrize('number', range(200))\n"
        "def test_it(number):\n"
        f"    while number == 150 and not os.path.exists({str(seen)!r}):\n"
        "        time.sleep(0.01)\n"
    )
    shown = []

    class Recorder:
        def say(self, kind, text, **facts):
            pass

        def show(self, text, share):
            shown.append((text, share))
            if share > 0.3:
                seen.touch()

    outcomes, _ = verify_all([toy], tmp_path, Recorder(), smoke=False)
    assert outcomes[0].passed == 200
    shares = [share for _, share in shown]
    assert shares == sorted(shares)
    assert any(0.3 < share < 1 for share in shares)
    assert shown[0][0] == "verify toy"


@pytest.mark.parametrize("cases", ["", '<testcase name="a"><skipped message="why"/></testcase>'])
def test_where_nothing_passed_nothing_is_proven(tmp_path, cases):
    path = tmp_path / "report.xml"
    path.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    outcome = read_report(path, "go", 1.5)
    assert (outcome.passed, outcome.failed) == (0, 1)
    assert outcome.failures == ["go: no case passed: a server that was asked nothing is not proven"]


def test_a_server_that_skips_everything_is_not_measured(checkout, toy, tmp_path):
    (checkout.root / "tests/conformance/test_toy.py").write_text(
        "import pytest\n@pytest.mark.skip(reason='later')\ndef test_it():\n    pass\n"
    )
    outcomes, obstacles = verify_all(
        [toy], tmp_path, make_reporter(json=False, quiet=True), smoke=False
    )
    assert outcomes[0].skipped == 1
    assert obstacles["toy"] == (
        "failed",
        "conformance: toy: no case passed: a server that was asked nothing is not proven",
    )

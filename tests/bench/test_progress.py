"""What commands say: lines, events, or a bar; results never mix with progress."""

import json
import sys

import pytest
from chinwag_bench.progress import make_reporter, said_when_interrupted

CELL = {"planned_done_s": 30.0, "planned_s": 90.0}


def speak(**how):
    with make_reporter(**how) as reporter:
        reporter.say("step", "build: go", server="go")
        reporter.say("cell", "throughput go, round 1", **CELL)
        reporter.say("result", "go: 5 deliveries/s")
        reporter.say("warning", "rust is [missing]")


def test_lines_go_to_standard_error(capsys):
    speak(json=False, quiet=False)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "build: go",
        "throughput go, round 1",
        "go: 5 deliveries/s",
        "warning: rust is [missing]",
    ]


def test_quiet_leaves_the_warnings(capsys):
    speak(json=False, quiet=True)
    assert capsys.readouterr().err == "warning: rust is [missing]\n"


def test_events_are_json_lines_on_standard_output(capsys):
    speak(json=True, quiet=False)
    out, err = capsys.readouterr()
    events = [json.loads(line) for line in out.splitlines()]
    assert err == ""
    assert [event["event"] for event in events] == ["step", "cell", "result", "warning"]
    assert events[0] == {"event": "step", "text": "build: go", "server": "go"}


def draw_on_a_terminal(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")


def test_a_terminal_gets_a_bar_with_one_clock(capsys, monkeypatch):
    draw_on_a_terminal(monkeypatch)
    speak(json=False, quiet=False)
    err = capsys.readouterr().err
    assert "throughput go, round 1" in err
    assert "1 min 00 s left, 0 s so far" in err
    assert "rust is [missing]" in err


def test_seconds_are_not_rounded_to_minutes(capsys, monkeypatch):
    draw_on_a_terminal(monkeypatch)
    with make_reporter(json=False, quiet=False) as reporter:
        reporter.say("cell", "start go, round 1", planned_done_s=21.0, planned_s=36.0)
    assert "15 s left, 0 s so far" in capsys.readouterr().err


def test_a_work_of_unknown_length_is_shown_by_its_share(capsys, monkeypatch):
    draw_on_a_terminal(monkeypatch)
    with make_reporter(json=False, quiet=False) as reporter:
        reporter.show("verify go, [rust]", 0.0)
        reporter.show("verify go, [rust]", 0.5)
    err = capsys.readouterr().err
    assert "verify go, [rust]" in err
    assert "beginning, 0 s so far" in err
    assert "about 0 s left, 0 s so far" in err


@pytest.mark.parametrize("how", [{"json": True, "quiet": False}, {"json": False, "quiet": False}])
def test_elsewhere_a_share_is_nothing_to_say(capsys, how):
    with make_reporter(**how) as reporter:
        reporter.show("verify go", 0.5)
    assert capsys.readouterr() == ("", "")


def test_an_interruption_is_said_and_goes_on(capsys):
    with (
        pytest.raises(KeyboardInterrupt),
        make_reporter(json=False, quiet=True) as reporter,
        said_when_interrupted(reporter, "nothing was measured"),
    ):
        raise KeyboardInterrupt
    assert capsys.readouterr().err == "warning: interrupted: nothing was measured\n"

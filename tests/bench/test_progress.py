"""What commands say: lines, events, or a bar; results never mix with progress."""

import json
import sys

from chinwag_bench.progress import make_reporter

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


def test_a_terminal_gets_a_bar_with_the_time_left(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    speak(json=False, quiet=False)
    err = capsys.readouterr().err
    assert "throughput go, round 1" in err
    assert "1 min left" in err
    assert "rust is [missing]" in err

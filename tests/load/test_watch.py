"""A load that goes on while the server meets with a fault; whoever is cut off comes back."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from chinwag_bench.faults.watched import BACK, BUILD, ENDED, FAULT, SENT, UNSENT, read_log

CONNECTIONS, ROOM = 20, 10
CONNECT = {"do": "connect", "connections": CONNECTIONS, "join": True}
WATCH = {"do": "watch", "rate": 200, "seconds": 4, "fault_s": 0.3, "settle_s": 0.3, "victim": 3}
USAGE = 2


@pytest.fixture
def watch(start_server, generate, tmp_path):
    """Watches 20 connections; answers the last event and the log."""

    def run(*before, behaviour=None, **options):
        log = tmp_path / "watch.log"
        commands = [CONNECT, *before, WATCH | options | {"log": str(log)}]
        port = start_server(**(behaviour or {})).port
        outcome = generate(port, "--control", commands=commands)
        assert outcome.code == 0, outcome.out
        return outcome.events[-1], read_log(log, CONNECTIONS, ROOM)

    return run


def test_a_sound_server_delivers_all_that_is_sent(watch):
    told, watched = watch()
    assert told["event"] == "watched"
    assert told["open"] == CONNECTIONS
    assert len(watched.events) == told["events"]
    late = watched.end_ns - 100_000_000
    judged = watched.messages["at_ns"] < late
    assert len(watched.messages) > 50
    assert np.all(watched.copies[judged] == 1)
    assert watched.reordered == 0


def test_it_ends_soon_after_everybody_hears_again(watch):
    _, watched = watch()
    seconds = (watched.end_ns - int(watched.events["at_ns"].min())) / 1e9
    # Until the fault, 100 ms in which somebody else's may come, and the time to settle.
    assert 0.6 < seconds < 3


def test_what_is_on_its_way_at_the_end_is_waited_for(watch):
    """Where everything takes 600 ms, as behind an outage."""
    _, watched = watch(behaviour={"delays_ms": [600]}, drain_s=5)
    assert len(watched.messages) > 50
    assert np.all(watched.copies == 1)


def test_who_is_cut_off_comes_back_into_its_room(watch):
    told, watched = watch(behaviour={"close_at": 30})
    (ended,) = watched.of(ENDED)
    (back,) = watched.of(BACK)
    assert ended["connection"] == back["connection"]
    assert ended["at_ns"] < back["at_ns"]
    assert told["open"] == CONNECTIONS
    one = int(ended["connection"])
    after = watched.messages["at_ns"] > back["at_ns"]
    after &= watched.messages["at_ns"] < watched.end_ns - 100_000_000
    after &= watched.sent_to(one)
    assert np.all(watched.copies[after, one % ROOM] == 1)


def test_who_is_refused_tries_again_until_it_is_let_in(watch):
    """The server takes 20 upgrades and refuses those that come later: the one never comes back."""
    told, watched = watch(behaviour={"close_at": 30, "refuse_from": 21}, seconds=1.5)
    assert told["open"] == CONNECTIONS - 1
    assert len(watched.of(ENDED)) == 1
    assert len(watched.of(BACK)) == 0
    seconds = (watched.end_ns - int(watched.events["at_ns"].min())) / 1e9
    assert seconds == pytest.approx(1.5, abs=0.4)
    gone = int(watched.of(ENDED)["connection"][0])
    turns = watched.messages[watched.messages["at_ns"] > watched.of(ENDED)["at_ns"][0]]
    assert gone not in turns["sender"], "who is away leaves its turns empty"


def test_a_fault_is_asked_for_by_the_victim_and_at_its_time(watch):
    _, watched = watch(fault="__spin", fault_ms=200)
    (fault,) = watched.of(FAULT)
    assert fault["connection"] == 3
    first = int(watched.of(SENT)["at_ns"].min())
    assert (int(fault["at_ns"]) - first) / 1e9 == pytest.approx(0.3, abs=0.1)
    arrived = watched.arrived_ns[watched.arrived_ns > 0]
    silent = np.diff(np.sort(arrived)).max() / 1e6
    assert silent > 150, "the server stood still"


def test_a_handler_that_keeps_nobody_waiting_is_watched_until_it_is_done(watch):
    _, watched = watch(fault="__nothing", fault_ms=900)
    (fault,) = watched.of(FAULT)
    last = int(watched.of(SENT)["at_ns"].max())
    assert last - int(fault["at_ns"]) > 900e6


def test_as_a_content_the_fault_is_a_message_to_the_victim_s_room(watch):
    _, watched = watch(fault="__spin", fault_ms=200, form="content")
    assert len(watched.of(FAULT)) == 1


@pytest.mark.parametrize("form", ["type", "content"])
def test_every_connection_asks_which_build_it_is_served_by(watch, form):
    asked = {"question": "__build", "question_s": 0.05, "form": form}
    told, watched = watch(behaviour={"build": "seven"}, **asked)
    assert told["builds"] == ["seven"]
    answers = watched.of(BUILD)
    assert sorted(answers["connection"]) == list(range(CONNECTIONS)), "an answer that differs: once"
    assert set(answers["sequence"]) == {0}
    assert len(watched.messages) > 50
    assert watched.copies.sum() > len(watched.messages), "contents of answers are no deliveries"


def test_a_watch_of_an_upgrade_goes_on_until_all_are_on_the_build(watch):
    asked = {"question": "__build", "question_s": 0.05, "build": "2", "seconds": 8}
    told, watched = watch(behaviour={"build": "2", "build_after_s": 2.5}, **asked)
    assert told["builds"] == ["1", "2"]
    second = watched.of(BUILD)[watched.of(BUILD)["sequence"] == 1]
    assert sorted(second["connection"]) == list(range(CONNECTIONS))
    assert watched.end_ns >= second["at_ns"].max()


def test_a_build_that_nobody_meets_is_waited_for_until_the_time_is_over(watch):
    asked = {"question": "__build", "question_s": 0.05, "build": "2", "seconds": 1.5}
    told, watched = watch(behaviour={"build": "1"}, **asked)
    assert told["builds"] == ["1"]
    seconds = (watched.end_ns - int(watched.events["at_ns"].min())) / 1e9
    assert seconds == pytest.approx(1.5, abs=0.4)


def test_turns_of_who_is_away_are_written_down_as_due(watch):
    _, watched = watch(behaviour={"close_at": 30, "refuse_from": 21}, seconds=1.5)
    gone = int(watched.of(ENDED)["connection"][0])
    unsent = watched.of(UNSENT)
    assert set(unsent["sender"]) == {gone}
    assert len(unsent) > 3


def test_it_goes_on_until_the_driver_says_that_it_is_over(start_server, start_control, tmp_path):
    control = start_control(start_server().port)
    log = tmp_path / "watch.log"

    def say(command):
        control.stdin.write(json.dumps(command) + "\n")
        control.stdin.flush()

    def hear():
        return json.loads(control.stdout.readline())

    say(CONNECT)
    assert hear()["event"] == "connected"
    say(WATCH | {"seconds": 20, "fault_s": 0, "until_told": True, "log": str(log)})
    begun = hear()
    assert begun["event"] == "watch_started"
    time.sleep(1.0)
    over_ns = time.monotonic_ns()
    say({"do": "over"})
    assert hear()["event"] == "watched"
    watched = read_log(log, CONNECTIONS, ROOM)
    assert watched.end_ns > over_ns
    assert watched.end_ns / 1e9 < begun["begin_s"] + 15
    say({"do": "quit"})
    assert control.wait(5) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"victim": 20}, "numbered from 0 to 19"),
        ({"form": "shout"}, "allowed: type, content"),
        ({"fault_s": 9}, '"fault_s"'),
        ({"log": "/nowhere/log"}, "can't be written"),
    ],
)
def test_a_wrong_command_is_refused(start_server, generate, tmp_path, options, said):
    command = WATCH | {"log": str(tmp_path / "log")} | options
    outcome = generate(start_server().port, "--control", commands=[CONNECT, command])
    assert outcome.code != 0
    assert said in outcome.events[-1]["message"]

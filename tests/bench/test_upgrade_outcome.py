"""What a log of a watch says of an upgrade: logs in which the truth is known."""

import numpy as np
import pytest
from chinwag_bench.faults.watched import BUILD, EVENT, of_events
from chinwag_bench.upgrades.outcome import judge

from . import watched_story
from .watched_story import CONNECTIONS, ROOM, STEP_MS, USUAL_MS, ns, once_again_and_late

BEGAN_MS = 500
BUILDS = ["1", "2"]


class Story(watched_story.Story):
    """All meet the new build at 700 ms."""

    def __init__(self):
        super().__init__()
        self.met_ms = dict.fromkeys(range(CONNECTIONS), 700)

    def news(self):
        first = [(BUILD, one, one, 0, 0, 50) for one in range(CONNECTIONS)]
        met = [(BUILD, one, one, 1, 0, at) for one, at in self.met_ms.items() if at is not None]
        return first + met

    def judged(self, new="2"):
        return judge(self.told(), ns(BEGAN_MS), "socket", BUILDS, new)


def test_an_upgrade_that_nobody_notices_costs_nothing():
    outcome = Story().judged()
    assert outcome.silence_ms == [USUAL_MS] * CONNECTIONS
    assert (outcome.lost_connections, outcome.lost, outcome.missed) == (0, 0, 0)
    assert (outcome.duplicated, outcome.reordered) == (0, 0)
    assert outcome.met_in_place == CONNECTIONS
    assert outcome.all_on_new_s == pytest.approx(0.2)


def test_a_connection_that_gets_nothing_for_a_while_is_silent_for_so_long():
    """Late by 300 ms, in order, and nothing is lost: only the silence tells."""
    story = Story()
    story.change = lambda copies: [
        (*one[:4], max(one[4], 900)) if one[0] == 4 and 600 <= one[3] < 900 else one
        for one in copies
    ]
    outcome = story.judged()
    first = min(turn * STEP_MS for turn in range(60, 90) if turn % CONNECTIONS in (3, 4, 5))
    assert outcome.silence_ms[4] == 900 - first
    assert outcome.silence_ms[:4] == [USUAL_MS] * 4
    assert (outcome.lost, outcome.reordered) == (0, 0)
    assert outcome.silence_at(0.5) == USUAL_MS
    assert outcome.silence_at(1.0) == 900 - first


def test_a_delivery_that_never_comes_is_lost_and_silence_lasts_to_the_next_one():
    story = Story()
    story.change = lambda copies: [one for one in copies if (one[0], one[3]) != (0, 600)]
    outcome = story.judged()
    assert outcome.lost == 1
    assert outcome.silence_ms[0] == 610 + USUAL_MS - 600
    assert outcome.lost_connections == 0


def test_who_reconnects_is_silent_meanwhile_and_has_not_met_the_new_build_in_place():
    story = Story()
    story.away = {1: (600, 800)}
    outcome = story.judged()
    assert outcome.lost_connections == 1
    assert outcome.met_in_place == CONNECTIONS - 1
    assert outcome.lost == 0
    assert outcome.missed > 0
    assert 150 < outcome.silence_ms[1] <= 200 + 4 * STEP_MS + USUAL_MS


def test_where_all_are_away_the_messages_that_nobody_sent_were_due():
    story = Story()
    story.away = dict.fromkeys(range(CONNECTIONS), (600, 1_000))
    outcome = story.judged()
    assert outcome.lost_connections == CONNECTIONS
    assert min(outcome.silence_ms) >= 360
    assert outcome.lost == outcome.missed == 0, "nothing was sent that could be lost"


def test_who_never_meets_the_new_build_keeps_the_upgrade_from_being_over():
    story = Story()
    story.met_ms[3] = None
    outcome = story.judged()
    assert outcome.all_on_new_s is None
    assert outcome.on_new_s[3] is None
    assert outcome.met_in_place == CONNECTIONS - 1


def test_who_falls_back_to_the_old_build_is_not_on_the_new_one():
    story = Story()
    told = story.told()
    back = np.array([(BUILD, 2, 2, 0, 0, ns(900))], dtype=EVENT)
    events = np.sort(np.concatenate((told.events, back)), order="at_ns", kind="stable")
    outcome = judge(of_events(events, CONNECTIONS, ROOM), ns(BEGAN_MS), "socket", BUILDS, "2")
    assert outcome.on_new_s[2] is None
    assert outcome.met_in_place == CONNECTIONS - 1


def test_who_does_not_come_back_has_a_silence_without_end():
    story = Story()
    story.away = {1: (600, None)}
    outcome = story.judged()
    assert outcome.silence_ms[1] is None
    assert outcome.silence_at(0.5) is None
    assert outcome.on_new_s[1] is None


def test_a_new_build_that_answers_before_the_upgrade_is_none():
    story = Story()
    story.met_ms[0] = 300
    assert "before the upgrade" in story.judged().reason


def test_what_came_before_the_upgrade_is_not_its_silence():
    story = Story()
    story.change = lambda copies: [
        (*one[:4], max(one[4], 400)) if one[0] == 4 and 100 <= one[3] < 400 else one
        for one in copies
    ]
    assert story.judged().silence_ms[4] == USUAL_MS


def test_where_builds_can_not_be_asked_nothing_is_said_of_them():
    outcome = Story().judged(new=None)
    assert outcome.on_new_s is None
    assert outcome.met_in_place is None
    assert outcome.all_on_new_s is None
    assert outcome.silence_ms == [USUAL_MS] * CONNECTIONS


def test_what_comes_twice_or_late_is_counted():
    story = Story()
    story.change = once_again_and_late(BEGAN_MS)
    outcome = story.judged()
    assert (outcome.duplicated, outcome.reordered, outcome.lost) == (1, 1, 0)

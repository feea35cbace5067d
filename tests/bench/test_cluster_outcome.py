"""What a log of a watch says of a cluster and its outages, and how nodes that lie are caught."""

import pytest
from chinwag_bench.clusters.outcome import crossed_meanwhile, crossing, delays, judge
from chinwag_bench.faults.watched import TOLD

from . import watched_story
from .watched_story import CONNECTIONS, USUAL_MS, ns

NODES = 2
BEGAN_MS, ENDED_MS = 300, 600
TURNS_MS = 60
"""A sender's next turn."""


class Story(watched_story.Story):
    """An outage from 300 to 600 ms; connections are on two nodes in turn."""

    told_times = 0

    def news(self):
        return [(TOLD, 0, 0, 0, BEGAN_MS, BEGAN_MS)] * self.told_times

    def judged(self):
        return judge(self.told(), NODES, ns(BEGAN_MS), ns(ENDED_MS))


def crosses(receiver, sender):
    return receiver % NODES != sender % NODES


def was_meanwhile(sent_ms):
    return BEGAN_MS < sent_ms < ENDED_MS


def dropped(copies):
    """Nothing crosses while the outage lasts."""
    return [one for one in copies if not (crosses(one[0], one[1]) and was_meanwhile(one[3]))]


def test_what_crosses_is_what_the_sender_s_own_node_does_not_deliver():
    watched = Story().told()
    senders = watched.messages["sender"]
    assert set(senders[crossing(watched, NODES, 0)]) == {1}
    assert set(senders[crossing(watched, NODES, 4)]) == {3, 5}
    both = [delays(watched, NODES, across=across) for across in (True, False)]
    # In a room of three, two members are on one node: four deliveries of nine cross.
    assert both[0].deliveries * 5 == pytest.approx(both[1].deliveries * 4, abs=20)
    assert both[0].ms == {"p50": USUAL_MS, "p99": USUAL_MS, "max": USUAL_MS}


def test_an_outage_that_nobody_notices_is_none():
    story = Story()
    outcome = story.judged()
    assert (outcome.lost, outcome.lost_messages, outcome.untold, outcome.duplicated) == (0, 0, 0, 0)
    assert outcome.down_s == pytest.approx(0.3)
    assert outcome.normal_ms <= TURNS_MS + USUAL_MS
    assert crossed_meanwhile(story.told(), NODES, ns(BEGAN_MS), ns(ENDED_MS)) > 0


def test_nodes_that_drop_what_can_t_leave_are_caught_unless_they_say_so():
    story = Story()
    story.change = dropped
    outcome = story.judged()
    assert crossed_meanwhile(story.told(), NODES, ns(BEGAN_MS), ns(ENDED_MS)) == 0
    sent = [at for at in range(0, 2_000, 10) if was_meanwhile(at)]
    assert outcome.lost_messages == len(sent), "every message has a member on the other node"
    assert outcome.lost_at_home == 0
    assert outcome.untold == len(sent)
    assert outcome.home.deliveries > 0
    story.told_times = len(sent)
    assert story.judged().untold == 0


def test_one_message_of_which_two_members_got_nothing_is_one_message():
    story = Story()
    # The second connection's receivers on the other node are the first and the third.
    lost = next(at for at in range(0, 2_000, 10) if (at // 10) % 6 == 1 and was_meanwhile(at))
    story.change = lambda copies: [
        one for one in copies if not (one[3] == lost and crosses(one[0], one[1]))
    ]
    outcome = story.judged()
    assert (outcome.lost, outcome.lost_messages, outcome.untold) == (2, 1, 1)


def test_a_node_that_comes_back_deaf_to_the_others_never_is_normal_again():
    """It serves its own members, who hear each other, and acknowledges all."""
    story = Story()
    story.change = lambda copies: [
        one for one in copies if not (crosses(one[0], one[1]) and one[3] > BEGAN_MS)
    ]
    outcome = story.judged()
    assert outcome.normal_ms is None
    assert outcome.lost_connections == 0
    assert outcome.lost_at_home == 0


def test_what_comes_late_is_not_lost_and_counts_until_it_is_normal():
    story = Story()
    story.change = lambda copies: [
        (*one[:4], max(one[4], ENDED_MS + 250))
        if crosses(one[0], one[1]) and BEGAN_MS < one[3] < ENDED_MS + 250
        else one
        for one in copies
    ]
    outcome = story.judged()
    assert (outcome.lost, outcome.reordered) == (0, 0)
    assert 250 <= outcome.normal_ms <= 250 + TURNS_MS
    assert outcome.home.ms["max"] == USUAL_MS, "who is at home does not wait"


def test_a_killed_node_s_clients_are_away_and_nobody_owes_them_what_was_said_meanwhile():
    story = Story()
    own = range(1, CONNECTIONS, NODES)
    story.away = dict.fromkeys(own, (BEGAN_MS + 5, ENDED_MS))
    outcome = story.judged()
    assert outcome.lost_connections == len(own)
    assert (outcome.lost, outcome.untold) == (0, 0)
    assert outcome.missed > 0


def test_the_timeline_is_of_what_crosses():
    story = Story()
    story.change = dropped
    timeline = story.judged().timeline
    assert (timeline.begin_ms, timeline.bin_ms) == (-300, 20)
    assert sum(timeline.deliveries[:15]) > 0
    assert sum(timeline.deliveries[16:30]) == 0
    assert sum(timeline.deliveries[31:60]) > 0

"""What a log of a watch says of a fault, and how servers that lie are caught."""

import pytest
from chinwag_bench.errors import GeneratorError
from chinwag_bench.faults.causes import Cause
from chinwag_bench.faults.outcome import ended_connections, judge
from chinwag_bench.faults.proof import prove
from chinwag_bench.faults.watched import FAULT

from . import watched_story
from .watched_story import CONNECTIONS, ROOM, ns, once_again_and_late

FAULT_MS = 500
CRASH = Cause(name="exception", asked="__crash", is_of_the_asker=True)
SPIN = Cause(name="stuck", asked="__spin", ms=1_000, is_of_the_asker=True)


class Story(watched_story.Story):
    """The first connection asks for its fault at 500 ms."""

    def news(self):
        return [(FAULT, 0, 0, 0, FAULT_MS, FAULT_MS)]

    def judged(self, victims=(0,)):
        return judge(self.told(), ns(FAULT_MS), victims)


def test_a_fault_that_nobody_notices_costs_nothing():
    outcome = Story().judged()
    assert outcome.survived
    assert (outcome.lost, outcome.missed, outcome.duplicated, outcome.reordered) == (0, 0, 0, 0)
    assert {name: role.connections for name, role in outcome.roles.items()} == {
        "victims": 1,
        "room_mates": 2,
        "bystanders": 3,
    }
    # The first message to each room behind the fault is at most three turns of the room away.
    assert 0 < outcome.roles["bystanders"].slowest_ms <= 60


def test_who_is_cut_off_hears_again_from_the_first_message_after_it_is_back():
    story = Story()
    story.away = {0: (505, 905)}
    outcome = story.judged()
    assert not outcome.survived
    victims = outcome.roles["victims"]
    assert (victims.lost_connections, victims.deaf) == (1, 0)
    assert 405 < victims.slowest_ms <= 405 + 60
    assert outcome.roles["room_mates"].slowest_ms <= 60
    assert outcome.lost == 0
    assert outcome.missed > 0, "what was said to its room while it was away"


def test_what_came_between_the_fault_and_a_connection_s_end_is_no_return():
    story = Story()
    story.away = {0: (605, 905)}
    assert Story().judged().roles["victims"].slowest_ms < 100, "it is served until then"
    assert 405 < story.judged().roles["victims"].slowest_ms <= 405 + 60


def test_who_does_not_come_back_never_hears_again():
    story = Story()
    story.away = {0: (505, None)}
    victims = story.judged().roles["victims"]
    assert victims.slowest_ms is None
    assert victims.deaf == 0, "it is not even connected"


def test_who_comes_back_deaf_is_noticed():
    """Connected, a member as far as it knows, and not reached."""
    story = Story()
    story.away = {0: (505, 600)}
    story.change = lambda copies: [one for one in copies if one[0] != 0 or one[4] < FAULT_MS]
    outcome = story.judged()
    assert outcome.roles["victims"].deaf == 1
    assert outcome.roles["victims"].slowest_ms is None
    assert outcome.lost > 0


def test_a_server_that_drops_what_it_took_is_noticed():
    story = Story()
    story.change = lambda copies: [
        one for one in copies if not (FAULT_MS <= one[3] < FAULT_MS + 200 and one[0] == 4)
    ]
    outcome = story.judged()
    assert outcome.lost == len([t for t in range(500, 700, 10) if (t // 10) % 6 in (3, 4, 5)])
    assert outcome.roles["bystanders"].slowest_ms >= 200
    assert outcome.survived, "the connections do not tell"


def test_what_comes_twice_or_late_is_counted():
    story = Story()
    story.change = once_again_and_late(FAULT_MS)
    outcome = story.judged()
    assert (outcome.duplicated, outcome.reordered, outcome.lost) == (1, 1, 0)


def test_a_delivery_that_nobody_sent_is_no_log_of_a_sound_generator():
    story = Story()
    story.change = lambda copies: [*copies, (4, 0, 0, 0, 700)]
    with pytest.raises(GeneratorError, match="nobody had sent"):
        story.told()


def test_the_timeline_counts_deliveries_around_the_fault():
    story = Story()
    story.away = dict.fromkeys(range(CONNECTIONS), (500, 1_000))
    timeline = story.judged().timeline
    assert (timeline.begin_ms, timeline.bin_ms) == (-300, 10)
    assert timeline.deliveries[:30] == [ROOM] * 30
    assert sum(timeline.deliveries[31:80]) == 0
    assert timeline.deliveries[81] == ROOM


def test_victims_of_a_kill_are_those_whose_connections_end():
    story = Story()
    story.away = {3: (510, 700), 1: (510, 800)}
    assert ended_connections(story.told()) == [1, 3]


def test_an_exception_is_real_if_the_server_s_log_tells_of_it():
    watched = Story().told()
    said = "handler failed\nRuntimeError: __crash was asked for\n"
    assert prove(CRASH, watched, ns(FAULT_MS), 0, set(), said) is not None
    assert prove(CRASH, watched, ns(FAULT_MS), 0, set(), "all is well") is None


def test_a_handler_is_stuck_if_its_sender_is_not_served_meanwhile():
    story = Story()
    assert prove(SPIN, story.told(), ns(FAULT_MS), 0, set(), "") is None
    story.change = lambda copies: [
        one if one[1] != 0 or one[3] < FAULT_MS else (*one[:4], max(one[4], FAULT_MS + 1_000))
        for one in copies
    ]
    assert prove(SPIN, story.told(), ns(FAULT_MS), 0, set(), "") is not None


def test_a_kill_is_real_if_a_process_is_gone():
    kill = Cause(name="kill_all", kills="all")
    watched = Story().told()
    assert "4711" in prove(kill, watched, ns(FAULT_MS), 0, {4711}, "")
    assert prove(kill, watched, ns(FAULT_MS), 0, set(), "") is None

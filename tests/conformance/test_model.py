"""Random sessions of several connections, compared with the model step by step."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from .chat import Chat
from .model import Request
from .sessions import ROOMS, SEATS, Ask, Go, Step, compare, play

SESSIONS = 50
STEPS_MIN, STEPS_MAX = 12, 20
BURST_MAX = 4

BAD_REQUESTS = [
    *("null", "[]", "7", "{}", '{"type":7}', '{"type":"join"}', '{"type":"join","room":""}'),
    '{"type":"leave","room":null}',
    '{"type":"message","room":"x"}',
    '{"type":"direct","to":7,"content":"x"}',
]

rooms = st.integers(0, ROOMS - 1)
seats = st.integers(0, SEATS - 1)
contents = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
joins: st.SearchStrategy[Request] = st.builds(lambda room: {"type": "join", "room": room}, rooms)
asks: st.SearchStrategy[Request] = st.one_of(
    joins,
    st.builds(
        lambda room, text: {"type": "message", "room": room, "content": text}, rooms, contents
    ),
    st.builds(
        lambda to, text: {"type": "direct", "to": to, "content": text},
        st.integers(0, SEATS),
        contents,
    ),
    st.just({"type": "heartbeat"}),
    st.just({"type": "dance", "room": 0}),
    st.sampled_from(BAD_REQUESTS),
)
leaves = st.builds(lambda room: ({"type": "leave", "room": room},), rooms)
# What waits for a leaver may be dropped (R6): a leave comes alone, when nothing waits. Leaving
# while messages are under way is test_leaving.py's.
steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(Ask, seats, st.lists(asks, min_size=1, max_size=BURST_MAX).map(tuple)),
    st.builds(Ask, seats, st.tuples(joins, asks)),
    st.builds(Ask, seats, leaves),
    st.builds(Go, seats, st.sampled_from(["close", "abort", "hang_up", "malformed"])),
)


JOIN: Request = {"type": "join", "room": 0}
SPEAK: Request = {"type": "message", "room": 0, "content": "still here"}
# Random sessions seldom follow up on this: one connection of a user leaves, the other one speaks.
ONE_OF_TWO_LEAVES: list[Step] = [
    *(Ask(seat, (JOIN,)) for seat in (0, 1)),
    Ask(0, ({"type": "leave", "room": 0},)),
    Ask(1, (SPEAK,)),
]


@pytest.mark.rules("R1", "R3", "R5", "R6", "R7", "R8", "R10", "R11", "D1", "D2", "D4", "C4", "C5")
async def test_random_sessions_agree_with_the_model(chat: Chat) -> None:
    """The same sessions each time. Not shortened when one fails: each try may end in a time-out."""

    @settings(
        max_examples=SESSIONS,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @example(ONE_OF_TWO_LEAVES)
    @given(st.lists(steps, min_size=STEPS_MIN, max_size=STEPS_MAX))
    def agrees(session: list[Step]) -> None:
        asyncio.run(play(chat.address, session))

    await asyncio.to_thread(agrees)


A = {"type": "message", "room": "x", "user": "u", "content": "a"}
B = {**A, "content": "b"}
ELSEWHERE = {**B, "room": "y"}


def test_the_comparison_knows_which_order_is_promised() -> None:
    compare([A, B, ELSEWHERE], [A, ELSEWHERE, B])
    for got in ([B, A], [A], [A, B, B], [A, ELSEWHERE]):
        with pytest.raises(AssertionError):
            compare(got, [A, B])

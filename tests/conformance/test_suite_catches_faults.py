"""A suite that can't fail proves nothing: each fault must fail the test that is meant for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest

from . import golden, handshake, test_closes, test_fanout, test_frames, test_model, test_rooms
from .chat import Chat
from .faulty_server import running
from .golden import Player

Check = Callable[[Chat], Awaitable[None]]

CASES = {case["id"]: case for case in golden.cases()}
IMPATIENT_S = 1.0
"""How long a fault's test waits for what never comes."""


async def play(case_id: str, chat: Chat) -> None:
    await Player(chat, CASES[case_id]).play()


def case(case_id: str) -> Check:
    return partial(play, case_id)


SESSIONS: Check = test_model.test_random_sessions_agree_with_the_model

FAULTS: dict[str, list[Check]] = {
    "drops every tenth delivery": [
        test_frames.test_many_frames_in_one_segment_are_served_in_order,
        test_fanout.test_20_members_who_all_talk,
    ],
    "delivers twice": [
        case("message-reaches-all-members-and-the-sender"),
        test_rooms.test_joining_again_does_not_double_deliveries,
    ],
    "swaps deliveries": [
        case("messages-keep-the-sender-s-order"),
        test_frames.test_many_frames_in_one_segment_are_served_in_order,
    ],
    "delivers outside the room": [case("message-does-not-reach-others"), case("rooms-are-apart")],
    "forgets user_left on disconnect": [
        case("close-is-a-leave"),
        partial(test_rooms.test_every_room_hears_of_a_disconnect_once, way="abort"),
    ],
    "tells the leaver": [case("leave-is-told-to-those-left")],
    "tells everyone of joining again": [case("join-again-is-told-to-the-asker-alone")],
    "membership belongs to the user": [SESSIONS, case("two-connections-of-a-user-are-two-members")],
    "has no limit of rooms": [test_rooms.test_the_65th_room_is_refused],
    "trims names": [case("room-names-are-not-trimmed")],
    "direct reaches one connection": [
        SESSIONS,
        case("direct-reaches-every-connection-of-the-user"),
    ],
    "answers unknown types": [case("unknown-type-is-ignored")],
    "closes malformed messages with 1002": [
        case("malformed-only-a-brace"),
        test_closes.test_nothing_is_served_after_the_server_s_close,
    ],
    "forgives malformed messages": [test_closes.test_nothing_is_served_after_the_server_s_close],
    "takes any size": [partial(test_frames.test_a_longer_message_closes_with_1009, size=65_537)],
    "type comes last": [case("heartbeat-is-answered")],
    "timestamps in seconds": [case("heartbeat-is-answered")],
}

PAIRS = [
    pytest.param(fault, check, id=f"{fault}-{number}")
    for fault, checks in FAULTS.items()
    for number, check in enumerate(checks)
]


@contextlib.asynccontextmanager
async def chat_with(fault: str) -> AsyncIterator[Chat]:
    async with running(fault) as address:
        chat = Chat(address)
        try:
            yield chat
        finally:
            chat.abort()


@pytest.mark.parametrize(("fault", "check"), PAIRS)
async def test_a_fault_is_caught(monkeypatch: pytest.MonkeyPatch, fault: str, check: Check) -> None:
    async with chat_with("") as honest:
        await check(honest)
    monkeypatch.setattr(handshake, "TIMEOUT_S", IMPATIENT_S)
    async with chat_with(fault) as faulty:
        with pytest.raises((AssertionError, asyncio.TimeoutError)):
            await check(faulty)


async def test_an_honest_server_passes_every_golden_case() -> None:
    for case_id in CASES:
        async with chat_with("") as chat:
            await play(case_id, chat)

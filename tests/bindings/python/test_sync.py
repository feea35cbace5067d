"""`chinwag.sync`: the same for scripts, without an event loop in sight."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import chinwag
import pytest


def test_a_script_talks_to_itself() -> None:
    server = chinwag.sync.Server()

    @server.on("message")
    def shout(message: chinwag.Message) -> None:
        message.content = message.content.upper()

    with server, chinwag.sync.Client(server.url, "ann") as ann:
        ann.join("tea")
        ann.send("tea", "hello")
        for message in ann.messages():
            if message.type == "message":
                assert message.content == "HELLO"
                break
        assert server.rooms == {"tea": 1}
        assert server.members("tea")[0].user == "ann"
        with pytest.raises(TimeoutError):
            ann.receive(timeout_s=0.05)
    assert ann.receive() is None


def test_a_client_that_is_not_connected_says_so() -> None:
    with pytest.raises(chinwag.ConnectionClosed):
        chinwag.sync.Client("ws://127.0.0.1:9/ws").send("tea", "x")


def test_a_handler_that_would_wait_for_its_own_loop_is_told_so() -> None:
    server = chinwag.sync.Server()
    seen: list[str] = []

    @server.on("message")
    def relay(message: chinwag.Message) -> None:
        try:
            server.drain()
        except chinwag.ChinwagError as error:
            seen.append(error.code)

    with server, chinwag.sync.Client(server.url, "ann") as ann:
        ann.join("tea")
        ann.send("tea", "x")
        while (message := ann.receive(timeout_s=5)) and message.type != "message":
            pass
    assert seen == ["would_wait_for_itself"]


def test_an_exit_in_a_handler_is_a_failure_of_that_handler() -> None:
    server = chinwag.sync.Server()

    @server.on("message")
    async def leave(message: chinwag.Message) -> None:
        if message.content == "later":
            await asyncio.sleep(0)
            sys.exit(1)

    @server.on("message")
    def quit_at_once(message: chinwag.Message) -> None:
        if message.content == "quit":
            sys.exit(1)

    with server, chinwag.sync.Client(server.url, "ann") as ann:
        ann.join("tea")
        for content in ("quit", "later", "fine"):
            ann.send("tea", content)
        told = []
        while len(told) < 3:
            message = ann.receive(timeout_s=10)
            assert message is not None
            if message.type in ("error", "message"):
                told.append(message.code or message.content)
        assert told == ["unavailable", "unavailable", "fine"]
        assert server.stats()["handler_errors"] == 2


@pytest.mark.parametrize("deadline", [None, "x"])
def test_a_deadline_that_is_no_number_is_a_type_error(deadline: Any) -> None:
    with chinwag.sync.Server() as server:
        with pytest.raises(TypeError):
            server.drain(deadline)
        server.publish("tea", "it serves still")

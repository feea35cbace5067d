"""Runs a program's handlers and keeps what goes wrong in them away from everybody else."""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from chinwag.errors import ChinwagError
from chinwag.requests import REFUSE, Connection, Join, Message

if TYPE_CHECKING:
    from chinwag.server import Server

log = logging.getLogger("chinwag")

EVENTS = ("open", "join", "message", "close", "error")

# The order of chinwag::event_kind.
OPEN, JOIN, MESSAGE, CLOSE = range(4)

Handler = Callable[..., Any]

# Somebody else's cancellation, which a handler waited for, is a failure like any other: whoever
# asked has to get an answer.
FAILURES: tuple[type[BaseException], ...] = (Exception, asyncio.CancelledError)
# How long a handler that was cancelled may tidy up.
CANCELLING_S = 0.25
# What the client is told then: text and code of the refusal.
FAILED = ("the server failed", "unavailable")


class Handlers:
    """The handlers of one server. Used from the thread of its event loop only."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._called: dict[str, list[Handler]] = {name: [] for name in EVENTS}
        self._tasks: set[asyncio.Task[None]] = set()
        self._late: list[tuple[int, int, int, str, str]] = []
        self._exempt: set[asyncio.Task[Any] | None] = set()
        self.failures = FAILURES
        self.errors = 0

    def add(self, name: str, handler: Handler) -> None:
        if name not in self._called:
            raise ChinwagError(
                f"there is no event '{name}': give one of {', '.join(EVENTS)}", "unknown_event"
            )
        if not callable(handler):
            raise TypeError(f"a handler is a function, not {type(handler).__name__}")
        self._called[name].append(handler)

    def names(self) -> list[str]:
        """The events that somebody wants."""
        return [name for name, called in self._called.items() if called]

    def handle(self, events: list[tuple[int, int, int, str, str, str, int]]) -> None:
        """Serves a batch of events; the verdicts that are there at once go back together."""
        decisions = []
        for kind, handle, number, user, room, content, code in events:
            if kind == MESSAGE:
                request: Join = Message(self._server, handle, number, user, room, content)
                if self._decide("message", request):
                    decisions.append(request._decision())
            elif kind == JOIN:
                request = Join(self._server, handle, number, user, room)
                if self._decide("join", request):
                    decisions.append(request._decision())
            elif kind == OPEN:
                self._tell("open", Connection(self._server, handle, user))
            else:
                self._tell("close", Connection(self._server, handle, user), code)
        self._send(decisions)

    def exempt(self, task: asyncio.Task[Any] | None) -> None:
        """This handler waits for the drain, which therefore does not wait for it."""
        self._exempt.add(task)

    def cancel(self) -> None:
        """Nobody waits any longer for the handlers that are at work now."""
        for task in self._tasks - self._exempt:
            task.cancel()

    async def finish(self, deadline_s: float) -> None:
        """Waits for the handlers that are at work now, and cancels those that are at the deadline.

        Their verdicts are sent.
        """
        timeout = None if deadline_s == math.inf else deadline_s
        if at_work := self._tasks - self._exempt:
            _, late = await asyncio.wait(at_work, timeout=timeout)
            for task in late:
                task.cancel()
            if late:  # one that takes no notice is left to itself
                await asyncio.wait(late, timeout=CANCELLING_S)
        self._send_late()

    def _decide(self, name: str, request: Join) -> bool:
        """Calls the handlers until one decides; False if the verdict comes later."""
        called = self._called[name]
        for place, handler in enumerate(called):
            try:
                outcome = handler(request)
            except self.failures as error:
                self._failed(name, error, request)
                return True
            if inspect.isawaitable(outcome):
                self._spawn(self._decide_later(name, request, outcome, called[place + 1 :]))
                return False
            if request._decided:
                return True
        return True

    async def _decide_later(
        self, name: str, request: Join, first: Awaitable[Any], others: list[Handler]
    ) -> None:
        try:
            await first
            for handler in others:
                if request._decided:
                    break
                outcome = handler(request)
                if inspect.isawaitable(outcome):
                    await outcome
        except self.failures as error:
            self._failed(name, error, request)
        if not self._late:
            asyncio.get_running_loop().call_soon(self._send_late)
        self._late.append(request._decision())

    def _send_late(self) -> None:
        decisions, self._late = self._late, []
        self._send(decisions)

    def _send(self, decisions: list[tuple[int, int, int, str, str]]) -> None:
        if not decisions:
            return
        try:
            self._server._native.decide(decisions)
        except Exception as error:
            if getattr(error, "code", "") != "not_running":
                self._send_each(decisions)

    def _send_each(self, decisions: list[tuple[int, int, int, str, str]]) -> None:
        """One of many verdicts is not valid: it alone becomes a refusal."""
        for decision in decisions:
            try:
                self._server._native.decide([decision])
            except Exception as error:
                if getattr(error, "code", "") == "not_running":
                    return
                self._count("verdict", error, None)
                handle, number = decision[:2]
                self._send([(handle, number, REFUSE, *FAILED)])

    def _tell(self, name: str, *arguments: Any) -> None:
        for handler in self._called[name]:
            try:
                outcome = handler(*arguments)
            except self.failures as error:
                self._count(name, error, arguments[0])
                continue
            if inspect.isawaitable(outcome):
                self._spawn(self._tell_later(name, outcome, arguments[0]))

    async def _tell_later(self, name: str, outcome: Awaitable[Any], about: object) -> None:
        try:
            await outcome
        except self.failures as error:
            self._count(name, error, about)

    def _failed(self, name: str, error: BaseException, request: Join) -> None:
        if not request._decided:
            request.refuse(*FAILED)
        self._count(name, error, request)

    def _count(self, name: str, error: BaseException, about: object) -> None:
        self.errors += 1
        log.error("a handler of '%s' failed on %r", name, about, exc_info=error)
        if name != "error":
            self._tell("error", error, about)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

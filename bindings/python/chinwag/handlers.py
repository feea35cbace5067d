"""Runs a program's handlers and keeps what goes wrong in them away from everybody else."""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from chinwag.errors import ChinwagError
from chinwag.logs import tell
from chinwag.requests import REFUSE, Connection, Join, Message
from chinwag.texts import type_of

if TYPE_CHECKING:
    from chinwag.server import Server

EVENTS = ("open", "join", "message", "close", "error")

# The order of chinwag::event_kind.
OPEN, JOIN, MESSAGE, CLOSE = range(4)

Handler = Callable[..., Any]
# kind, handle, number, user, room, content, code
Event = tuple[int, int, int, str, str, str, int]
Decision = tuple[int, int, int, str, str]

# What ends a program. All else that a handler raises is its own failure, whatever it derives from:
# whoever asked has to get an answer.
EXITS: tuple[type[BaseException], ...] = (SystemExit, KeyboardInterrupt)
YIELDS = "a handler with a 'yield' in it is never run: use 'return', or 'await' in an 'async def'"
# How long a handler that was cancelled may tidy up.
CANCELLING_S = 0.25
# What the client is told then: text and code of the refusal.
FAILED = ("the server failed", "unavailable")


class Handlers:
    """The handlers of one server. Used from the thread of its event loop only."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._called: dict[str, list[Handler]] = {name: [] for name in EVENTS}
        self._waiting: deque[Event] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._late: list[Decision] = []
        self._exempt: set[asyncio.Task[Any] | None] = set()
        self._leaving: BaseException | None = None
        self.exits = EXITS
        self.errors = 0

    def add(self, name: str, handler: Handler) -> None:
        if not isinstance(name, str) or name not in self._called:
            raise ChinwagError(
                f"there is no event {name!r}: give one of {', '.join(EVENTS)}", "unknown_event"
            )
        if not callable(handler):
            raise TypeError(f"a handler is a function, not {type_of(handler)}")
        if is_generator(handler):
            raise TypeError(YIELDS)
        self._called[name].append(handler)

    def names(self) -> list[str]:
        """The events that somebody wants."""
        return [name for name, called in self._called.items() if called]

    def handle(self, events: list[Event]) -> None:
        """Serves a batch of events; the verdicts that are there at once go back together. An exit
        that a handler asks for comes after its verdict, and what is behind it waits until the loop
        goes on, if it does."""
        self._waiting.extend(events)
        decisions: list[Decision] = []
        try:
            while self._waiting and self._leaving is None:
                self._serve(self._waiting.popleft(), decisions)
        finally:
            self._send(decisions)

    def has_more(self) -> bool:
        """Whether events wait behind an exit."""
        return bool(self._waiting)

    def exempt(self, task: asyncio.Task[Any] | None) -> None:
        """This handler waits for the drain, which therefore does not wait for it."""
        self._exempt.add(task)

    def cancel(self) -> None:
        """Nobody waits any longer for the handlers that are at work now."""
        for task in self._at_work():
            task.cancel()

    async def finish(self, deadline_s: float) -> None:
        """Waits for the handlers that are at work now, and cancels those that are at the deadline.

        Their verdicts are sent.
        """
        timeout = None if deadline_s == math.inf else max(0.0, deadline_s)
        if at_work := self._at_work():
            _, late = await asyncio.wait(at_work, timeout=timeout)
            for task in late:
                task.cancel()
            if late:  # one that takes no notice is left to itself
                await asyncio.wait(late, timeout=CANCELLING_S)
        self._send_late()

    def report(
        self, level: int, text: str, *given: object, error: BaseException | None = None
    ) -> None:
        """Logs a line; nothing that a handler of ``logging`` does is in the way of a verdict."""
        try:
            tell(level, text, *given, error=error)
        except BaseException as raised:
            self._leave(raised)

    def _at_work(self) -> set[asyncio.Task[None]]:
        loop = asyncio.get_running_loop()  # those of a loop that ended are not at work
        return {one for one in self._tasks - self._exempt if one.get_loop() is loop}

    def _serve(self, event: Event, decisions: list[Decision]) -> None:
        kind, handle, number, user, room, content, code = event
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

    def _decide(self, name: str, request: Join) -> bool:
        """Calls the handlers until one decides; False if the verdict comes later."""
        called = self._called[name]
        try:
            for place, handler in enumerate(called):
                outcome = handler(request)
                if must_wait(outcome):
                    others = called[place + 1 :]
                    self._spawn(self._decide_later(name, request, outcome, others))
                    return False
                if request._decided:
                    return True
        except BaseException as error:
            self._failed(name, error, request)
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
                if must_wait(outcome):
                    await outcome
        except BaseException as error:
            self._failed(name, error, request)
        finally:
            self._decide_soon(request._decision())

    def _decide_soon(self, decision: Decision) -> None:
        """Sends it with all others of this turn."""
        self._late.append(decision)
        if len(self._late) > 1:
            return
        try:
            asyncio.get_running_loop().call_soon(self._send_late)
        except RuntimeError:  # the loop ended, and the collector ends what was left of it
            self._send_late()

    def _send_late(self) -> None:
        decisions, self._late = self._late, []
        self._send(decisions)

    def _send(self, decisions: list[Decision]) -> None:
        if not decisions:
            return
        try:
            self._server._native.decide(decisions)
        except Exception as error:
            if getattr(error, "code", "") != "not_running":
                self._send_each(decisions)

    def _send_each(self, decisions: list[Decision]) -> None:
        """One of many verdicts is not valid: it alone becomes a refusal."""
        for decision in decisions:
            try:
                self._server._native.decide([decision])
            except Exception as error:
                if getattr(error, "code", "") == "not_running":
                    return
                self._count("verdict", error, None)
                handle, number = decision[:2]
                with suppress(Exception):
                    self._server._native.decide([(handle, number, REFUSE, *FAILED)])

    def _tell(self, name: str, *arguments: Any) -> None:
        for handler in self._called[name]:
            try:
                outcome = handler(*arguments)
                if must_wait(outcome):
                    self._spawn(self._tell_later(name, outcome, arguments[0]))
            except BaseException as error:
                self._count(name, error, arguments[0])

    async def _tell_later(self, name: str, outcome: Awaitable[Any], about: object) -> None:
        try:
            await outcome
        except BaseException as error:
            self._count(name, error, about)

    def _failed(self, name: str, error: BaseException, request: Join) -> None:
        if not request._decided:
            request.refuse(*FAILED)
        self._count(name, error, request)

    def _count(self, name: str, error: BaseException, about: object) -> None:
        self.errors += 1
        if isinstance(error, self.exits):
            self._leave(error)
            return
        self.report(logging.ERROR, "a handler of '%s' failed on %r", name, about, error=error)
        if name != "error":
            self._tell("error", error, about)

    def _leave(self, raised: BaseException) -> None:
        """Lets an exit go on as asyncio does, out of the loop, once the verdicts are sent."""
        if not isinstance(raised, self.exits) or self._leaving is not None:
            return
        with suppress(RuntimeError):  # no loop runs: there is nothing to be left
            asyncio.get_running_loop().call_soon(self._exit)
            self._leaving = raised

    def _exit(self) -> None:
        raised, self._leaving = self._leaving, None
        asyncio.get_running_loop().call_soon(self.handle, [])
        if raised is not None:
            raise raised

    def _spawn(self, work: Any) -> None:
        try:
            task = asyncio.get_running_loop().create_task(work)
        except BaseException:
            work.close()
            raise
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def must_wait(outcome: object) -> bool:
    """Whether what a handler returned is to be awaited."""
    if outcome is None:
        return False
    if inspect.isawaitable(outcome):
        return True
    if inspect.isgenerator(outcome) or inspect.isasyncgen(outcome):
        raise TypeError(YIELDS)
    return False


def is_generator(handler: Handler) -> bool:
    """Whether a call of it would run nothing of it; ``types.coroutine`` makes one that may be
    awaited."""
    flags = getattr(getattr(handler, "__code__", None), "co_flags", 0)
    if flags & inspect.CO_ITERABLE_COROUTINE:
        return False
    return inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler)

"""The same without an event loop in sight, for scripts and notebooks.

::

    with chinwag.sync.Server() as server, chinwag.sync.Client(server.url, "ann") as ann:
        ann.join("tea")
        ann.send("tea", "hello")
        print(ann.receive(timeout_s=1))

One event loop runs on a background thread of its own for everything here; handlers are called on
it. Errors are those of the asynchronous classes. After a fork what the parent made raises
``forked`` in the child, which may make servers and clients of its own.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import logging
import math
import os
import queue
import threading
from collections.abc import Callable, Coroutine, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

import chinwag.client
import chinwag.server
from chinwag.backoff import Delays
from chinwag.deadline import timeout
from chinwag.errors import ChinwagError, NoAnswer
from chinwag.handlers import Handler
from chinwag.logs import tell
from chinwag.owner import check_process
from chinwag.received import Received
from chinwag.requests import PROGRAM_NAME, Connection
from chinwag.server import AnyHandler
from chinwag.settings import MESSAGE_BYTES_MAX
from chinwag.signals import told_to_stop
from chinwag.texts import check_deadline

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from chinwag.options import Options

Outcome = TypeVar("Outcome")

# How long a deadline may be passed, and the end of the interpreter take, by a handler that blocks.
ENDING_S = 1.0


class _Background:
    """The event loop of this process and the thread that runs it."""

    def __init__(self, inherited: _Background | None = None) -> None:
        self._inherited = inherited  # kept: a loop that is collected complains that it is open
        self._guard = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ended = False

    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop; it is made when it is first asked for."""
        with self._guard:
            if self._ended:
                raise ChinwagError("the interpreter is ending", "not_running")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._run, args=(self._loop,), name="chinwag-asyncio", daemon=True
                )
                self._thread.start()
            return self._loop

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        """Everybody here needs the loop: what a handler's own tasks do does not end it."""
        while not self._ended:
            try:
                loop.run_forever()
            except BaseException as error:
                tell(logging.ERROR, "a task in the loop of chinwag.sync failed", error=error)

    def end(self) -> None:
        """Nobody may wait for it any more."""
        with self._guard:
            self._ended = True
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(ENDING_S)


_background = _Background()


def _begin_anew() -> None:
    """In a forked child: the thread stayed with the parent, its loop and lock are of no use."""
    global _background  # noqa: PLW0603
    _background = _Background(_background)


def _end() -> None:
    _background.end()


os.register_at_fork(after_in_child=_begin_anew)
atexit.register(_end)


def _begin(work: Coroutine[Any, Any, Outcome]) -> concurrent.futures.Future[Outcome]:
    try:
        loop = _background.loop()
    except ChinwagError:
        work.close()
        raise
    if asyncio._get_running_loop() is loop:
        work.close()
        raise ChinwagError(
            "a handler of chinwag.sync can't wait for its own loop: use chinwag.Server, whose "
            "handlers may be async, or call it from another thread",
            "would_wait_for_itself",
        )
    return asyncio.run_coroutine_threadsafe(work, loop)


def _wait(work: Coroutine[Any, Any, Outcome], timeout_s: float = math.inf) -> Outcome:
    """Waits a little longer than the work itself does, in case that its loop stands still."""
    future = _begin(work)
    limit_s = None if timeout_s == math.inf else min(timeout_s + ENDING_S, threading.TIMEOUT_MAX)
    try:
        return future.result(limit_s)
    except KeyboardInterrupt:
        future.cancel()
        raise
    except concurrent.futures.TimeoutError:
        if future.done():
            return future.result()
        future.cancel()
        raise NoAnswer(
            f"no answer in {timeout_s:g} s: a handler blocks, and all of chinwag.sync waits for it"
        ) from None


class Server:
    """``chinwag.Server`` for plain code: ``with Server() as server: ...``"""

    def __init__(self, **options: Unpack[Options]) -> None:
        self._server = chinwag.server.Server(**options)
        # An exit that a handler asks for would end the thread that everybody here needs.
        self._server._handlers.exits = ()
        self._owner = os.getpid()
        self._news: queue.SimpleQueue[object] = queue.SimpleQueue()  # safe in signal handlers

    @overload
    def on(self, event: str) -> Callable[[AnyHandler], AnyHandler]: ...
    @overload
    def on(self, event: str, handler: AnyHandler) -> AnyHandler: ...
    def on(self, event: str, handler: Handler | None = None) -> Any:
        return self._server.on(event) if handler is None else self._server.on(event, handler)

    def start(self) -> Server:
        if not self._server._started:  # one that a parent did not start may start here
            self._owner = os.getpid()
        check_process(self._owner, "server")
        _wait(self._server.start())
        return self

    def drain(self, deadline_s: float = 5.0) -> None:
        """As ``chinwag.Server.drain`` does. A handler that blocks is given up at the deadline: then
        who is still connected is cut off."""
        deadline_s = check_deadline(deadline_s)
        if self._server._hosted is None or self._server._drained:
            return
        check_process(self._owner, "server")
        news = self._news = queue.SimpleQueue()
        drained = _begin(self._server.drain(deadline_s))
        drained.add_done_callback(news.put)
        try:
            news.get(timeout=min(deadline_s + ENDING_S, threading.TIMEOUT_MAX))
            if not drained.done():  # a second signal came
                news.get(timeout=ENDING_S)
        except queue.Empty:
            pass
        if drained.done():
            return drained.result()
        tell(logging.WARNING, "%r: a handler blocks, the drain does not wait for it", self)
        self._server._end_without_loop()

    def serve(self, drain_s: float = 5.0) -> None:
        """Starts, serves until Ctrl-C, SIGTERM or ``drain()``, and drains; a second signal ends the
        drain at once. In another than the main thread it hears of signals only while something
        serves in the main thread, too."""
        drain_s = check_deadline(drain_s)
        with told_to_stop(lambda: self._hear_signal(drain_s)):
            self.start()
            try:
                _begin(self._server._wait_ended()).add_done_callback(self._news.put)
                self._news.get()
            except KeyboardInterrupt:
                pass
            finally:
                self.drain(drain_s)

    def _hear_signal(self, drain_s: float) -> bool:
        if self._server._started:
            self._server._ask_to_stop(_background.loop(), drain_s)
        self._news.put(None)
        return True

    def publish(self, room: str, content: str, user: str = PROGRAM_NAME) -> None:
        self._server.publish(room, content, user)

    def send_to(self, user: str, content: str, sender: str = PROGRAM_NAME) -> None:
        self._server.send_to(user, content, sender)

    def close(self, connection: Connection, code: int = 1000) -> bool:
        return self._server.close(connection, code)

    @property
    def rooms(self) -> dict[str, int]:
        return self._server.rooms

    def members(self, room: str) -> list[Connection]:
        return self._server.members(room)

    def stats(self) -> dict[str, Any]:
        return self._server.stats()

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def url(self) -> str:
        return self._server.url

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if os.getpid() == self._owner:  # a forked child leaves the parent's server alone
            self.drain()

    def __repr__(self) -> str:
        return repr(self._server).replace("chinwag.Server", "chinwag.sync.Server")

    def _repr_html_(self) -> str:
        return self._server._repr_html_()


class Client:
    """``chinwag.Client`` for plain code: ``with Client(url, "ann") as ann: ...``"""

    def __init__(
        self,
        url: str,
        user: str | None = None,
        *,
        reconnect: bool = True,
        heartbeat_s: float = 20.0,
        queue_max: int = 1024,
        message_bytes_max: int = MESSAGE_BYTES_MAX,
        connect_timeout_s: float = 10.0,
        close_timeout_s: float = 5.0,
        backoff: Delays | None = None,
    ) -> None:
        self._client = chinwag.client.Client(
            url,
            user,
            reconnect=reconnect,
            heartbeat_s=heartbeat_s,
            queue_max=queue_max,
            message_bytes_max=message_bytes_max,
            connect_timeout_s=connect_timeout_s,
            close_timeout_s=close_timeout_s,
            backoff=backoff,
        )
        self._connected = False
        self._owner = os.getpid()

    def connect(self) -> Client:
        if self._connected:
            check_process(self._owner, "client")
        _wait(self._client.connect())
        self._connected = True
        self._owner = os.getpid()
        return self

    def close(self) -> None:
        """Closes the connection. Where a handler blocks, that is done when it has ended."""
        if not self._connected:
            return
        closed = _begin(self._open.close())
        try:
            closed.result(self._client._given.close_timeout_s + ENDING_S)
        except concurrent.futures.TimeoutError:
            tell(logging.WARNING, "%r: a handler blocks, the close does not wait for it", self)

    @property
    def _open(self) -> chinwag.client.Client:
        if self._connected:
            check_process(self._owner, "client")
        return self._client

    @property
    def user(self) -> str:
        return self._open.user

    @property
    def reconnects(self) -> int:
        return self._open.reconnects

    def join(self, room: str, timeout_s: float = 10.0) -> None:
        timeout_s = check_deadline(timeout_s, "timeout_s")
        _wait(self._open.join(room, timeout_s), timeout_s)

    def leave(self, room: str) -> None:
        _wait(self._open.leave(room))

    def send(self, room: str, content: str) -> None:
        _wait(self._open.send(room, content))

    def direct(self, to: str, content: str) -> None:
        _wait(self._open.direct(to, content))

    def receive(self, timeout_s: float | None = None) -> Received | None:
        """The next message; ``None`` at the end.

        Raises:
            NoAnswer: nothing came in time; it is a ``TimeoutError``, too.
            ChinwagError: ``bad_deadline``.
        """
        limit_s = math.inf if timeout_s is None else check_deadline(timeout_s, "timeout_s")
        client = self._open

        async def next_message() -> Received | None:
            try:
                async with timeout(None if limit_s == math.inf else limit_s):
                    return await client.receive()
            except asyncio.TimeoutError:
                raise NoAnswer(f"no message in {timeout_s} s") from None

        return _wait(next_message(), limit_s)

    def messages(self) -> Iterator[Received]:
        """What the server sends, until the client is closed."""
        while (message := self.receive()) is not None:
            yield message

    def __enter__(self) -> Client:
        return self if self._connected else self.connect()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if os.getpid() == self._owner:  # a forked child leaves the parent's connection alone
            self.close()

    def __repr__(self) -> str:
        return repr(self._client).replace("chinwag.Client", "chinwag.sync.Client")

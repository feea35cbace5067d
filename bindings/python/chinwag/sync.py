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
import os
import threading
from collections.abc import Callable, Coroutine, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

import chinwag.client
import chinwag.server
from chinwag.client import Received
from chinwag.errors import ChinwagError, ConnectionClosed, NoAnswer
from chinwag.handlers import FAILURES, Handler
from chinwag.requests import PROGRAM_NAME, Connection
from chinwag.server import AnyHandler
from chinwag.signals import told_to_stop
from chinwag.texts import check_deadline

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from chinwag.options import Options

Outcome = TypeVar("Outcome")

# How long the end of the interpreter waits for a handler that blocks.
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
                    target=self._loop.run_forever, name="chinwag-asyncio", daemon=True
                )
                self._thread.start()
            return self._loop

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


def _check_process(owner: int, what: str) -> None:
    if os.getpid() != owner:
        raise ChinwagError(
            f"this {what} belongs to the process that forked; make a new one here, or use the "
            "'spawn' start method",
            "forked",
        )


def _wait(work: Coroutine[Any, Any, Outcome]) -> Outcome:
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
    future = asyncio.run_coroutine_threadsafe(work, loop)
    try:
        return future.result()
    except KeyboardInterrupt:
        future.cancel()
        raise


class Server:
    """``chinwag.Server`` for plain code: ``with Server() as server: ...``"""

    def __init__(self, **options: Unpack[Options]) -> None:
        self._server = chinwag.server.Server(**options)
        # An exit that a handler asks for would end the thread that everybody here needs.
        self._server._handlers.failures = (*FAILURES, SystemExit, KeyboardInterrupt)
        self._owner = os.getpid()

    @overload
    def on(self, event: str) -> Callable[[AnyHandler], AnyHandler]: ...
    @overload
    def on(self, event: str, handler: AnyHandler) -> AnyHandler: ...
    def on(self, event: str, handler: Handler | None = None) -> Any:
        return self._server.on(event) if handler is None else self._server.on(event, handler)

    def start(self) -> Server:
        if not self._server._started:  # one that a parent did not start may start here
            self._owner = os.getpid()
        _check_process(self._owner, "server")
        _wait(self._server.start())
        return self

    def drain(self, deadline_s: float = 5.0) -> None:
        check_deadline(deadline_s)
        if self._server._hosted is not None:
            _check_process(self._owner, "server")
        _wait(self._server.drain(deadline_s))

    def serve(self, drain_s: float = 5.0) -> None:
        """Starts, serves until Ctrl-C, SIGTERM or ``drain()``, and drains. In another than the main
        thread it hears of signals only while something serves in the main thread, too."""
        check_deadline(drain_s)
        self.start()
        loop = _background.loop()
        with told_to_stop(lambda: self._server._ask_to_stop(loop, drain_s)):
            try:
                _wait(self._server._wait_ended())
            except KeyboardInterrupt:
                pass
            finally:
                self.drain(drain_s)

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

    def __init__(self, url: str, user: str | None = None, **options: Any) -> None:
        self._given = (url, user, options)
        self._client: chinwag.client.Client | None = None
        self._owner = os.getpid()

    def connect(self) -> Client:
        url, user, options = self._given

        async def begin() -> chinwag.client.Client:
            return await chinwag.client.Client(url, user, **options).connect()

        if self._client is not None:
            raise ChinwagError("a client connects once: make a new one", "already_running")
        self._client = _wait(begin())
        self._owner = os.getpid()
        return self

    def close(self) -> None:
        if self._client is not None:
            _wait(self._open.close())

    @property
    def _open(self) -> chinwag.client.Client:
        if self._client is None:
            raise ConnectionClosed("connect first")
        _check_process(self._owner, "client")
        return self._client

    @property
    def user(self) -> str:
        return self._open.user

    def join(self, room: str, timeout_s: float = 10.0) -> None:
        _wait(self._open.join(room, timeout_s))

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
        """
        client = self._open

        async def next_message() -> Received | None:
            try:
                return await asyncio.wait_for(client.receive(), timeout_s)
            except asyncio.TimeoutError:
                raise NoAnswer(f"no message in {timeout_s} s") from None

        return _wait(next_message())

    def messages(self) -> Iterator[Received]:
        """What the server sends, until the client is closed."""
        while (message := self.receive()) is not None:
            yield message

    def __enter__(self) -> Client:
        return self if self._client is not None else self.connect()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if os.getpid() == self._owner:  # a forked child leaves the parent's connection alone
            self.close()

    def __repr__(self) -> str:
        return f"<chinwag.sync.Client of {self._given[0]}>"

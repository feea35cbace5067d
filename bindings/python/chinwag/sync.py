"""The same without an event loop in sight, for scripts and notebooks.

::

    with chinwag.sync.Server() as server, chinwag.sync.Client(server.url, "ann") as ann:
        ann.join("tea")
        ann.send("tea", "hello")
        print(ann.receive(timeout_s=1))

One event loop runs on a background thread of its own for everything here; handlers are called on
it. Errors are those of the asynchronous classes.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Coroutine, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

import chinwag.client
import chinwag.server
from chinwag.client import Received
from chinwag.errors import ChinwagError, ConnectionClosed, NoAnswer
from chinwag.handlers import Handler
from chinwag.requests import PROGRAM_NAME, Connection
from chinwag.server import AnyHandler

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from chinwag.options import Options

Outcome = TypeVar("Outcome")

_guard = threading.Lock()


def _shared_loop() -> asyncio.AbstractEventLoop:
    with _guard:
        return _new_loop()


@functools.cache
def _new_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="chinwag-asyncio", daemon=True).start()
    return loop


def _wait(work: Coroutine[Any, Any, Outcome]) -> Outcome:
    loop = _shared_loop()
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

    @overload
    def on(self, event: str) -> Callable[[AnyHandler], AnyHandler]: ...
    @overload
    def on(self, event: str, handler: AnyHandler) -> AnyHandler: ...
    def on(self, event: str, handler: Handler | None = None) -> Any:
        return self._server.on(event) if handler is None else self._server.on(event, handler)

    def start(self) -> Server:
        _wait(self._server.start())
        return self

    def drain(self, deadline_s: float = 5.0) -> None:
        _wait(self._server.drain(deadline_s))

    def serve(self, drain_s: float = 5.0) -> None:
        """Starts, serves until Ctrl-C, and drains."""
        self.start()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass
        finally:
            self.drain(drain_s)

    def publish(self, room: str, content: str, user: str = PROGRAM_NAME) -> None:
        self._server.publish(room, content, user)

    def send_to(self, user: str, content: str, sender: str = PROGRAM_NAME) -> None:
        self._server.send_to(user, content, sender)

    def close(self, connection: Connection, code: int = 1000) -> None:
        self._server.close(connection, code)

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

    def connect(self) -> Client:
        url, user, options = self._given

        async def begin() -> chinwag.client.Client:
            return await chinwag.client.Client(url, user, **options).connect()

        self._client = _wait(begin())
        return self

    def close(self) -> None:
        if self._client is not None:
            _wait(self._client.close())

    @property
    def _open(self) -> chinwag.client.Client:
        if self._client is None:
            raise ConnectionClosed("connect first")
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
        self.close()

    def __repr__(self) -> str:
        return f"<chinwag.sync.Client of {self._given[0]}>"

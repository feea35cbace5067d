"""A chat/1 server inside this process."""

from __future__ import annotations

import asyncio
import atexit
import html
import logging
import signal
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from chinwag._chinwag import Hosted, check_options
from chinwag.errors import ChinwagError
from chinwag.handlers import Handler, Handlers
from chinwag.requests import PROGRAM_NAME, Connection, check_texts

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from chinwag.options import Options

log = logging.getLogger("chinwag")

AnyHandler = TypeVar("AnyHandler", bound=Handler)

_running: weakref.WeakSet[Server] = weakref.WeakSet()


class Server:
    """A chat/1 server on a thread of its own; Python's lock is never taken to serve a message that
    no handler wants to see.

    Options are those of ``chinwagd`` by name, the unit in the name: ``Server(port=0,
    idle_timeout_ms=5000)``. ``port=0``, the default here, takes a free one. Handlers are registered
    before it starts::

        server = chinwag.Server(port=4000)

        @server.on("message")
        def moderate(message):
            if "spam" in message.content:
                message.refuse("no spam")

        asyncio.run(server.serve())

    It is used from the thread of one event loop; ``publish`` and ``send_to`` from any thread.
    ``chinwag.sync.Server`` is the same without an event loop.

    Raises:
        ChinwagError: ``unknown_option`` or ``bad_option_value``.
    """

    def __init__(self, **options: Unpack[Options]) -> None:
        self._options: dict[str, Any] = {"port": 0, **options}
        check_options(self._options)
        self._handlers = Handlers(self)
        self._hosted: Hosted | None = None
        self._port: int | None = None
        self._ended: asyncio.Event | None = None
        self._started = False
        self._draining: asyncio.Task[None] | None = None
        self._final: dict[str, Any] | None = None

    @overload
    def on(self, event: str) -> Callable[[AnyHandler], AnyHandler]: ...
    @overload
    def on(self, event: str, handler: AnyHandler) -> AnyHandler: ...
    def on(self, event: str, handler: Handler | None = None) -> Any:
        """Registers a handler, plain or async; without one it is a decorator.

        - ``open(connection)``: after the upgrade
        - ``join(join)``: may ``refuse`` or ``answer`` it
        - ``message(message)``: may set its ``content``, ``refuse`` or ``answer`` it
        - ``close(connection, code)``: once for every open; 1006 if it broke off
        - ``error(error, about)``: another handler raised

        A handler that raises is logged and counted in ``stats()["handler_errors"]``, and what it
        was asked about is refused with ``unavailable``; nobody else notices. What a client asks for
        waits behind what is undecided of the same client, and for nobody else's.

        Raises:
            ChinwagError: ``unknown_event``, or ``already_running``.
        """
        if handler is None:
            return lambda function: self.on(event, function)
        if self._started:
            raise ChinwagError("register handlers before the server starts", "already_running")
        self._handlers.add(event, handler)
        return handler

    async def start(self) -> Server:
        """Binds the port and serves.

        Raises:
            ChinwagError: ``port_in_use``, ``address_unusable``, ``permission_denied``,
                ``no_descriptors``, or ``already_running``.
        """
        if self._started:
            raise ChinwagError("a server starts once: make a new one", "already_running")
        hosted = Hosted(self._options, self._handlers.names())
        self._port = hosted.start()
        self._hosted = hosted
        self._started = True
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(hosted.wake_fd(), self._on_wake)
        _running.add(self)
        return self

    async def drain(self, deadline_s: float = 5.0) -> None:
        """Stops accepting, closes every connection with 1012, and returns when all are gone or
        after ``deadline_s`` seconds. Draining again does nothing."""
        if self._hosted is None:
            return
        if self._draining is None:
            self._draining = asyncio.get_running_loop().create_task(self._drain(deadline_s))
        # Who stops waiting does not stop it.
        await asyncio.shield(self._draining)

    async def _drain(self, deadline_s: float) -> None:
        hosted = self._native
        loop = asyncio.get_running_loop()
        end = loop.time() + deadline_s
        await self._handlers.finish(deadline_s)
        left_s = max(0.25, end - loop.time())
        await loop.run_in_executor(None, hosted.drain, left_s)
        self._on_wake()
        await self._handlers.finish(deadline_s)
        loop.remove_reader(hosted.wake_fd())
        _running.discard(self)
        self._final = hosted.stats()
        self._hosted = None  # what it held is given back now, not when the collector comes by
        assert self._ended is not None
        self._ended.set()

    async def serve(self, drain_s: float = 5.0) -> None:
        """Starts, serves until Ctrl-C, SIGTERM or ``drain()``, and drains."""
        await self.start()
        log.info("serving chat/1 on %s", self.url)
        loop = asyncio.get_running_loop()
        handled = []
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                loop.add_signal_handler(number, lambda: loop.create_task(self.drain(drain_s)))
                handled.append(number)
            except (ValueError, RuntimeError):
                break  # not the main thread: whoever runs it there stops it
        assert self._ended is not None
        try:
            await self._ended.wait()
        finally:
            for number in handled:
                loop.remove_signal_handler(number)
            await self.drain(drain_s)

    def publish(self, room: str, content: str, user: str = PROGRAM_NAME) -> None:
        """Publishes a message in a room, from any thread. A room without members has nobody to hear
        it. ``content`` is at most 65,536 bytes of UTF-8.

        Raises:
            ChinwagError: ``bad_name``, ``bad_content`` or ``not_running``.
        """
        check_texts(room=room, content=content, user=user)
        self._native.publish(room, content, user)

    def send_to(self, user: str, content: str, sender: str = PROGRAM_NAME) -> None:
        """Sends a direct message to every connection of a user, from any thread.

        Raises:
            ChinwagError: ``bad_name``, ``bad_content`` or ``not_running``.
        """
        check_texts(user=user, content=content, sender=sender)
        self._native.send_to(user, content, sender)

    def close(self, connection: Connection, code: int = 1000) -> None:
        """Closes one connection once what waits for it is sent.

        Raises:
            ConnectionClosed: it is gone.
            ChinwagError: ``bad_close_code`` or ``not_running``.
        """
        self._native.close(connection._handle, code)

    @property
    def rooms(self) -> dict[str, int]:
        """The rooms that have members, and how many."""
        return self._native.rooms()

    def members(self, room: str) -> list[Connection]:
        """The connections that are in a room, in the order in which they joined."""
        return [Connection(self, handle, user) for handle, user in self._native.members(room)]

    def stats(self) -> dict[str, Any]:
        """Counters since the start, and what is held now: ``connections``, ``rooms``, ``members``,
        ``deliveries``, ``bytes_in`` and more; ``handler_errors`` counts handlers that raised."""
        counted = self._native.stats() if self._final is None else self._final
        return {**counted, "handler_errors": self._handlers.errors}

    @property
    def port(self) -> int:
        """The TCP port that was bound.

        Raises:
            ChinwagError: ``not_running`` before the start.
        """
        if self._port is None:
            raise ChinwagError("the server does not run: start it first", "not_running")
        return self._port

    @property
    def url(self) -> str:
        """Where clients connect."""
        host = str(self._options.get("host", "127.0.0.1"))
        authority = f"[{host}]" if ":" in host else host  # RFC 3986, 3.2.2
        return f"ws://{authority}:{self.port}/ws"

    @property
    def _drained(self) -> bool:
        return self._final is not None

    @property
    def _native(self) -> Hosted:
        if self._hosted is None:
            what = (
                "was drained: make a new one" if self._drained else "does not run: start it first"
            )
            raise ChinwagError(f"the server {what}", "not_running")
        return self._hosted

    def _on_wake(self) -> None:
        self._handlers.handle(self._native.take())
        for warning, text in self._native.take_logs():
            log.log(logging.WARNING if warning else logging.DEBUG, "%s", text)

    async def __aenter__(self) -> Server:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.drain()

    def __repr__(self) -> str:
        if not self._started:
            return "<chinwag.Server, not started>"
        return f"<chinwag.Server on {self.url}{', drained' if self._drained else ''}>"

    def _repr_html_(self) -> str:
        if not self._started or self._drained:
            return f"<code>{html.escape(repr(self))}</code>"
        counted = self.stats()
        shown = ("connections", "rooms", "members", "publishes", "deliveries")
        cells = "".join(f"<th>{name}</th>" for name in shown)
        values = "".join(f"<td>{counted[name]:,}</td>" for name in shown)
        return (
            f"<table><caption><code>{html.escape(self.url)}</code></caption>"
            f"<tr>{cells}</tr><tr>{values}</tr></table>"
        )


@atexit.register
def _stop_all() -> None:
    """The threads of servers that still run end before the interpreter does."""
    for server in list(_running):
        if server._hosted is not None:
            try:
                server._hosted.stop()
            except ChinwagError:  # another process's, after a fork
                continue

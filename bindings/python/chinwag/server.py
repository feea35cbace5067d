"""A chat/1 server inside this process."""

from __future__ import annotations

import asyncio
import atexit
import html
import logging
import os
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from chinwag._chinwag import Hosted, check_options
from chinwag.errors import ChinwagError, ConnectionClosed
from chinwag.handlers import Handler, Handlers
from chinwag.requests import PROGRAM_NAME, Connection
from chinwag.signals import told_to_stop
from chinwag.texts import check_deadline, check_texts, to_ms

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from chinwag.options import Options

log = logging.getLogger("chinwag")

AnyHandler = TypeVar("AnyHandler", bound=Handler)

_running: weakref.WeakSet[Server] = weakref.WeakSet()

# What is left of a deadline for closing connections, and then for handlers of 'close', at least.
LEFT_S_MIN = 0.25


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
        self._gone: asyncio.Future[None] | None = None
        self._owner = os.getpid()
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
        self._owner = os.getpid()
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
        after ``deadline_s`` seconds; ``math.inf`` waits for as long as it takes. Draining again
        does nothing. A handler that waits for it is not waited for.

        Raises:
            ChinwagError: ``bad_deadline`` if it is negative or NaN; ``forked``.
        """
        check_deadline(deadline_s)
        if self._hosted is None:
            return
        self._check_process()
        self._handlers.exempt(asyncio.current_task())
        # Who stops waiting does not stop it.
        await asyncio.shield(self._begin_drain(deadline_s))

    def _begin_drain(self, deadline_s: float) -> asyncio.Task[None]:
        if self._draining is None:
            self._draining = asyncio.get_running_loop().create_task(self._drain(deadline_s))
        return self._draining

    async def _drain(self, deadline_s: float) -> None:
        hosted = self._native
        loop = asyncio.get_running_loop()
        end = loop.time() + deadline_s
        await self._handlers.finish(deadline_s)
        self._gone = loop.create_future()
        hosted.drain(to_ms(max(LEFT_S_MIN, end - loop.time())))
        await self._gone
        self._on_wake()
        while hosted.has_more():
            self._on_wake()
        await self._handlers.finish(max(LEFT_S_MIN, end - loop.time()))
        loop.remove_reader(hosted.wake_fd())
        _running.discard(self)
        self._final = hosted.stats()
        self._hosted = None  # what it held is given back now, not when the collector comes by
        assert self._ended is not None
        self._ended.set()

    async def serve(self, drain_s: float = 5.0) -> None:
        """Starts, serves until Ctrl-C, SIGTERM or ``drain()``, and drains. Every server that serves
        so hears a signal; a second one ends the drain at once. Then the program has its own signal
        handlers again.

        Raises:
            ChinwagError: as ``start`` and ``drain`` do.
        """
        check_deadline(drain_s)
        await self.start()
        log.info("serving chat/1 on %s", self.url)
        loop = asyncio.get_running_loop()
        with told_to_stop(lambda: self._ask_to_stop(loop, drain_s)):
            try:
                await self._wait_ended()
            finally:
                await self.drain(drain_s)

    async def _wait_ended(self) -> None:
        assert self._ended is not None
        await self._ended.wait()

    def _ask_to_stop(self, loop: asyncio.AbstractEventLoop, drain_s: float) -> None:
        """From any thread and from signal handlers."""
        try:
            loop.call_soon_threadsafe(self._stop_soon, drain_s)
        except RuntimeError:
            log.debug("%s: a signal came after the end of its event loop", self.url)

    def _stop_soon(self, drain_s: float) -> None:
        if self._draining is None:
            self._begin_drain(drain_s)
        elif self._hosted is not None:
            self._handlers.cancel()
            self._hosted.stop()

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

    def close(self, connection: Connection, code: int = 1000) -> bool:
        """Closes one connection once what waits for it is sent. ``False`` if it is gone.

        Raises:
            ChinwagError: ``bad_close_code``.
        """
        return connection.close(code)

    @property
    def rooms(self) -> dict[str, int]:
        """The rooms that have members, and how many."""
        return self._native.rooms()

    def members(self, room: str) -> list[Connection]:
        """The connections that are in a room, in the order in which they joined."""
        check_texts(room=room)
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
        return f"ws://{f'[{host}]' if ':' in host else host}:{self.port}/ws"

    @property
    def _drained(self) -> bool:
        return self._final is not None

    @property
    def _native(self) -> Hosted:
        hosted = self._hosted  # once: a drain may end meanwhile in another thread
        if hosted is None:
            what = (
                "was drained: make a new one" if self._drained else "does not run: start it first"
            )
            raise ChinwagError(f"the server {what}", "not_running")
        return hosted

    def _check_process(self) -> None:
        if os.getpid() != self._owner:
            raise ChinwagError(
                "this server belongs to the process that forked; make a new one here, or use the "
                "'spawn' start method",
                "forked",
            )

    def _reach(self, call: Callable[[Hosted], None]) -> bool:
        """Calls about one connection; False if it, or the whole server, is gone."""
        try:
            call(self._native)
        except ConnectionClosed:
            return False
        except ChinwagError as error:
            if error.code == "not_running":
                return False
            raise
        return True

    def _on_wake(self) -> None:
        hosted = self._native
        self._handlers.handle(hosted.take())
        for warning, text in hosted.take_logs():
            log.log(logging.WARNING if warning else logging.DEBUG, "%s", text)
        # After take(), which answers the bell: an end that comes now rings again.
        if hosted.has_ended() and self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

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

"""A chat/1 server inside this process."""

from __future__ import annotations

import asyncio
import atexit
import html
import logging
import time
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from chinwag._chinwag import Hosted, check_options
from chinwag.errors import ChinwagError, ConnectionClosed
from chinwag.handlers import Handler, Handlers
from chinwag.options import plain_options
from chinwag.owner import Owner
from chinwag.requests import PROGRAM_NAME, Connection
from chinwag.signals import told_to_stop
from chinwag.texts import check_contents, check_deadline, check_names, to_ms, type_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from chinwag.options import Options

AnyHandler = TypeVar("AnyHandler", bound=Handler)

_running: weakref.WeakSet[Server] = weakref.WeakSet()

# What is left of a deadline for closing connections, and then for handlers of 'close', at least.
LEFT_S_MIN = 0.25
# How long a loop may take to hear of a signal before the next one is an ordinary one.
HEARING_S = 1.0


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

    It is used from the thread of one event loop; ``publish`` and ``send_to`` from any thread, and
    ``drain`` from any event loop. ``chinwag.sync.Server`` is the same without an event loop.

    Raises:
        ChinwagError: ``unknown_option`` or ``bad_option_value``.
    """

    def __init__(self, **options: Unpack[Options]) -> None:
        self._options = plain_options({"port": 0, **options})
        check_options(self._options)
        self._handlers = Handlers(self)
        self._hosted: Hosted | None = None
        self._port: int | None = None
        self._ended: asyncio.Event | None = None
        self._started = False
        self._draining: asyncio.Task[None] | None = None
        self._gone: asyncio.Future[None] | None = None
        self._owner = Owner("server")
        self._unheard_since: float | None = None  # when a signal came that the loop has not heard
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
        was asked about is refused with ``unavailable``; nobody else notices. ``SystemExit`` and
        ``KeyboardInterrupt`` go on out of the event loop once that is done. What a client asks for
        waits behind what is undecided of the same client, and for nobody else's.

        Raises:
            ChinwagError: ``unknown_event``, or ``already_running``.
            TypeError: it is no function, or a generator, which would never run.
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
        self._owner.take()
        self._listen_for(hosted)
        try:
            self._port = hosted.start()
        except BaseException:
            asyncio.get_running_loop().remove_reader(hosted.wake_fd())
            raise
        self._hosted = hosted
        self._started = True
        _running.add(self)
        return self

    def _listen_for(self, hosted: Hosted) -> None:
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(hosted.wake_fd(), self._on_wake)

    async def drain(self, deadline_s: float = 5.0) -> None:
        """Stops accepting, closes every connection with 1012, and returns when all are gone or
        after ``deadline_s`` seconds; ``math.inf`` waits for as long as it takes. Draining again
        does nothing. A handler that waits for it is not waited for. It may be called from another
        event loop than the server's, also when that one has ended.

        Raises:
            ChinwagError: ``bad_deadline`` if it is negative or NaN; ``forked``; ``wrong_loop`` if
                the server's loop is neither running nor closed.
        """
        deadline_s = check_deadline(deadline_s)
        if self._hosted is None:
            return
        if not self._owner.is_here():
            if not self._owner.is_gone():
                await self._owner.call(self.drain(deadline_s))
                return
            self._owner.take()
            self._listen_for(self._hosted)
        self._handlers.exempt(asyncio.current_task())
        end = asyncio.get_running_loop().time() + deadline_s
        while self._hosted is not None:
            draining = self._begin_drain(end)
            await asyncio.wait({draining})  # who stops waiting does not stop it
            if not draining.cancelled():  # by whoever cancels all tasks
                draining.result()

    def _begin_drain(self, end: float) -> asyncio.Task[None]:
        loop = asyncio.get_running_loop()
        begun = self._draining
        if begun is None or begun.done() or begun.get_loop() is not loop:
            begun = self._draining = loop.create_task(self._drain(end))
        return begun

    async def _drain(self, end: float) -> None:
        hosted = self._hosted
        if hosted is None:
            return
        loop = asyncio.get_running_loop()
        hosted.stop_accepting()
        await self._handlers.finish(end - loop.time())
        self._gone = loop.create_future()
        hosted.drain(to_ms(max(LEFT_S_MIN, end - loop.time())))
        if not hosted.has_ended():  # by a drain that was cancelled
            await self._gone
        self._on_wake()
        while hosted.has_more() or self._handlers.has_more():
            await asyncio.sleep(0)
            self._on_wake()
        await self._handlers.finish(max(LEFT_S_MIN, end - loop.time()))
        loop.remove_reader(hosted.wake_fd())
        _running.discard(self)
        self._final = hosted.stats()
        self._hosted = None  # what it held is given back now, not when the collector comes by
        assert self._ended is not None
        self._ended.set()

    def _end_without_loop(self) -> None:
        """Ends it at once, from any thread, when a handler holds up the event loop. What is left
        for the loop to do it does when it goes on."""
        hosted = self._hosted
        if hosted is None:
            return
        hosted.drain(to_ms(LEFT_S_MIN))
        end = time.monotonic() + 2 * LEFT_S_MIN
        while not hosted.has_ended() and time.monotonic() < end:
            time.sleep(0.005)
        hosted.stop()
        self._final = hosted.stats()

    async def serve(self, drain_s: float = 5.0) -> None:
        """Starts, serves until Ctrl-C, SIGTERM or ``drain()``, and drains. Every server that serves
        so hears a signal; a second one ends the drain at once, and it ends the program if a handler
        has held up the event loop for 1 s since the first. Then the program has its own signal
        handlers again.

        Raises:
            ChinwagError: as ``start`` and ``drain`` do.
        """
        drain_s = check_deadline(drain_s)
        loop = asyncio.get_running_loop()
        with told_to_stop(lambda: self._ask_to_stop(loop, drain_s)):
            await self.start()
            try:
                self._handlers.report(logging.INFO, "serving chat/1 on %s", self.url)
                await self._wait_ended()
            finally:
                await self.drain(drain_s)

    async def _wait_ended(self) -> None:
        assert self._ended is not None
        await self._ended.wait()

    def _ask_to_stop(self, loop: asyncio.AbstractEventLoop, drain_s: float) -> bool:
        """From any thread and from signal handlers. False if the loop does not hear it."""
        now = time.monotonic()
        unheard_since = now if self._unheard_since is None else self._unheard_since
        self._unheard_since = unheard_since
        try:
            # The loop of another thread may hear it, and reset the field, before this returns.
            loop.call_soon_threadsafe(self._stop_soon, drain_s)
        except RuntimeError:
            self._handlers.report(logging.DEBUG, "%r: a signal came after its event loop", self)
            return True
        return now - unheard_since < HEARING_S

    def _stop_soon(self, drain_s: float) -> None:
        self._unheard_since = None
        if self._hosted is None:
            return
        if self._draining is None or self._draining.done():
            self._begin_drain(asyncio.get_running_loop().time() + drain_s)
        else:
            self._handlers.cancel()
            self._hosted.stop()

    def publish(self, room: str, content: str, user: str = PROGRAM_NAME) -> None:
        """Publishes a message in a room, from any thread. A room without members has nobody to hear
        it. ``content`` is at most 65,536 bytes of UTF-8.

        Raises:
            ChinwagError: ``bad_name``, ``bad_content``, ``not_running``, or ``too_many_calls``
                while ``calls_bytes_max`` of calls wait for the server: try again later.
        """
        check_names(room=room, user=user)
        check_contents(content=content)
        self._native.publish(room, content, user)

    def send_to(self, user: str, content: str, sender: str = PROGRAM_NAME) -> None:
        """Sends a direct message to every connection of a user, from any thread.

        Raises:
            ChinwagError: as ``publish`` does.
        """
        check_names(user=user, sender=sender)
        check_contents(content=content)
        self._native.send_to(user, content, sender)

    def close(self, connection: Connection, code: int = 1000) -> bool:
        """Closes one connection once what waits for it is sent. ``False`` if it is gone.

        Raises:
            ChinwagError: ``bad_close_code`` or ``too_many_calls``.
        """
        if not isinstance(connection, Connection):
            raise TypeError(f"connection is a Connection, not {type_of(connection)}")
        return connection.close(code)

    @property
    def rooms(self) -> dict[str, int]:
        """The rooms that have members, and how many."""
        return self._native.rooms()

    def members(self, room: str) -> list[Connection]:
        """The connections that are in a room, in the order in which they joined."""
        check_names(room=room)
        return [Connection(self, handle, user) for handle, user in self._native.members(room)]

    def stats(self) -> dict[str, Any]:
        """Counters since the start, and what is held now: ``connections``, ``rooms``, ``members``,
        ``deliveries``, ``bytes_in`` and more; ``handler_errors`` counts handlers that raised. After
        a drain they stay what they were at its end.

        Raises:
            ChinwagError: ``not_running`` before the start; ``forked``.
        """
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
        if hosted is None or self._drained:
            what = (
                "was drained: make a new one" if self._drained else "does not run: start it first"
            )
            raise ChinwagError(f"the server {what}", "not_running")
        return hosted

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
        hosted = self._hosted
        if hosted is None:
            return
        try:
            self._handlers.handle(hosted.take())
            for warning, text in hosted.take_logs():
                level = logging.WARNING if warning else logging.DEBUG
                self._handlers.report(level, "%s", text)
        finally:
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

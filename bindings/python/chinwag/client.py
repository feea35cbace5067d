"""A chat/1 client for asyncio."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed as WebSocketClosed

from chinwag.backoff import Delays
from chinwag.deadline import timeout
from chinwag.errors import ChinwagError, ConnectionClosed, NoAnswer, Refused
from chinwag.handshake import open_connection, shown
from chinwag.logs import tell
from chinwag.owner import Owner
from chinwag.received import Received, read_message
from chinwag.settings import MESSAGE_BYTES_MAX, read_settings
from chinwag.texts import check_deadline, check_names, check_texts, encode_request

HEARTBEAT = '{"type":"heartbeat"}'
HEARTBEATS_UNANSWERED_MAX = 2

# Bytes kept for a reader that is slow, beyond which it counts as having `queue_max` messages; so
# many times more are read for the answer of a join, which may be behind them.
KEPT_BYTES_MAX = 2**24
KEPT_FOR_JOIN = 4
TOO_BIG = 1009

# A connection that ends sooner does not count as a success: a server that turns clients away would
# be asked again at once, for ever.
STABLE_S = 10.0
# So many connections that end before a join is answered are the join's fault.
BREAKS_PER_JOIN_MAX = 3


@dataclass(eq=False, slots=True)
class Asked:
    """A join that waits for its answer."""

    room: str
    answer: asyncio.Future[None]
    sent: bool = False
    breaks: int = 0  # connections that ended before its answer


class Client:
    """A connection to a chat/1 server that comes back by itself: after a break it tries again with
    growing, jittered delays and joins its rooms anew. What others published meanwhile is not seen.

    ::

        async with chinwag.Client("ws://127.0.0.1:4000/ws", user="ann") as ann:
            await ann.join("tea")
            await ann.send("tea", "hello")
            async for message in ann.messages():
                print(message.user, message.content)

    Args:
        url: such as ``ws://127.0.0.1:4000/ws``.
        user: the name to be known by; without one the server gives a random one.
        reconnect: whether to come back after a break.
        heartbeat_s: seconds between heartbeats; two without an answer are a break.
        queue_max: messages kept for a reader that is slow, and at most 16 MiB of them; then the
            server has to wait.
        message_bytes_max: bytes of the longest message that is taken, from 65,536 on. A longer one
            ends its connection with 1009, which is a break; no chat/1 server sends one.
        connect_timeout_s: seconds in which a connection has to be open, all in all.
        close_timeout_s: seconds that a server has to answer a close; then the connection is cut
            off.
        backoff: the delays before it comes back. They grow until a connection lasts for 10 s, so
            that a server that turns it away is not asked again and again.

    Raises:
        ChinwagError: ``bad_url``, ``bad_name`` or ``bad_option_value``.
        TypeError: an option of another type.
    """

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
        self._given = read_settings(
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
        self._url = shown(self._given.url)  # for messages
        self._user = self._given.user
        self._owner = Owner("client")
        self._rooms: dict[str, None] = {}
        # Requests are answered in their order, so two heartbeats around a join tell which refusal
        # is its own. Of the heartbeats under way: the join that one stands before, or None.
        self._joins: list[Asked] = []
        self._beats: deque[Asked | None] = deque()
        self._asked: Asked | None = None  # the join whose answer is due
        self._sending = asyncio.Lock()
        self._queue: asyncio.Queue[tuple[Received | None, int]] = asyncio.Queue()
        self._kept_bytes = 0  # of the messages in the queue
        self._space = asyncio.Event()  # the reader keeps up
        self._space.set()
        self._unanswered = 0  # heartbeats since the server was last heard
        self._connection: ClientConnection | None = None
        self._connected = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._started = False
        self._closed = False
        self.reconnects = 0

    @property
    def user(self) -> str:
        """The name that the server knows this client by."""
        return self._user

    async def connect(self) -> Client:
        """Connects once; after that breaks are mended in the background.

        Raises:
            ChinwagError: ``unreachable``, ``bad_url`` or ``handshake_refused``: also for a
                redirect, which is not followed.
            ConnectionClosed: it was closed meanwhile.
        """
        if self._started:
            raise ChinwagError("a client connects once: make a new one", "already_running")
        if self._closed:
            raise ConnectionClosed("the client was closed: make a new one")
        self._started = True
        self._owner.take()
        try:
            connection = await self._open()
        except BaseException:
            self._started = False  # it may be tried again
            raise
        if self._closed:
            await self._shut(connection)
            raise ConnectionClosed
        self._connected.set()
        self._task = asyncio.create_task(self._run())
        return self

    async def close(self) -> None:
        """Closes the connection, within ``close_timeout_s``; ``messages()`` ends. Closing again
        does nothing but wait for the end. It may be called from any event loop.

        Raises:
            ChinwagError: ``forked``; ``wrong_loop`` if the client's loop is neither running nor
                closed.
        """
        if not self._owner.is_here():
            if not self._owner.is_gone():
                await self._owner.call(self.close())
            self._closed = True  # with its loop
            return
        self._closed = True
        self._space.set()  # a reader that is slow does not hold the close up
        self._connected.set()  # whoever waits for a connection learns that there will be none
        while self._closing is None or self._closing.cancelled() or not self._closing.done():
            if self._closing is None or self._closing.done():
                self._closing = asyncio.create_task(self._close())
            await asyncio.wait({self._closing})  # who stops waiting does not stop it
        self._closing.result()

    async def _close(self) -> None:
        try:
            closed = self._connection
            if closed is not None:
                await self._shut(closed)
            if self._task is not None:
                self._task.cancel()
                await asyncio.wait({self._task})
            if self._connection is not None and self._connection is not closed:
                await self._shut(self._connection)  # it came back meanwhile
        finally:
            self._end()

    async def _shut(self, connection: ClientConnection) -> None:
        """Closes it. One whose server does not answer, or does not read, is cut off."""
        try:
            async with timeout(self._given.close_timeout_s):
                await connection.close()
        except asyncio.TimeoutError:
            pass
        finally:
            connection.transport.abort()

    async def join(self, room: str, timeout_s: float = 10.0) -> None:
        """Becomes a member of a room, and again after every reconnect. Returns once the server
        confirmed it.

        Raises:
            Refused: with the server's ``code``, such as ``forbidden`` or ``too_many_rooms``.
            ConnectionClosed: the client was closed or never connected, or the join ended the
                connection three times.
            NoAnswer: none came in time; it is a ``TimeoutError``, too.
            ChinwagError: ``bad_name``, ``bad_deadline``; ``math.inf`` is as long as it takes.
        """
        timeout_s = check_deadline(timeout_s, "timeout_s")
        check_names(room=room)
        self._check_started()
        asked = Asked(room, asyncio.get_running_loop().create_future())
        self._joins.append(asked)
        self._space.set()  # the answer may be behind messages that nobody reads
        try:
            async with timeout(None if timeout_s == math.inf else timeout_s):
                await self._ask(asked)
        except asyncio.TimeoutError:
            raise NoAnswer(f"no answer to join {room!r} in {timeout_s} s") from None
        finally:
            self._joins.remove(asked)
            if asked.answer.done() and not asked.answer.cancelled():
                asked.answer.exception()  # it is known, or comes too late
        self._rooms[room] = None

    async def leave(self, room: str) -> None:
        """Ends the membership. Errors are those of ``send``."""
        check_names(room=room)
        self._check_started()
        self._rooms.pop(room, None)
        await self._request({"type": "leave", "room": room})

    async def send(self, room: str, content: str) -> None:
        """Publishes in a room. Waits while there is no connection.

        Raises:
            ConnectionClosed: the client was closed or never connected.
            ChinwagError: ``bad_name``, or ``bad_content`` for more than 65,536 bytes of JSON.
        """
        check_names(room=room)
        check_texts(content=content)
        await self._request({"type": "message", "room": room, "content": content})

    async def direct(self, to: str, content: str) -> None:
        """Sends a direct message to every connection of a user. Errors are those of ``send``."""
        check_names(to=to)
        check_texts(content=content)
        await self._request({"type": "direct", "to": to, "content": content})

    async def messages(self) -> AsyncIterator[Received]:
        """What the server sends, until the client is closed or, without ``reconnect``, the
        connection breaks."""
        while (message := await self.receive()) is not None:
            yield message

    async def receive(self) -> Received | None:
        """The next of ``messages()``; ``None`` at their end.

        Raises:
            ConnectionClosed: the client never connected.
        """
        self._check_started()
        message, size = await self._queue.get()
        self._kept_bytes -= size
        self._space.set()
        if message is None:
            self._queue.put_nowait((None, 0))  # for whoever asks next
        return message

    def _check_started(self) -> None:
        self._owner.check_here()
        if not self._started and not self._closed:
            raise ConnectionClosed("connect first")

    async def _ask(self, asked: Asked) -> None:
        connection = await self._when_connected()
        if not asked.sent:
            try:
                await self._send_join(connection, asked)
            except WebSocketClosed:  # who comes back asks again
                if not self._given.reconnect:
                    raise ConnectionClosed from None
        await asked.answer

    async def _send_join(self, connection: ClientConnection, asked: Asked) -> None:
        asked.sent = True
        async with self._sending:
            if connection is not self._connection:
                return  # who came back meanwhile asked again
            self._beats.append(asked)
            await connection.send(HEARTBEAT)
            await connection.send(encode_request({"type": "join", "room": asked.room}))
            self._beats.append(None)
            await connection.send(HEARTBEAT)

    async def _when_connected(self) -> ClientConnection:
        await self._connected.wait()
        if self._closed or self._connection is None:
            raise ConnectionClosed
        return self._connection

    async def _request(self, request: dict[str, str]) -> None:
        text = encode_request(request)
        self._check_started()
        while True:
            connection = await self._when_connected()
            try:
                async with self._sending:
                    await connection.send(text)
                return
            except WebSocketClosed:
                if not self._given.reconnect:
                    raise ConnectionClosed from None
                if self._connection is connection:  # else it is back already
                    self._connected.clear()

    async def _open(self) -> ClientConnection:
        connection = await open_connection(
            self._given.url,
            self._given.message_bytes_max,
            self._given.connect_timeout_s,
            self._given.close_timeout_s,
        )
        self._connection = connection
        self._beats.clear()
        self._asked = None
        return connection

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while not self._closed:
                began = loop.time()
                await self._read()
                if not self._given.reconnect or self._closed:
                    break
                self._connected.clear()
                if loop.time() - began >= STABLE_S:
                    self._given.backoff.reset()
                self._blame_join()
                await self._come_back()
        except Exception as error:
            tell(logging.ERROR, "%r does not come back", self, error=error)
        finally:
            self._closed = True
            self._connected.set()
            if self._connection is not None:
                with suppress(RuntimeError):  # the loop has ended
                    self._connection.transport.abort()
            self._end()

    async def _read(self) -> None:
        assert self._connection is not None
        connection = self._connection
        beat = asyncio.create_task(self._beat(connection))
        # A reader that is slow must not hide the end of the connection.
        ended = asyncio.create_task(connection.wait_closed())
        ended.add_done_callback(lambda _: self._space.set())
        try:
            while True:
                text = await connection.recv()
                self._unanswered = 0
                if not isinstance(text, str):
                    continue
                if self._take(read_message(text), len(text)) and not ended.done():
                    self._space.clear()
                    await self._space.wait()  # nothing is read meanwhile: the server has to wait
        except WebSocketClosed as closed:
            self._tell_end(closed)
        except (ValueError, TypeError, RecursionError) as error:
            tell(logging.WARNING, "%s: not a chat/1 server: %s", self._url, error)
            connection.transport.abort()
        finally:
            beat.cancel()
            ended.cancel()

    def _tell_end(self, closed: WebSocketClosed) -> None:
        if closed.sent is not None and closed.sent.code == TOO_BIG:
            text = "%s: a message of more than message_bytes_max, %d bytes: the connection is ended"
            tell(logging.WARNING, text, self._url, self._given.message_bytes_max)
        else:
            tell(logging.INFO, "%s: the connection ended (%s)", self._url, closed)

    async def _beat(self, connection: ClientConnection) -> None:
        self._unanswered = 0
        while True:
            await asyncio.sleep(self._given.heartbeat_s)
            if self._unanswered >= HEARTBEATS_UNANSWERED_MAX:
                text = "%s: %d heartbeats without an answer"
                tell(logging.WARNING, text, self._url, self._unanswered)
                connection.transport.abort()
                return
            # Who does not read can't hear.
            self._unanswered = self._unanswered + 1 if self._space.is_set() else 0
            try:
                async with timeout(self._given.heartbeat_s):
                    await self._send_heartbeat(connection)
            except asyncio.TimeoutError:
                continue  # what was sent before it is still on its way
            except WebSocketClosed:
                return

    async def _send_heartbeat(self, connection: ClientConnection) -> None:
        async with self._sending:
            if connection is self._connection:
                self._beats.append(None)
                await connection.send(HEARTBEAT)

    def _blame_join(self) -> None:
        """Answers come in the order of the requests: the first join without one may be what a
        server ends its connection for."""
        asked = next((one for one in self._joins if one.sent and not one.answer.done()), None)
        if asked is None:
            return
        asked.breaks += 1
        if asked.breaks >= BREAKS_PER_JOIN_MAX:
            text = f"{asked.breaks} connections ended before join {asked.room!r} was answered"
            asked.answer.set_exception(ConnectionClosed(text))

    async def _come_back(self) -> None:
        while not self._closed:
            await asyncio.sleep(self._given.backoff.next_s())
            try:
                connection = await self._open()
                for room in list(self._rooms):
                    await connection.send(encode_request({"type": "join", "room": room}))
                for asked in list(self._joins):
                    if not asked.answer.done():
                        await self._send_join(connection, asked)
            except (ChinwagError, WebSocketClosed) as error:
                turned_away = getattr(error, "code", "") == "handshake_refused"
                level = logging.WARNING if turned_away else logging.INFO
                tell(level, "%s: not back yet (%s)", self._url, error)
                continue
            self._connected.set()
            self.reconnects += 1
            return

    def _take(self, message: Received, size: int) -> bool:
        """True if the reader has enough to read for now."""
        if message.type == "welcome":
            self._user = message.user
        elif message.type == "heartbeat":
            self._asked = self._beats.popleft() if self._beats else None
            return False
        elif message.type == "user_joined" and message.user == self._user:
            self._confirm_join(message.room)
        elif message.type == "error" and self._asked and not self._asked.answer.done():
            self._asked.answer.set_exception(Refused(message.content, message.code))
            return False
        self._queue.put_nowait((message, size))
        self._kept_bytes += size
        if self._closed:
            return False
        if self._joins:  # an answer is due, which may be behind more messages
            return self._kept_bytes >= KEPT_FOR_JOIN * KEPT_BYTES_MAX
        return self._queue.qsize() >= self._given.queue_max or self._kept_bytes >= KEPT_BYTES_MAX

    def _confirm_join(self, room: str) -> None:
        for asked in self._joins:
            if asked.room == room and not asked.answer.done():
                asked.answer.set_result(None)
                return

    def _end(self) -> None:
        for asked in self._joins:
            if not asked.answer.done():
                asked.answer.set_exception(ConnectionClosed())
        self._queue.put_nowait((None, 0))

    async def __aenter__(self) -> Client:
        return self if self._started else await self.connect()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        state = (
            "closed" if self._closed else "open" if self._connected.is_set() else "not connected"
        )
        return f"<chinwag.Client {self._user!r} of {self._url}, {state}>"

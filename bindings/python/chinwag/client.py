"""A chat/1 client for asyncio."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed as WebSocketClosed
from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException

from chinwag.backoff import Backoff
from chinwag.errors import ChinwagError, ConnectionClosed, NoAnswer, Refused
from chinwag.texts import check_names, check_texts, encode_request

log = logging.getLogger("chinwag")

HEARTBEAT = '{"type":"heartbeat"}'
HEARTBEATS_UNANSWERED_MAX = 2

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


@dataclass(frozen=True, slots=True)
class Received:
    """What a server sent.

    Attributes:
        type: ``message``, ``direct``, ``user_joined``, ``user_left``, ``error`` or ``welcome`` (the
            first of every connection, so also after a reconnect).
        room: of ``message``, ``user_joined`` and ``user_left``.
        user: who wrote, joined or left.
        content: of ``message`` and ``direct``; the text of an ``error``.
        timestamp: Unix milliseconds, by the server's clock; 0 where there is none.
        code: of an ``error``.
    """

    type: str
    room: str = ""
    user: str = ""
    content: str = ""
    timestamp: int = 0
    code: str = ""


def read_message(text: str) -> Received:
    """What a server's text frame says; fields that chat/1 does not have are left out."""
    given: dict[str, Any] = json.loads(text)
    return Received(
        type=given["type"],
        room=given.get("room", ""),
        user=given.get("user", ""),
        content=given.get("content", given.get("message", "")),
        timestamp=given.get("timestamp", 0),
        code=given.get("code", ""),
    )


def with_user(url: str, user: str | None) -> str:
    """The URL with the user's name in its query."""
    if user is None:
        return url
    parts = urlsplit(url)
    query = f"{parts.query}&" if parts.query else ""
    return urlunsplit(parts._replace(query=f"{query}user={quote(user, safe='')}"))


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
        queue_max: messages kept for a reader that is slow; then the server has to wait.
        backoff: the delays before it comes back. They grow until a connection lasts for 10 s, so
            that a server that turns it away is not asked again and again.

    Raises:
        ChinwagError: ``bad_name``.
    """

    def __init__(
        self,
        url: str,
        user: str | None = None,
        *,
        reconnect: bool = True,
        heartbeat_s: float = 20.0,
        queue_max: int = 1024,
        backoff: Backoff | None = None,
    ) -> None:
        if user:
            check_names(user=user)
        self._url = with_user(url, user)
        self._reconnect = reconnect
        self._heartbeat_s = heartbeat_s
        self._backoff = backoff or Backoff()
        self._user = user or ""
        self._rooms: dict[str, None] = {}
        # Requests are answered in their order, so two heartbeats around a join tell which refusal
        # is its own. Of the heartbeats under way: the join that one stands before, or None.
        self._joins: list[Asked] = []
        self._beats: deque[Asked | None] = deque()
        self._asked: Asked | None = None  # the join whose answer is due
        self._sending = asyncio.Lock()
        self._queue: asyncio.Queue[Received | None] = asyncio.Queue()
        self._queue_max = queue_max
        self._space = asyncio.Event()  # the reader keeps up
        self._space.set()
        self._unanswered = 0  # heartbeats since the server was last heard
        self._connection: ClientConnection | None = None
        self._connected = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
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
            ChinwagError: ``unreachable``, ``bad_url`` or ``handshake_refused``.
        """
        if self._started:
            raise ChinwagError("a client connects once: make a new one", "already_running")
        self._started = True
        try:
            connection = await self._open()
        except BaseException:
            self._started = False  # it may be tried again
            raise
        if self._closed:
            await connection.close()
            raise ConnectionClosed
        self._connected.set()
        self._task = asyncio.create_task(self._run())
        return self

    async def close(self) -> None:
        """Closes the connection; ``messages()`` ends. Closing again does nothing."""
        if self._closed:
            return
        self._closed = True
        self._space.set()  # a reader that is slow does not hold the close up
        self._connected.set()  # whoever waits for a connection learns that there will be none
        closed = self._connection
        if closed is not None:
            await closed.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._connection is not None and self._connection is not closed:
            await self._connection.close()  # it came back meanwhile
        self._end()

    async def join(self, room: str, timeout_s: float = 10.0) -> None:
        """Becomes a member of a room, and again after every reconnect. Returns once the server
        confirmed it.

        Raises:
            Refused: with the server's ``code``, such as ``forbidden`` or ``too_many_rooms``.
            ConnectionClosed: the client was closed or never connected, or the join ended the
                connection three times.
            NoAnswer: none came in time; it is a ``TimeoutError``, too.
            ChinwagError: ``bad_name``.
        """
        check_names(room=room)
        self._check_started()
        asked = Asked(room, asyncio.get_running_loop().create_future())
        self._joins.append(asked)
        self._space.set()  # the answer may be behind messages that nobody reads
        try:
            await asyncio.wait_for(self._ask(asked), timeout_s)
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
        message = await self._queue.get()
        self._space.set()
        if message is None:
            self._queue.put_nowait(None)  # for whoever asks next
        return message

    def _check_started(self) -> None:
        if not self._started and not self._closed:
            raise ConnectionClosed("connect first")

    async def _ask(self, asked: Asked) -> None:
        connection = await self._when_connected()
        if not asked.sent:
            try:
                await self._send_join(connection, asked)
            except WebSocketClosed:  # who comes back asks again
                if not self._reconnect:
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
                if not self._reconnect:
                    raise ConnectionClosed from None
                if self._connection is connection:  # else it is back already
                    self._connected.clear()

    async def _open(self) -> ClientConnection:
        try:
            # Its own pings would hide a server that answers them but serves nothing.
            connection = await connect(self._url, ping_interval=None, max_size=None, proxy=None)
        except InvalidURI as error:
            raise ChinwagError(str(error), "bad_url") from None
        except InvalidHandshake as error:
            raise ChinwagError(f"{self._url}: {error}", "handshake_refused") from None
        # Before Python 3.11 asyncio's TimeoutError is no OSError.
        except (OSError, EOFError, asyncio.TimeoutError, WebSocketException) as error:
            raise ChinwagError(
                f"{self._url}: {error}; does the server run?", "unreachable"
            ) from None
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
                if not self._reconnect or self._closed:
                    break
                self._connected.clear()
                if loop.time() - began >= STABLE_S:
                    self._backoff.reset()
                self._blame_join()
                await self._come_back()
        finally:
            self._closed = True
            self._connected.set()
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
                if isinstance(text, str) and self._take(read_message(text)) and not ended.done():
                    self._space.clear()
                    await self._space.wait()  # nothing is read meanwhile: the server has to wait
        except WebSocketClosed as closed:
            log.info("%s: the connection ended (%s)", self._url, closed)
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            log.warning("%s: not a chat/1 server: %s", self._url, error)
            connection.transport.abort()
        finally:
            beat.cancel()
            ended.cancel()

    async def _beat(self, connection: ClientConnection) -> None:
        self._unanswered = 0
        while True:
            await asyncio.sleep(self._heartbeat_s)
            if self._unanswered >= HEARTBEATS_UNANSWERED_MAX:
                log.warning("%s: %d heartbeats without an answer", self._url, self._unanswered)
                connection.transport.abort()
                return
            # Who does not read can't hear.
            self._unanswered = self._unanswered + 1 if self._space.is_set() else 0
            try:
                await asyncio.wait_for(self._send_heartbeat(connection), self._heartbeat_s)
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
            await asyncio.sleep(self._backoff.next_s())
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
                log.log(level, "%s: not back yet (%s)", self._url, error)
                continue
            self._connected.set()
            self.reconnects += 1
            return

    def _take(self, message: Received) -> bool:
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
        self._queue.put_nowait(message)
        if self._joins or self._closed:
            return False  # an answer is due, which may be behind more messages
        return self._queue.qsize() >= self._queue_max

    def _confirm_join(self, room: str) -> None:
        for asked in self._joins:
            if asked.room == room and not asked.answer.done():
                asked.answer.set_result(None)
                return

    def _end(self) -> None:
        for asked in self._joins:
            if not asked.answer.done():
                asked.answer.set_exception(ConnectionClosed())
        self._queue.put_nowait(None)

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

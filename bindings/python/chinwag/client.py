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
from websockets.exceptions import InvalidHandshake, InvalidURI

from chinwag.backoff import Backoff
from chinwag.errors import ChinwagError, ConnectionClosed, NoAnswer, Refused

log = logging.getLogger("chinwag")

HEARTBEAT = '{"type":"heartbeat"}'
HEARTBEATS_UNANSWERED_MAX = 2


@dataclass(eq=False, slots=True)
class Asked:
    """A join that waits for its answer."""

    room: str
    answer: asyncio.Future[None]
    sent: bool = False


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
        if self._task is not None:
            raise ChinwagError("a client connects once: make a new one", "already_running")
        await self._open()
        self._task = asyncio.create_task(self._run())
        return self

    async def close(self) -> None:
        """Closes the connection; ``messages()`` ends. Closing again does nothing."""
        if self._closed:
            return
        self._closed = True
        self._space.set()  # a reader that is slow does not hold the close up
        self._connected.set()  # whoever waits for a connection learns that there will be none
        if self._connection is not None:
            await self._connection.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._end()

    async def join(self, room: str, timeout_s: float = 10.0) -> None:
        """Becomes a member of a room, and again after every reconnect. Returns once the server
        confirmed it.

        Raises:
            Refused: with the server's ``code``, such as ``forbidden`` or ``too_many_rooms``.
            ConnectionClosed: the client was closed.
            NoAnswer: none came in time; it is a ``TimeoutError``, too.
        """
        asked = Asked(room, asyncio.get_running_loop().create_future())
        self._joins.append(asked)
        try:
            await self._when_connected()
            if asked in self._joins and not asked.sent:
                await self._send_join(asked)
            await asyncio.wait_for(asked.answer, timeout_s)
        except asyncio.TimeoutError:
            raise NoAnswer(f"no answer to join {room!r} in {timeout_s} s") from None
        finally:
            self._joins.remove(asked)
        self._rooms[room] = None

    async def leave(self, room: str) -> None:
        """Ends the membership."""
        self._rooms.pop(room, None)
        await self._request({"type": "leave", "room": room})

    async def send(self, room: str, content: str) -> None:
        """Publishes in a room. Waits while there is no connection.

        Raises:
            ConnectionClosed: the client was closed.
        """
        await self._request({"type": "message", "room": room, "content": content})

    async def direct(self, to: str, content: str) -> None:
        """Sends a direct message to every connection of a user."""
        await self._request({"type": "direct", "to": to, "content": content})

    async def messages(self) -> AsyncIterator[Received]:
        """What the server sends, until the client is closed or, without ``reconnect``, the
        connection breaks."""
        while (message := await self.receive()) is not None:
            yield message

    async def receive(self) -> Received | None:
        """The next of ``messages()``; ``None`` at their end."""
        message = await self._queue.get()
        self._space.set()
        if message is None:
            self._queue.put_nowait(None)  # for whoever asks next
        return message

    async def _send_join(self, asked: Asked) -> None:
        """A break on the way is mended by coming back: what is not answered is asked again."""
        assert self._connection is not None
        asked.sent = True
        join = json.dumps({"type": "join", "room": asked.room})
        try:
            async with self._sending:
                self._beats += [asked, None]
                for text in (HEARTBEAT, join, HEARTBEAT):
                    await self._connection.send(text)
        except WebSocketClosed:
            if not self._reconnect:
                raise ConnectionClosed from None

    async def _when_connected(self) -> ClientConnection:
        await self._connected.wait()
        if self._closed or self._connection is None:
            raise ConnectionClosed
        return self._connection

    async def _request(self, request: dict[str, str]) -> None:
        text = json.dumps(request, ensure_ascii=False)
        while True:
            connection = await self._when_connected()
            try:
                async with self._sending:
                    await connection.send(text)
                return
            except WebSocketClosed:
                if not self._reconnect:
                    raise ConnectionClosed from None
                self._connected.clear()

    async def _open(self) -> None:
        try:
            # Its own pings would hide a server that answers them but serves nothing.
            connection = await connect(self._url, ping_interval=None, max_size=None, proxy=None)
        except InvalidURI as error:
            raise ChinwagError(str(error), "bad_url") from None
        except InvalidHandshake as error:
            raise ChinwagError(f"{self._url}: {error}", "handshake_refused") from None
        except OSError as error:
            raise ChinwagError(
                f"{self._url}: {error}; does the server run?", "unreachable"
            ) from None
        self._connection = connection
        self._beats.clear()
        self._asked = None
        self._connected.set()

    async def _run(self) -> None:
        try:
            while not self._closed:
                await self._read()
                if not self._reconnect or self._closed:
                    break
                self._connected.clear()
                await self._come_back()
        finally:
            self._closed = True
            self._connected.set()
            self._end()

    async def _read(self) -> None:
        assert self._connection is not None
        connection = self._connection
        beat = asyncio.create_task(self._beat(connection))
        try:
            while True:
                text = await connection.recv()
                self._unanswered = 0
                if isinstance(text, str):
                    await self._take(read_message(text))
        except WebSocketClosed as closed:
            log.info("%s: the connection ended (%s)", self._url, closed)
        except (ValueError, LookupError, TypeError) as error:
            log.warning("%s: not a chat/1 server: %s", self._url, error)
            connection.transport.abort()
        finally:
            beat.cancel()

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
                async with self._sending:
                    self._beats.append(None)
                    await connection.send(HEARTBEAT)
            except WebSocketClosed:
                return

    async def _come_back(self) -> None:
        while not self._closed:
            await asyncio.sleep(self._backoff.next_s())
            try:
                await self._open()
                assert self._connection is not None
                for room in self._rooms:
                    await self._connection.send(json.dumps({"type": "join", "room": room}))
                for asked in self._joins:
                    await self._send_join(asked)
            except (ChinwagError, WebSocketClosed) as error:
                log.info("%s: not back yet (%s)", self._url, error)
                continue
            self._backoff.reset()
            self.reconnects += 1
            return

    async def _take(self, message: Received) -> None:
        if message.type == "welcome":
            self._user = message.user
        elif message.type == "heartbeat":
            self._asked = self._beats.popleft() if self._beats else None
            return
        elif message.type == "user_joined" and message.user == self._user:
            self._confirm_join(message.room)
        elif message.type == "error" and self._asked and not self._asked.answer.done():
            self._asked.answer.set_exception(Refused(message.content, message.code))
            return
        self._queue.put_nowait(message)
        if self._queue.qsize() >= self._queue_max and not self._closed:
            self._space.clear()
            await self._space.wait()  # nothing is read meanwhile: the server has to wait

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
        return self if self._task is not None else await self.connect()

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

"""One connection, from its first byte to the end of TCP."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import sys
import termios
import time
from typing import TYPE_CHECKING, cast

import handshake
from fault import has
from rooms import parse
from wire import CLOSE, PING, PONG, Reader, Violation, frame

if TYPE_CHECKING:
    from main import Server

PENDING_MAX = 2**20
END_S = 1.8
LATE_S = 1.5
BLOCKED_S = 5.0
CODES = {1000, 1001, 1002, 1003, *range(1007, 1012), *range(3000, 5000)}


class Connection(asyncio.Protocol):
    def __init__(self, server: Server) -> None:
        self.user = ""
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._head = bytearray()
        self._reader = Reader()
        self._is_open = self._has_closed = False
        self._timers: list[asyncio.TimerHandle] = []
        self._heard_at = time.monotonic()
        self._kept: list[bytes] = []

    # -- TCP

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self)
        if has("gives a request three seconds"):
            self._timers.append(self._loop.call_later(3.0, self._abort_unless_open))

    def _abort_unless_open(self) -> None:
        if not self._is_open:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._has_closed and not has("serves behind its own close"):
            return
        if has("drops what came before a reset") and self._was_reset():
            self._transport.abort()
            return
        try:
            if self._is_open:
                self._reader.feed(data)
                self._read()
            elif not self._has_closed:
                self._head += data
                self._read_head()
        except Violation as violation:
            self._violated(violation)

    def _was_reset(self) -> bool:
        sock = self._transport.get_extra_info("socket")
        return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))

    def _has_left(self) -> bool:
        """Whether nothing is left to read but the end."""
        sock = self._transport.get_extra_info("socket")
        with socket.socket(fileno=os.dup(sock.fileno())) as same:
            try:
                return not same.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                return False

    def _violated(self, violation: Violation) -> None:
        if violation.code == 1003 and has("dies of malformed JSON"):
            os._exit(1)
        if violation.code == 1002 and has("ends framing faults late"):
            self._has_closed = True
            self._timers.append(
                self._loop.call_later(LATE_S, self.close, violation.code, violation.reason)
            )
            return
        self.close(violation.code, violation.reason)

    def eof_received(self) -> bool:
        self._gone()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._gone()
        self._server.connections.discard(self)
        for timer in self._timers:
            timer.cancel()

    # -- HTTP

    def _read_head(self) -> None:
        if has("waits behind empty lines") and self._head.startswith(b"\r\n"):
            return
        end = self._head.find(b"\r\n\r\n")
        size = len(self._head) if end < 0 else end
        if size > handshake.HEAD_MAX:
            if has("a flood holds everybody up"):
                time.sleep(BLOCKED_S)
            if not has("takes any head"):
                self._answer(431)
                return
        if has("an open request holds everybody up") and end < 0:
            time.sleep(BLOCKED_S)
        if end >= 0:
            self._serve_head(bytes(self._head[:end]), bytes(self._head[end + 4 :]))

    def _serve_head(self, data: bytes, rest: bytes) -> None:
        try:
            head = handshake.parse_head(data)
            if head.path == "/health":
                if has("refuses offers of other protocols") and head.value("upgrade"):
                    raise handshake.Refused(404)
                has_body = head.method != "HEAD" or has("answers HEAD with a body")
                return self._answer(200, handshake.health(), rest, has_body=has_body)
            answer, self.user = handshake.upgrade(head)
        except handshake.Refused as refused:
            return self._answer(refused.status, following=rest)
        self._transport.write(answer)
        if has("lets odd keys in and is silent") and handshake.is_odd(head):
            self._has_closed = True
            return None
        return self._begin(rest)

    def _answer(
        self, status: int, body: bytes = b"", following: bytes = b"", *, has_body: bool = True
    ) -> None:
        answer = handshake.response(status, body)
        self._transport.write(answer if has_body else answer.removesuffix(body))
        if following and has("takes a body for the next request"):
            self._head = bytearray(following)
            self._read_head()
        else:
            self._end()

    def _begin(self, rest: bytes) -> None:
        self._is_open = True
        self._server.rooms.connect(self)
        self._heard_at = time.monotonic()
        self._ping()
        self._look()
        if rest and not has("drops what comes with the request"):
            self.data_received(rest)

    # -- frames

    def write(self, data: bytes) -> None:
        waiting = self._transport.get_write_buffer_size()
        limit = PENDING_MAX
        if has("lets go at 64 KiB"):
            limit = 2**16
        if has("has a limit of 4 MiB"):
            limit = 2**22
        if waiting > limit and has("waits for who does not read"):
            time.sleep(BLOCKED_S)
        if waiting > limit and has("leaves out what comes beyond the limit"):
            return
        if waiting > limit and not has("lets nobody go"):
            self._transport.abort()
            self._gone()
        elif not self._transport.is_closing():
            self._transport.write(data)

    def keep_if_behind(self, size: int) -> None:
        if self._transport.get_write_buffer_size() > 0:
            self._kept.append(os.urandom(size))

    def later(self, data: bytes) -> None:
        self._loop.call_later(0.002, self.write, data)

    def _read(self) -> None:
        while not self._has_closed or has("serves behind its own close"):
            got = self._reader.next()
            if got is None:
                return
            self._heard_at = time.monotonic()
            opcode, payload = got
            if isinstance(payload, str):
                self._serve(payload)
            elif opcode == PING:
                self.write(frame(PONG, b"" if has("pongs are empty") else payload))
            elif opcode == CLOSE:
                self._closed_by_client(payload)

    def _serve(self, text: str) -> None:
        if has("blocks for a key that comes twice") and text.count('"type":') > 1:
            time.sleep(BLOCKED_S)
        if has("ends at the first failed write") and self._has_left():
            self._transport.abort()
            self._has_closed = True
            return
        try:
            self._server.rooms.serve(self, parse(text))
        except Violation as violation:
            self._violated(violation)

    def _closed_by_client(self, payload: bytes) -> None:
        if has("ignores closes"):
            return
        if has("does not answer closes"):
            self._transport.abort()
            self._gone()
            return
        if len(payload) == 1:
            raise Violation(1003 if has("closes a close of one byte with 1003") else 1002)
        code = int.from_bytes(payload[:2], "big") if payload else 1000
        if code not in CODES and not has("takes any close code"):
            raise Violation(1002)
        try:
            payload[2:].decode("utf-8")
        except UnicodeDecodeError as error:
            if not has("takes any close reason"):
                raise Violation(1007) from error
        self.close(code)

    # -- the end

    def close(self, code: int, reason: str = "") -> None:
        if code == 1003 and has("gives no reason"):
            reason = ""
        if code == 1012 and has("drops what waits at SIGTERM"):
            self._transport.abort()
        if not self._transport.is_closing():
            self._transport.write(frame(CLOSE, code.to_bytes(2, "big") + reason.encode()))
        self._end()

    def _end(self) -> None:
        """What still comes is read and dropped: a reset would take what was just written along."""
        self._has_closed = True
        self._gone_unless_it_serves_on()
        if has("keeps TCP open") and self._is_open:
            return
        if not self._transport.is_closing() and not has("serves behind its own close"):
            self._transport.write_eof()
        if not has("waits for the client to finish a close"):
            self._timers.append(self._loop.call_later(END_S, self._transport.abort))

    def _gone_unless_it_serves_on(self) -> None:
        if not has("serves behind its own close"):
            self._gone()

    def _gone(self) -> None:
        if self.user and self in self._server.rooms.users[self.user]:
            self._server.rooms.disconnect(self)

    # -- time

    def _ping(self) -> None:
        interval = self._server.ping_s * (20 if has("pings seldom") else 1)
        interval /= 20 if has("pings too often") else 1
        if self._is_open and not self._has_closed:
            self._timers.append(self._loop.call_later(interval, self._send_ping))

    def _send_ping(self) -> None:
        left_out = has("pings nobody who is behind") and self._is_behind()
        if not self._has_closed and not left_out:
            self.write(frame(PING, b""))
        self._ping()

    def _is_behind(self) -> bool:
        """Whether the socket holds what its client has not taken."""
        sock = self._transport.get_extra_info("socket")
        queued = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
        return int.from_bytes(queued, sys.byteorder) > 0

    def _look(self) -> None:
        left = self._idle_s_left()
        if has("is patient for ever") or self._has_closed:
            return
        if left > 0:
            self._timers.append(self._loop.call_later(left, self._look))
        else:
            # After SIGSTOP timers are due at once: what came meanwhile is read in between.
            self._timers.append(self._loop.call_later(0, self.judge))

    def judge(self) -> None:
        if self._idle_s_left() > 0:
            self._look()
        elif not self._has_closed:
            code = 1000 if has("closes the silent with 1000") else 1001
            self.close(code, "Heartbeat timeout")

    def _idle_s_left(self) -> float:
        idle = self._server.idle_s * (0.5 if has("gives up early") else 1)
        return self._heard_at + idle - time.monotonic()

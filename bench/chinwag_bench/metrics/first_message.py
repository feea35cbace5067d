"""One connection that joins a room and has its own message back, in each transport."""

from __future__ import annotations

import json
import time

from websockets.sync.client import ClientConnection, connect

ENGINE_IO_PATH = "/socket.io/?EIO=4&transport=websocket"
_ROOM = "start"
_JOIN = {"room": _ROOM}
_MESSAGE = {"room": _ROOM, "content": "first"}


def exchange(transport: str, port: int, timeout_s: float) -> None:
    """Returns when the message came back. Raises ``OSError`` (``TimeoutError`` is one),
    ``WebSocketException``, or ``ValueError`` for an answer that is not of the transport.
    """
    path, fields, run = _TRANSPORTS[transport]
    url = f"ws://127.0.0.1:{port}{path}"
    with connect(url, additional_headers=fields, compression=None) as connection:
        run(connection, time.monotonic() + timeout_s)


def _chat(connection: ClientConnection, deadline: float) -> None:
    connection.send(json.dumps({"type": "join"} | _JOIN))
    connection.send(json.dumps({"type": "message"} | _MESSAGE))
    while json.loads(_receive(connection, deadline)).get("type") != "message":
        continue


def _socket_io(connection: ClientConnection, deadline: float) -> None:
    """Packets of Engine.IO 4 with those of Socket.IO 5 in them: 0 open, 2 ping, 40 connect,
    42 event, 44 refused.
    """
    connection.send('40{"user":"first"}')
    while not (packet := _receive(connection, deadline)).startswith('42["message"'):
        if packet.startswith("40"):
            for event, fields in (("join", _JOIN), ("message", _MESSAGE)):
                connection.send("42" + json.dumps([event, fields]))
        elif packet == "2":
            connection.send("3")
        elif packet.startswith("44"):
            raise ValueError(f"it refused the connection: {packet}")


def _centrifugo(connection: ClientConnection, deadline: float) -> None:
    """Commands and replies of Centrifugo, several in a text, a line each: ``{}`` is a ping."""
    channel = f"rooms:{_ROOM}"
    publication = {"channel": channel, "data": {"content": _MESSAGE["content"]}}
    connection.send('{"id": 1, "connect": {}}')
    connection.send(json.dumps({"id": 2, "subscribe": {"channel": channel}}))
    connection.send(json.dumps({"id": 3, "publish": publication}))
    while True:
        for line in _receive(connection, deadline).splitlines():
            reply = json.loads(line)
            if not reply:
                connection.send("{}")
            elif "error" in reply:
                raise ValueError(f"it refused a command: {line}")
            elif "pub" in reply.get("push", {}):
                return


def _receive(connection: ClientConnection, deadline: float) -> str:
    return str(connection.recv(max(0.0, deadline - time.monotonic()), decode=True))


_TRANSPORTS = {
    "websocket": ("/ws?user=first", {}, _chat),
    "engine.io": (ENGINE_IO_PATH, {}, _socket_io),
    "centrifugo": ("/ws", {"X-User-Id": "first"}, _centrifugo),
    "wse": ("/ws", {"Cookie": "user=first"}, _chat),
}

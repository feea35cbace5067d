"""A chat/1 server with socketify, Python's binding of uWebSockets: one process, one event loop."""

import json
import os
import signal
import sys
import uuid
from importlib.metadata import version
from urllib.parse import parse_qsl, urlsplit

import socketify
from chat import Chat, Connection, is_name
from settings import Settings

# A longer message ends the TCP connection without a close code, so that is left to lengths which
# nobody sends by mistake; Connection.received closes with 1009 from 65,537 bytes on.
PAYLOAD_BYTES_MAX = 1 << 20
PENDING_BYTES_MAX = 1 << 20
# Without it two servers could share a port: uWebSockets asks for SO_REUSEPORT.
LISTEN_EXCLUSIVE_PORT = 1
DRAIN_S = 3.0


class Server:
    """The HTTP side: who is let in, health, start and stop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.app = socketify.App(lifespan=False)
        self.loop = self.app.loop.loop
        self.chat = Chat(self.app.publish, self.app.num_subscribers)
        self.app.ws(
            "/ws",
            {
                "max_payload_length": PAYLOAD_BYTES_MAX,
                "max_backpressure": PENDING_BYTES_MAX,
                "close_on_backpressure_limit": True,
                "idle_timeout": 0,  # It closes without a code: Connection has a timer of its own.
                "upgrade": self.upgrade,
                "open": opened,
                "message": lambda ws, data, kind: ws.get_user_data().received(data, kind),
                "ping": lambda ws, _: ws.get_user_data().alive(),
                "pong": lambda ws, _: ws.get_user_data().alive(),
                "close": lambda ws, _code, _reason: ws.get_user_data().closed(),
            },
        )
        self.app.get("/health", self.health)
        # What is no upgrade comes here, too.
        self.app.any("/ws", lambda response, _: refuse(response, "426 Upgrade Required"))
        self.app.any("/*", lambda response, _: refuse(response, "404 Not Found"))

    def run(self) -> None:
        """Serves until SIGTERM or SIGINT."""
        where = {"host": self.settings.host, "port": self.settings.port}
        # socketify raises where nobody can catch it, and the trace would stand before our line.
        sys.unraisablehook = lambda _: None
        self.app.listen(where | {"options": LISTEN_EXCLUSIVE_PORT}, lambda _: None)
        sys.unraisablehook = sys.__unraisablehook__
        if not hasattr(self.app, "socket"):
            sys.exit(f"can't listen on {self.settings.host}:{self.settings.port}")
        for number in (signal.SIGTERM, signal.SIGINT):
            self.loop.add_signal_handler(number, self.stop)
        self.app.run()

    def stop(self) -> None:
        self.chat.close_all(1012, "Server is going away")
        self.loop.call_later(DRAIN_S, self.app.close)

    def upgrade(self, response, request, context) -> None:
        if request.get_header("sec-websocket-version") != "13":
            refuse(response, "400 Bad Request")
            return
        user = asked_user(request.get_full_url())
        if not is_name(user):
            refuse(response, "400 Bad Request")
            return
        connection = Connection(self.chat, user, self.loop, self.settings)
        # Neither a subprotocol nor an extension is taken.
        response.upgrade(request.get_header("sec-websocket-key"), "", "", context, connection)

    def health(self, response, _request) -> None:
        pid = os.getpid()
        facts = {"status": "ok", "implementation": "socketify", "version": version("socketify")}
        response.write_header("content-type", "application/json")
        response.end(json.dumps(facts | {"pid": pid, "workers": [pid]}))


def opened(ws) -> None:
    ws.get_user_data().opened(ws)


def asked_user(url: str | None) -> str | None:
    """The first ``user`` of the query, a random one if there is none, ``None`` if it is no text."""
    try:
        query = parse_qsl(urlsplit(url).query, keep_blank_values=True, errors="strict")
    except (UnicodeDecodeError, ValueError):
        return None
    return dict(reversed(query)).get("user") or str(uuid.uuid4())


def refuse(response, status: str) -> None:
    response.write_status(status)
    response.end(status)


if __name__ == "__main__":
    Server(Settings.from_environment()).run()

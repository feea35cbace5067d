"""``GET /health``, on an address of its own: the library answers no HTTP but an upgrade."""

import json
import os
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self._answer(HTTPStatus.OK if path == "/health" else HTTPStatus.NOT_FOUND)

    do_HEAD = do_GET

    def _answer(self, status: HTTPStatus) -> None:
        pid = os.getpid()
        facts = {"implementation": "wse-server", "version": version("wse-server")}
        facts = {"status": "ok", **facts, "pid": pid, "workers": [pid]}
        body = json.dumps(facts).encode() if status == HTTPStatus.OK else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody asked for a line a request."""


def serve_health(host: str, port: int) -> ThreadingHTTPServer:
    """In a thread of its own, until it is closed. Raises ``OSError`` if the address is taken."""
    server = ThreadingHTTPServer((host, port), Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server

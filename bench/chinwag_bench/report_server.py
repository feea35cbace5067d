"""Serves one result directory to browsers of this machine: report.html, and the files beside it."""

from __future__ import annotations

import errno
import os
import socketserver
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from chinwag_bench.errors import HostError
from chinwag_bench.version import KIT_VERSION

HOST = "127.0.0.1"
PAGE = "report.html"
_NAMES = {HOST, "localhost"}
"""How a browser of this machine calls it, also through a forwarded port. By another name comes a
page of somebody else's whose name was made to lead here (DNS rebinding)."""
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".ndjson": "application/x-ndjson",
    ".csv": "text/csv; charset=utf-8; header=present",
    ".md": "text/markdown; charset=utf-8",
    ".log": "text/plain; charset=utf-8",
    ".hlog": "text/plain; charset=utf-8",
}
_HEADERS = {
    # The page has its styles and scripts in itself and asks for nothing else.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class ReportServer(ThreadingHTTPServer):
    """Listens from its making on, answers within :meth:`serve_forever`, a thread a request."""

    daemon_threads = True

    def __init__(self, directory: Path, port: int = 0) -> None:
        """``port`` 0 is any free one. Raises ``HostError`` where it can't be listened on."""
        try:
            super().__init__((HOST, port), partial(_Handler, directory.resolve()))
        except OSError as error:
            raise _refused(port, error) from error

    def server_bind(self) -> None:
        # ``HTTPServer`` asks the resolver for the host's name, which may take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.server_port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away, or a fault of one answer, is no end and no news."""


def _refused(port: int, error: OSError) -> HostError:
    where = f"port {port} of {HOST}" if port else f"any port of {HOST}"
    hint = "name another one with --port, or none: any free one is taken then"
    if error.errno == errno.EADDRINUSE:
        return HostError(
            f"the page can't be served on {where}: another program listens there", hint=hint
        )
    return HostError(
        f"the page can't be served on {where}: {error.strerror or error}",
        hint="choose a port from 1024 on" if error.errno == errno.EACCES else hint,
    )


class _Handler(BaseHTTPRequestHandler):
    server_version = f"chinwag/{KIT_VERSION}"
    sys_version = ""
    timeout = 30
    """Seconds that a silent browser has for its request."""

    def __init__(self, directory: Path, *connection: Any) -> None:
        self._directory = directory
        super().__init__(*connection)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_POST(self) -> None:
        """Nothing is taken, by whatever method."""
        self._say(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD are answered\n")

    do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = do_CONNECT = do_POST

    def _answer(self, *, with_body: bool) -> None:
        if not self._is_meant():
            self._say(HTTPStatus.MISDIRECTED_REQUEST, f"ask {HOST} by this name\n", with_body)
            return
        path = file_of(self._directory, self.path)
        try:
            content = None if path is None else path.read_bytes()
        except OSError:
            content = None
        if path is None or content is None:
            self._say(HTTPStatus.NOT_FOUND, "there is no such file in this result\n", with_body)
            return
        self._send(
            HTTPStatus.OK, _TYPES.get(path.suffix, "application/octet-stream"), content, with_body
        )

    def _is_meant(self) -> bool:
        """Whether the request names this machine; one of HTTP/1.0 may name none."""
        host = self.headers.get("Host")
        return host is None or host.rpartition(":")[0] in _NAMES or host in _NAMES

    def _say(self, status: HTTPStatus, what: str, with_body: bool = True) -> None:
        self._send(status, "text/plain; charset=utf-8", what.encode(), with_body)

    def _send(self, status: HTTPStatus, kind: str, content: bytes, with_body: bool) -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(content))} | _HEADERS
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = "GET, HEAD"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Requests are no news."""


def file_of(directory: Path, target: str) -> Path | None:
    """The file of a resolved result directory that a request's target means: ``/`` is the page.
    ``None`` for what is no file, and for whatever lies outside, also behind a symbolic link.
    """
    try:
        asked = os.fsdecode(unquote_to_bytes(urlsplit(target).path))
    except ValueError:
        return None
    if not asked.startswith("/") or "\0" in asked:
        return None
    parts = (asked[1:] or PAGE).split("/")
    if {"", ".", ".."} & set(parts):
        return None
    path = directory.joinpath(*parts)
    try:
        found = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return None
    return path if found.is_relative_to(directory) and found.is_file() else None

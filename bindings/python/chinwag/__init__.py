"""Chinwag: a chat server inside or beside the process.

::

    async with chinwag.Server(port=4000) as server:
        async with chinwag.Client(server.url, "ann") as ann:
            await ann.join("tea")
"""

from __future__ import annotations

from chinwag import _host

_host.check()

# ruff: noqa: E402 - only now the native module may be loaded
from chinwag import sync
from chinwag._chinwag import __version__
from chinwag.backoff import Backoff
from chinwag.client import Client
from chinwag.errors import ChinwagError, ConnectionClosed, NoAnswer, Refused
from chinwag.received import Received
from chinwag.requests import Connection, Join, Message
from chinwag.server import Server

__all__ = [
    "Backoff",
    "ChinwagError",
    "Client",
    "Connection",
    "ConnectionClosed",
    "Join",
    "Message",
    "NoAnswer",
    "Received",
    "Refused",
    "Server",
    "__version__",
    "sync",
]

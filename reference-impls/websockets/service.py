"""What a server is to those who start it: who may come in, its health, and its end."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
import uuid
from collections.abc import Callable, Coroutine
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qsl

from messages import is_name
from settings import Settings

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def origin_form(target: str) -> str:
    """A request's target without the scheme and the authority that a proxy is sent."""
    return re.sub(r"^[a-z][a-z\d+.-]*://[^/?]*", "", target, flags=re.IGNORECASE)


def repeats(lines: Callable[[str], list[str]]) -> bool:
    """Whether a field that has one value comes twice, or no Host at all."""
    single = ("Sec-WebSocket-Key", "Sec-WebSocket-Version")
    return len(lines("Host")) != 1 or any(len(lines(name)) > 1 for name in single)


def has_member(lines: list[str], member: str) -> bool:
    """Whether a list, in however many lines, names the member, in lower case."""
    return member in (one.strip().lower() for one in ",".join(lines).split(","))


def asked_user(query: str) -> str | None:
    """The first ``user`` of a URL's query, a random one if there is none, ``None`` if it can't be a
    name.
    """
    try:
        fields = dict(reversed(parse_qsl(query, keep_blank_values=True, errors="strict")))
    except UnicodeDecodeError:
        return None
    user = fields.get("user") or str(uuid.uuid4())
    return user if is_name(user) else None


def health(library: str) -> bytes:
    pid = os.getpid()
    facts = {"status": "ok", "implementation": library, "version": version(library)}
    return json.dumps(facts | {"pid": pid, "workers": [pid]}).encode()


async def told_to_stop() -> None:
    """Returns once SIGTERM or SIGINT has come. Those after it are ignored until the process is
    gone: the loop's own handlers go with the loop, and then a signal would kill it.
    """
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(*_: object) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        loop.call_soon_threadsafe(told.set)

    for number in STOP_SIGNALS:
        signal.signal(number, stop)
    await told.wait()


def open_standard_streams() -> None:
    """Where a descriptor of theirs is closed: a socket would get it, and be written errors to."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def where_to_listen(settings: Settings) -> dict[str, Any]:
    """As asyncio's ``create_server`` takes it: a service manager's socket (sd_listen_fds(3)), which
    a successor gets, too, or an address.
    """
    is_ours = os.environ.get("LISTEN_PID") == str(os.getpid())
    if is_ours and os.environ.get("LISTEN_FDS") == "1":
        return {"sock": socket.socket(fileno=3)}
    return {"host": settings.host, "port": settings.port}


def run(
    serve: Callable[[Settings], Coroutine[Any, Any, None]],
    on_loop: Callable[[Coroutine[Any, Any, None]], None] = asyncio.run,
) -> None:
    """Serves, with the environment's settings, until it is told to stop. ``on_loop`` runs it on an
    event loop.
    """
    open_standard_streams()
    settings = Settings.from_environment()
    try:
        on_loop(serve(settings))
    except (OSError, OverflowError) as error:
        sys.exit(f"can't listen on {settings.host}:{settings.port}: {error}")

"""How a client gets its connection."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI, WebSocketException
from websockets.uri import parse_uri

from chinwag.errors import ChinwagError
from chinwag.texts import is_control, type_of

EXAMPLE = "ws://127.0.0.1:4000/ws"


def check_url(url: object) -> str:
    """Raises ``TypeError`` for what is no text, and ``bad_url`` for what names no server."""
    if not isinstance(url, str):
        raise TypeError(f"url is a str such as {EXAMPLE!r}, not {type_of(url)}")
    try:
        if any(one == " " or is_control(one) for one in url):
            raise ValueError("it has a space or a control character")
        parse_uri(url)
        parts = urlsplit(url)
        if parts.port == 0:
            raise ValueError("nobody has port 0")
        (parts.hostname or "").encode("idna")
    except (InvalidURI, ValueError) as error:
        what = f"{shown(url)!r} is no address of a server ({words_of(error)})"
        raise ChinwagError(f"{what}: give one such as {EXAMPLE}", "bad_url") from None
    return url


def shown(url: str) -> str:
    """For messages, which are for logs: without the password."""
    head, mark, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    name, at, host = authority.rpartition("@")
    user, colon, _ = name.partition(":")
    return f"{head}{mark}{user}:...@{host}{slash}{path}" if at and colon else url


def with_user(url: str, user: str | None) -> str:
    """The URL with the user's name in its query, and no other user."""
    if user is None:
        return url
    parts = urlsplit(url)
    kept = [one for one in parts.query.split("&") if one and not names_user(one)]
    query = "&".join([*kept, f"user={quote(user, safe='')}"])
    return urlunsplit(parts._replace(query=query))


def names_user(field: str) -> bool:
    """Whether a field of a query is the user's name."""
    return any(name == "user" for name, _ in parse_qsl(field, keep_blank_values=True))


class Handshake(connect):
    """Goes where it was told to: a server that redirects could send a client anywhere."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Never a URL."""
        return exc


async def open_connection(
    url: str, message_bytes_max: int, connect_timeout_s: float, close_timeout_s: float
) -> ClientConnection:
    """Raises ``bad_url``, ``handshake_refused`` or ``unreachable``."""
    try:
        return await Handshake(
            url,
            ping_interval=None,  # its own would hide a server that answers them but serves nothing
            max_size=message_bytes_max,
            open_timeout=connect_timeout_s,
            close_timeout=close_timeout_s,
            proxy=None,
        )
    except InvalidURI as error:
        raise ChinwagError(f"{shown(url)!r}: {words_of(error)}", "bad_url") from None
    except InvalidHandshake as error:
        raise ChinwagError(f"{shown(url)}: {refusal_of(error)}", "handshake_refused") from None
    # Before Python 3.11 asyncio's TimeoutError is no OSError.
    except (OSError, EOFError, ValueError, asyncio.TimeoutError, WebSocketException) as error:
        raise ChinwagError(f"{shown(url)}: {error}; does the server run?", "unreachable") from None


def words_of(error: Exception) -> str:
    """What is wrong with a URL, without the URL."""
    return error.msg if isinstance(error, InvalidURI) else str(error)


def refusal_of(error: InvalidHandshake) -> str:
    """What a server answered instead."""
    if not isinstance(error, InvalidStatus) or "Location" not in error.response.headers:
        return str(error)
    place = error.response.headers.get_all("Location")[0]
    return f"{error}: it is said to be at {place[:200]!r}; redirects are not followed"

"""What can go wrong, each with a code that does not change."""

from __future__ import annotations


class ChinwagError(RuntimeError):
    """Something that can't be done; the text says what to do about it.

    Attributes:
        code: the name that the core, Python and Node.js share, such as ``port_in_use``.
    """

    def __init__(self, text: str, code: str = "system_failure") -> None:
        super().__init__(text)
        self.code = code


class ConnectionClosed(ChinwagError):
    """The connection is gone, or the client was closed."""

    def __init__(self, text: str = "the connection is closed") -> None:
        super().__init__(text, "connection_closed")


class NoAnswer(ChinwagError, TimeoutError):
    """Nothing came in time; ``code`` is ``timeout``."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "timeout")


class Refused(ChinwagError):
    """A server answered a request with ``error``; ``code`` is the one that it gave."""


def error_for(code: str, text: str) -> ChinwagError:
    """The exception for an error of the core."""
    return ConnectionClosed(text) if code == "connection_closed" else ChinwagError(text, code)

"""What handlers are given: a connection, and what a client asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chinwag.server import Server

# How the native module spells verdicts (chinwag::verdict::kind).
ACCEPT, CHANGE, REFUSE, ANSWER = range(4)

PROGRAM_NAME = "server"


def check_texts(**given: object) -> None:
    """Raises ``TypeError`` naming the argument that is no text."""
    for name, value in given.items():
        if not isinstance(value, str):
            raise TypeError(f"{name} is a str, not {type(value).__name__}")


class Connection:
    """One connection of a user. It compares equal and hashes by the connection that it names, so it
    may be a key; a later connection is never equal to it.

    Attributes:
        user: the name given at the upgrade.
    """

    __slots__ = ("_handle", "_server", "user")

    def __init__(self, server: Server, handle: int, user: str) -> None:
        self._server = server
        self._handle = handle
        self.user = user

    def send(self, content: str, user: str = PROGRAM_NAME) -> None:
        """Sends a direct message to this connection alone.

        Raises:
            ConnectionClosed: it is gone.
            ChinwagError: ``bad_content``, ``bad_name`` or ``not_running``.
        """
        check_texts(content=content, user=user)
        self._server._native.send(self._handle, content, user)

    def close(self, code: int = 1000) -> None:
        """Closes it with a WebSocket close code once what waits for it is sent.

        Raises:
            ConnectionClosed: it is gone.
            ChinwagError: ``bad_close_code`` or ``not_running``.
        """
        self._server.close(self, code)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Connection)
            and self._handle == other._handle
            and self._server is other._server
        )

    def __hash__(self) -> int:
        return hash(self._handle)

    def __repr__(self) -> str:
        return f"<chinwag.Connection {self._handle:#x} of {self.user!r}>"


class Join:
    """A client wants to become a member of a room. Served unless a handler refuses it.

    Attributes:
        user: who asks.
        room: the room's name.
    """

    __slots__ = ("_handle", "_number", "_server", "_verdict", "room", "user")

    def __init__(self, server: Server, handle: int, number: int, user: str, room: str) -> None:
        self._server = server
        self._handle = handle
        self._number = number
        self._verdict: tuple[int, str, str] = (ACCEPT, "", "")
        self.user = user
        self.room = room

    @property
    def connection(self) -> Connection:
        """Who asks."""
        return Connection(self._server, self._handle, self.user)

    def refuse(self, text: str = "not allowed", code: str = "forbidden") -> None:
        """Does not serve it; the client gets ``error {code, message}``. ``code`` is one of
        chat/1's: ``forbidden``, ``rate_limited``, ``unavailable``, ``bad_request``."""
        check_texts(text=text, code=code)
        self._verdict = (REFUSE, text, code)

    def answer(self, content: str) -> None:
        """Does not serve it; the client gets ``content`` as a direct message from ``server``."""
        check_texts(content=content)
        self._verdict = (ANSWER, content, "")

    def _decision(self) -> tuple[int, int, int, str, str]:
        kind, text, code = self._verdict
        return (self._handle, self._number, kind, text, code)

    def __repr__(self) -> str:
        return f"<chinwag.{type(self).__name__} by {self.user!r} in {self.room!r}>"


class Message(Join):
    """A member wants to publish in a room. Published unless a handler refuses or answers it.

    Attributes:
        user: who asks.
        room: the room's name.
    """

    __slots__ = ("_content",)

    def __init__(
        self, server: Server, handle: int, number: int, user: str, room: str, content: str
    ) -> None:
        super().__init__(server, handle, number, user, room)
        self._content = content

    @property
    def content(self) -> str:
        """What will be published; set it to publish something else."""
        return self._content

    @content.setter
    def content(self, changed: str) -> None:
        check_texts(content=changed)
        self._content = changed
        self._verdict = (CHANGE, changed, "")

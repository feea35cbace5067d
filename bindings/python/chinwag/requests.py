"""What handlers are given: a connection, and what a client asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chinwag.errors import ChinwagError
from chinwag.texts import check_close_code, check_contents, check_names, check_refusal

if TYPE_CHECKING:
    from chinwag.server import Server

# How the native module spells verdicts (chinwag::verdict::kind).
ACCEPT, CHANGE, REFUSE, ANSWER = range(4)

PROGRAM_NAME = "server"


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

    def send(self, content: str, user: str = PROGRAM_NAME) -> bool:
        """Sends a direct message to this connection alone. ``False`` if it is gone, which may
        happen at any time and is nobody's mistake.

        Raises:
            ChinwagError: ``bad_content``, ``bad_name``, or ``too_many_calls`` while
                ``calls_bytes_max`` of calls wait for the server: try again later.
        """
        check_contents(content=content)
        check_names(user=user)
        return self._server._reach(lambda native: native.send(self._handle, content, user))

    def close(self, code: int = 1000) -> bool:
        """Closes it with a WebSocket close code once what waits for it is sent. ``False`` if it is
        gone.

        Raises:
            ChinwagError: ``bad_close_code`` or ``too_many_calls``.
        """
        whole = check_close_code(code)
        return self._server._reach(lambda native: native.close(self._handle, whole))

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

    The first ``refuse`` or ``answer`` is final: no other handler is called, and whatever would
    decide otherwise after it, or after the verdict went to the server, raises ``already_decided``.

    Attributes:
        user: who asks.
        room: the room's name.
    """

    __slots__ = ("_decided", "_handle", "_number", "_server", "_verdict", "room", "user")

    def __init__(self, server: Server, handle: int, number: int, user: str, room: str) -> None:
        self._server = server
        self._handle = handle
        self._number = number
        self._verdict: tuple[int, str, str] = (ACCEPT, "", "")
        self._decided = False
        self.user = user
        self.room = room

    @property
    def connection(self) -> Connection:
        """Who asks."""
        return Connection(self._server, self._handle, self.user)

    def refuse(self, text: str = "not allowed", code: str = "forbidden") -> None:
        """Does not serve it; the client gets ``error {code, message}``. ``code`` is one of
        chat/1's: ``forbidden``, ``rate_limited``, ``unavailable``, ``bad_request``.

        Raises:
            ChinwagError: ``already_decided``, ``bad_content`` or ``bad_refusal``.
        """
        check_contents(text=text)
        check_refusal(code)
        self._decide(REFUSE, text, code)
        self._decided = True

    def answer(self, content: str) -> None:
        """Does not serve it; the client gets ``content`` as a direct message from ``server``.

        Raises:
            ChinwagError: ``already_decided`` or ``bad_content``.
        """
        check_contents(content=content)
        self._decide(ANSWER, content, "")
        self._decided = True

    def _decide(self, kind: int, text: str, code: str) -> None:
        if self._decided:
            raise ChinwagError(f"{self!r} is decided: nothing can change it", "already_decided")
        self._verdict = (kind, text, code)

    def _decision(self) -> tuple[int, int, int, str, str]:
        self._decided = True
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
        """What will be published; set it to publish something else. Setting it raises
        ``already_decided``, or ``bad_content`` for more than 65,536 bytes."""
        return self._content

    @content.setter
    def content(self, changed: str) -> None:
        check_contents(content=changed)
        self._decide(CHANGE, changed, "")
        self._content = changed

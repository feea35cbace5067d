"""A chat server inside the process: ``with chinwag.Server(port=0) as server: ...``"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from chinwag._chinwag import ChinwagError, Hosted, __version__

__all__ = ["ChinwagError", "Server", "__version__"]


class Server:
    """A chat/1 server on a thread of its own; Python's lock is never taken to serve a message.

    Options are those of ``chinwagd`` by name, units in the name: ``Server(port=0,
    idle_timeout_ms=5000)``. It serves once the constructor returns. ``port=0`` takes a free port.

    Raises:
        ChinwagError: an unknown option, a value out of its bounds, a port in use; ``code`` has the
            core's name for it.
    """

    def __init__(self, **options: Any) -> None:
        self._hosted = Hosted(**{"port": 0, **options})
        self._drained = False

    @property
    def port(self) -> int:
        """The TCP port that was bound."""
        return self._hosted.port

    def stats(self) -> dict[str, Any]:
        """Counters since the start and what is held now: connections, rooms, deliveries, bytes."""
        return self._hosted.stats()

    def drain(self, deadline_s: float = 5.0) -> None:
        """Stops accepting, closes every connection with 1012, returns when all are gone or after
        ``deadline_s`` seconds. Draining again does nothing."""
        if not self._drained:
            self._drained = True
            self._hosted.drain(deadline_s)

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.drain()

    def __repr__(self) -> str:
        return f"<chinwag.Server port={self.port}{' drained' if self._drained else ''}>"

"""The library's topics: who receives what is published, and in which order."""

from collections.abc import Iterator
from itertools import count

from wse_server import RustWSEServer


class Topics:
    """Topics of the library by numbers of ours, used again: it counts the messages of each name
    and never forgets one, and takes ``*`` and ``?`` in a name for a pattern.

    What is published waits for a task of the library's, but a subscription counts at once: who
    subscribes must not receive what was published before. `subscribe` sees to that.
    """

    def __init__(self, server: RustWSEServer) -> None:
        self._server = server
        self._numbers: Iterator[int] = count()
        self._free: list[str] = []
        self._unsettled: set[str] = set()

    def take(self) -> str:
        """A topic that nobody is subscribed to."""
        return self._free.pop() if self._free else str(next(self._numbers))

    def give_back(self, topic: str) -> None:
        self._free.append(topic)

    def publish(self, topic: str, message: str) -> None:
        self._unsettled.add(topic)
        self._server.broadcast_local(topic, message)

    def send_last(self, connection_id: str, message: str) -> None:
        """Before a close, with which it stays in order; what is published does not."""
        self._server.send(connection_id, message)

    def subscribe(self, topic: str, connection_id: str) -> None:
        if topic in self._unsettled:
            # An answer of the same task: all that was published before has reached its members.
            self._server.get_connections()
            self._unsettled.clear()
        self._server.subscribe_connection(connection_id, [topic])

    def unsubscribe(self, topic: str, connection_id: str) -> None:
        self._server.unsubscribe_connection(connection_id, [topic])

"""How connections are spread over generator processes, each of which may open so many files.

Rooms stay whole: then a process knows of every message that its own connections must get, so that
each keeps exact accounts by itself, and what all of them count can simply be added up. Members of
one room in two processes would need each to tell the other what it has sent.
"""

from __future__ import annotations

import math

from chinwag_bench.errors import HostError

OWN_FILES = 16
"""Standard streams, epoll, logs: as many as the generator itself sets aside."""


def capacity(connections: int, open_files: int, room_size: int, cores: int = 1) -> int:
    """Connections of one process, in whole rooms: all that it may open while one process is enough
    for the ``connections`` planned, else an even part of them. There is a process for each of the
    ``cores`` that has a room to serve, and more where open files force them.

    Raises ``HostError`` where a process can't hold a single room."""
    most = (open_files - OWN_FILES) // room_size * room_size
    if most < 1:
        raise HostError(
            f"a room of {room_size:,} needs {room_size + OWN_FILES:,} open files in one process of "
            f"the load generator, which may have {open_files:,}",
            hint=f"raise the hard limit: `ulimit -Hn {room_size + OWN_FILES}`",
        )
    rooms = math.ceil(connections / room_size)
    processes = max(math.ceil(connections / most), min(cores, rooms))
    if processes <= 1:
        return most
    return math.ceil(connections / processes / room_size) * room_size


def shares(connections: int, of_each: int) -> list[int]:
    """The connections of each process: all full but the last. A share never shrinks when
    connections are added, because none can move to another process.
    """
    full, rest = divmod(connections, of_each)
    return [of_each] * full + [rest] * bool(rest)

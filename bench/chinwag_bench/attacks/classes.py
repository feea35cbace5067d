"""The classes of attack. Each has a harmless set-up, and the press that is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .flows import Counts, Crowd, Flow, Reads, press_opens
from .wire import PING, TEXT, frame, request, upgrade

Until = Callable[[], bool]
_SETUP_S = 60.0
_TINY_BUFFER = 4_096
_JOINED = b'"user_joined"'
_WELCOME = b'"welcome"'


@dataclass(frozen=True)
class Attack:
    """``setup`` prepares a crowd (its opening is served before the press begins); ``press`` adds
    the flows that attack. ``opens`` presses with connections alone, ``is_http`` with nothing but
    HTTP: so can any server be pressed, whatever its messages are."""

    name: str
    what: str
    press: Callable[[], list[Flow]]
    setup: Callable[[], list[Flow]] = list
    opens: bool = False
    is_http: bool = False


def member(user: str, room: str, repeated: bytes = b"") -> Flow:
    """Somebody who joins, reads all that comes, and comes back when closed."""
    opening = upgrade(user) + request(type="join", room=room)
    return Flow(opening=opening, repeated=repeated, settled=_JOINED, reopens=True)


def _pipelined_gets() -> list[Flow]:
    blob = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2_000
    return [Flow(repeated=blob, reopens=True)] * 32


def _heartbeats(reads: Reads) -> list[Flow]:
    blob = request(type="heartbeat") * 2_000
    return [
        Flow(opening=upgrade(f"flood{i}"), repeated=blob, reads=reads, reopens=True)
        for i in range(32)
    ]


def _crowded_room() -> list[Flow]:
    return [member(f"member{i}", "crowd") for i in range(1_000)]


def _joins_and_leaves() -> list[Flow]:
    pair = request(type="join", room="crowd") + request(type="leave", room="crowd")
    return [
        Flow(opening=upgrade(f"restless{i}"), repeated=pair * 200, reopens=True) for i in range(4)
    ]


def _one_name() -> list[Flow]:
    return [Flow(opening=upgrade("target"), settled=_WELCOME, reopens=True)] * 1_000


def _directs() -> list[Flow]:
    direct = request(type="direct", to="target", content="x" * 60_000)
    return [Flow(opening=upgrade(f"from{i}"), repeated=direct, reopens=True) for i in range(16)]


def _lagging_rooms() -> list[Flow]:
    flows = []
    for i in range(200):
        rooms = [f"lag{i}-{j}" for j in range(64)]
        flows.append(
            Flow(
                opening=upgrade(f"lag{i}") + b"".join(request(type="join", room=r) for r in rooms),
                repeated=b"".join(request(type="message", room=r, content="x") for r in rooms),
                reads=Reads.NEVER,
                reopens=True,
                receive_buffer=_TINY_BUFFER,
            )
        )
    return flows


def _slow_readers() -> list[Flow]:
    return [
        Flow(
            opening=upgrade(f"slow{i}") + request(type="join", room="busy"),
            reads=Reads.DRIP,
            reopens=True,
            receive_buffer=_TINY_BUFFER,
            settled=_JOINED,
        )
        for i in range(200)
    ]


def _busy_room() -> list[Flow]:
    message = request(type="message", room="busy", content="x" * 4_000)
    return [member(f"busy{i}", "busy", repeated=message * 8) for i in range(4)]


def _open_fragments() -> list[Flow]:
    unfinished = frame(b"x" * 60_000, TEXT, final=False)
    return [
        Flow(
            opening=upgrade(f"unfinished{i}") + unfinished,
            repeated=frame(b"", PING),
            every_s=1.0,
            reopens=True,
        )
        for i in range(1_000)
    ]


def _half_requests() -> list[Flow]:
    half = b"GET /ws?user=slow HTTP/1.1\r\nHost: a\r\n"
    return [Flow(opening=half, repeated=b"X: y\r\n", every_s=1.0, reopens=True)] * 2_000


def _large_heads() -> list[Flow]:
    head = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100 * 1_024 + b"\r\n\r\n"
    return [Flow(opening=head, reopens=True)] * 32


def _many_fields() -> list[Flow]:
    fields = b"".join(b"X%d: y\r\n" % i for i in range(10_000))
    return [Flow(opening=b"GET / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n", reopens=True)] * 32


OPENS_A_SECOND = 10_000
OPENS_KEPT = 4_000

ATTACKS = (
    Attack(
        "gets",
        "32 connections pipeline `GET /` and read the answers",
        _pipelined_gets,
        is_http=True,
    ),
    Attack(
        "heartbeats",
        "32 connections send heartbeats and read the answers",
        lambda: _heartbeats(Reads.ALL),
    ),
    Attack(
        "heartbeats-unread",
        "32 connections send heartbeats and read nothing",
        lambda: _heartbeats(Reads.NEVER),
    ),
    Attack(
        "joins",
        "4 connections join and leave a room of 1,000 members, who read",
        _joins_and_leaves,
        _crowded_room,
    ),
    Attack(
        "directs",
        "16 connections send directs of 60 kB to a name with 1,000 connections, which read",
        _directs,
        _one_name,
    ),
    Attack(
        "lagging-rooms",
        "200 connections publish small messages in 64 rooms of their own each and read nothing",
        _lagging_rooms,
    ),
    Attack(
        "slow-readers",
        "200 members read 10 KiB/s of a room in which 4 publish 4 kB as fast as they may",
        _busy_room,
        _slow_readers,
    ),
    Attack(
        "fragments",
        "1,000 connections keep 60 kB of a message open and ping every second",
        _open_fragments,
    ),
    Attack(
        "half-requests",
        "2,000 connections send a request's header a line a second, without end",
        _half_requests,
        is_http=True,
    ),
    Attack(
        "large-heads", "32 connections send heads of 100 KiB, on and on", _large_heads, is_http=True
    ),
    Attack(
        "many-fields",
        "32 connections send heads of 10,000 fields, again and again",
        _many_fields,
        is_http=True,
    ),
    Attack(
        "opens",
        "10,000 connections a second (or as many as the machine can) that say nothing",
        list,
        opens=True,
        is_http=True,
    ),
)


def find(names: list[str]) -> list[Attack]:
    """The attacks of these names, in their order here. Raises ``KeyError`` for an unknown one."""
    known = {one.name: one for one in ATTACKS}
    for name in names:
        if name not in known:
            raise KeyError(f"there is no attack '{name}'; there are {', '.join(known)}")
    return [one for one in ATTACKS if one.name in names]


class Press:
    """An attack on one server: ``prepare``, then ``run`` until told; counted is the press alone."""

    def __init__(self, attack: Attack, port: int) -> None:
        self._attack = attack
        self._port = port
        self._crowd = Crowd(port)

    def prepare(self) -> None:
        self._crowd.add(self._attack.setup())
        self._crowd.settle(_SETUP_S)

    def run(self, until: Until) -> Counts:
        if self._attack.opens:
            return press_opens(self._port, until, OPENS_A_SECOND, OPENS_KEPT)
        self._crowd.counts = Counts()
        self._crowd.add(self._attack.press())
        self._crowd.run(until)
        return self._crowd.counts

    def close(self) -> None:
        self._crowd.close()
